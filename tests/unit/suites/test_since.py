"""What a change can have broken, by what imports what; in doubt, everything."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from recloser.suites import UnknownRevisionError, changed_since
from recloser.suites.since import select

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "src/app/__init__.py": "",
    "src/app/core.py": "from . import low\n",
    "src/app/low.py": "",
    "src/app/plugins.py": "",
    "src/app/lonely.py": "",
    "tests/conftest.py": "pytest_plugins = ['tests.fixtures']\n",
    "tests/fixtures.py": "import app.plugins\n",
    "tests/test_core.py": "def test():\n    from app.core import x\n",
    "tests/test_low.py": "import app.low as low\n",
    "tests/test_other.py": "import json\n",
    "tests/test_gone.py": "from app import gone\n",
    "more/test_names.py": "import importlib\nimportlib.import_module('a' + 'b')\n",
    "more/test_broken.py": "def (:\n",
    "data.csv": "",
}
BY_NAME = {"test_names.py", "test_broken.py"}


def make(folder: Path) -> Path:
    """A repository's files."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("changed", "chosen"),
    [
        (["src/app/low.py"], {"test_core.py", "test_low.py"}),
        (["src/app/core.py"], {"test_core.py"}),
        (["tests/test_other.py"], {"test_other.py"}),
        (["src/app/gone.py"], {"test_gone.py"}),
        (["src/app/__init__.py"], {"test_core.py", "test_low.py", "test_other.py", "test_gone.py"}),
        (["src/app/plugins.py"], {"test_core.py", "test_low.py", "test_other.py", "test_gone.py"}),
        (["src/app/lonely.py"], set()),
    ],
)
def test_what_imports_what_changed_is_chosen(tmp_path: Path, changed: list[str], chosen: set[str]) -> None:
    """Directly or not, inside functions, by fixtures, and of deleted modules; who imports by name is always chosen."""
    found = select(make(tmp_path), [*FILES, *changed], changed)
    assert found.files is not None
    assert {file.name for file in found.files} == chosen | BY_NAME


def test_a_file_nobody_is_seen_to_use_selects_everything(tmp_path: Path) -> None:
    """A data file may matter to any test, and it is said which file it was."""
    found = select(make(tmp_path), FILES, ["src/app/low.py", "data.csv"])
    assert found.files is None
    assert found.why == "everything, because no test file is seen to import data.csv"


def test_changes_are_those_of_git(tmp_path: Path) -> None:
    """Committed, uncommitted, new and deleted files count; without a repository or a revision there is one message."""

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=tmp_path, check=True)

    with pytest.raises(UnknownRevisionError, match="git cannot say what has changed"):
        changed_since(tmp_path, "HEAD")
    make(tmp_path)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "first")
    assert changed_since(tmp_path, "HEAD").files == ()
    (tmp_path / "tests/test_new.py").write_text("")
    (tmp_path / "src/app/low.py").unlink()
    git("rm", "-q", "tests/test_other.py")
    found = changed_since(tmp_path, "main")
    assert found.changed == ("src/app/low.py", "tests/test_new.py", "tests/test_other.py")
    assert {file.name for file in found.files or ()} == {"test_core.py", "test_low.py", "test_new.py"} | BY_NAME
    with pytest.raises(UnknownRevisionError, match="there is no such revision"):
        changed_since(tmp_path, "--output=stolen")
    assert not (tmp_path / "stolen").exists()

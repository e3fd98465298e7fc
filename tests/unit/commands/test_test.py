"""`recloser test` as a person or a script calls it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from flows.cli import assemble

if TYPE_CHECKING:
    from pathlib import Path

TARGET = """
name = "demo"
[services.api]
command = ["serve"]
port = 5001

[suites.quick]
tier = "unit"
command = ["{python}", "-m", "pytest", "-p", "no:cacheprovider", "test_quick.py"]
environment = { PYTEST_DISABLE_PLUGIN_AUTOLOAD = "1" }
reruns = 0

[suites.ui]
tier = "e2e"
command = ["{python}", "ui.py", "{junit}"]
needs = ["api"]

[suites.extra]
tier = "e2e"
command = ["{python}", "nothing.py", "{junit}"]
critical = false
"""
UI = "import sys; open(sys.argv[1], 'w').write('<testsuite><testcase name=\"a\"/></testsuite>')"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A target with suites of two tiers."""
    (tmp_path / "recloser.toml").write_text(TARGET)
    (tmp_path / "ui.py").write_text(UI)
    (tmp_path / "test_quick.py").write_text("def test_a(): pass\ndef test_b():\n    assert [1, 2] == [1, 3]\n")
    return tmp_path


def run(*words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    result = CliRunner().invoke(assemble("test"), ["test", *words])
    return result.exit_code, result.stdout, result.stderr


def test_a_failure_is_told_with_its_line(target: Path) -> None:
    """The verdict first, then what failed, where and why; what was not asked for is not run."""
    code, out, _ = run(str(target), "--tier", "unit")
    assert code == 1
    lines = out.splitlines()
    assert lines[0].startswith("quick: failed: 1 passed, 1 failed in ")
    assert "  failed test_quick.py::test_b  test_quick.py:3" in lines
    assert "    > assert [1, 2] == [1, 3]" in lines
    assert "ui:" not in out


def test_arguments_are_handed_on_and_json_is_complete(target: Path) -> None:
    """What follows the double dash is for the runner."""
    code, out, _ = run(str(target), "--suite", "quick", "--format", "json", "--", "-k", "test_a")
    assert code == 0
    [suite] = json.loads(out)["suites"]
    assert [attempt["test_id"] for attempt in suite["attempts"]] == ["test_quick.py::test_a"]


def test_what_is_not_critical_changes_no_exit_code(target: Path) -> None:
    """It is told all the same, as is the service a suite needs."""
    code, out, err = run(str(target), "--tier", "e2e")
    assert code == 0
    assert "ui needs the service api on 127.0.0.1:5001" in err
    assert "ui: passed: 1 passed in " in out
    assert "extra: not-verified (not critical)" in out
    assert run(str(target), "--suite", "extra")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tier", "nightly"], "demo has no suite of the tier 'nightly'; declared: quick (tier unit), ui (tier e2e)"),
        (["--suite", "x", "--tier", "unit"], "demo has no suite of the name 'x' and the tier 'unit'"),
        (["--since", "HEAD"], "git cannot say what has changed"),
    ],
)
def test_bad_input_is_one_line(target: Path, words: list[str], said: str) -> None:
    """With an exit code of its own."""
    code, out, err = run(str(target), *words)
    assert (code, out) == (2, "")
    assert err.startswith("recloser: ")
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_since_runs_what_a_change_concerns(target: Path) -> None:
    """Nothing where nothing changed, and only the files that import what did."""

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=target, check=True)

    (target / "app.py").write_text("")
    (target / "test_app.py").write_text("import app\ndef test_app(): pass\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    code, out, err = run(str(target), "--since", "HEAD")
    assert (code, out) == (0, "")
    assert "since HEAD: nothing has changed" in err
    (target / "app.py").write_text("x = 1\n")
    code, out, err = run(str(target), "--tier", "unit", "--since", "HEAD")
    assert "since HEAD: 1 of 2 test files import what changed, or changed themselves" in err
    assert out == "quick: nothing of it is concerned\n"
    assert code == 0

"""The state of the code is its content, and taking it leaves no trace."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from recloser.suites import code_state, environment_of

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """What git says."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_the_state_is_that_of_what_git_would_commit(tmp_path: Path) -> None:
    """Changed and new files count, ignored ones and caches do not; index and repository stay as they are."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.py").write_text("1")
    (tmp_path / ".gitignore").write_text("ignored\n")
    empty = code_state(tmp_path)
    assert (empty.commit, empty.dirty) == (None, True)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    clean = code_state(tmp_path)
    assert clean.tree == empty.tree == git(tmp_path, "rev-parse", "HEAD^{tree}")
    assert (clean.commit, clean.branch, clean.dirty) == (git(tmp_path, "rev-parse", "HEAD"), "main", False)

    (tmp_path / "ignored").write_text("x")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    assert code_state(tmp_path) == clean

    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "new.py").write_text("2")
    before = (git(tmp_path, "status", "--porcelain"), git(tmp_path, "count-objects", "-v"))
    dirty = code_state(tmp_path / "below")
    assert dirty.dirty
    assert dirty.tree != clean.tree
    assert (git(tmp_path, "status", "--porcelain"), git(tmp_path, "count-objects", "-v")) == before
    git(tmp_path, "add", "below")
    git(tmp_path, "commit", "-qm", "second")
    committed = code_state(tmp_path)
    assert committed.tree == dirty.tree, "committing what is there changes no content"
    git(tmp_path, "checkout", "-q", "--detach")
    assert code_state(tmp_path).branch is None


def test_without_a_repository_the_files_are_the_state(tmp_path: Path) -> None:
    """Names and contents count, what a run leaves behind does not."""
    (tmp_path / "a.py").write_text("1")
    first = code_state(tmp_path)
    assert first.commit is None
    (tmp_path / ".pytest_cache").mkdir()
    (tmp_path / ".pytest_cache" / "x").write_text("1")
    assert code_state(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert code_state(tmp_path) != first


def test_an_interpreter_describes_itself() -> None:
    """The same one is the same environment each time."""
    environment = environment_of(sys.executable)
    assert environment == environment_of(sys.executable)
    assert environment.python.endswith(sys.version.split()[0])
    assert environment.packages

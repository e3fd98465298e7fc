"""Another commit beside the target."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recloser.nightly.errors import NightlyError
from recloser.nightly.repository import path_in_repository
from recloser.nightly.worktree import checked_out


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One file in one commit, changed since."""
    for command in (
        ["init", "-q"],
        ["config", "user.email", "a@example.org"],
        ["config", "user.name", "a"],
    ):
        git(tmp_path, *command)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "file.txt").write_text("before")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "app" / "file.txt").write_text("after")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    """Run git."""
    done = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def test_the_old_code_stands_beside_the_new_and_leaves_nothing(repository: Path) -> None:
    """The change that is not committed stays as it is."""
    with checked_out(repository / "app", "HEAD") as old:
        assert (old / "file.txt").read_text() == "before"
        assert (repository / "app" / "file.txt").read_text() == "after"
    assert not old.exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1


_DIES = """
import os, pathlib, signal, sys
from recloser.nightly.worktree import checked_out

with checked_out(pathlib.Path(sys.argv[1]), "HEAD") as place:
    print(place, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("is_there", [True, False])
def test_what_a_killed_night_has_checked_out_is_taken_away_by_the_next(repository: Path, *, is_there: bool) -> None:
    """Whoever lives keeps what is his; a temporary folder that somebody has emptied is no hindrance."""
    ended = subprocess.run([sys.executable, "-c", _DIES, str(repository)], capture_output=True, text=True, check=False)
    left = Path(ended.stdout.strip())
    assert (left / "app" / "file.txt").exists()
    if not is_there:
        shutil.rmtree(left.parent)
    with checked_out(repository, "HEAD") as first, checked_out(repository, "HEAD"):
        assert first.exists()
        assert not left.parent.exists()
        assert len(git(repository, "worktree", "list").splitlines()) == 3


@pytest.mark.parametrize("commit", ["0" * 40, "--help", "no such; branch"])
def test_an_unknown_commit_is_said(repository: Path, commit: str) -> None:
    """Nothing is left of the attempt."""
    with pytest.raises(NightlyError, match="git rev-parse"), checked_out(repository, commit):
        pass
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_a_folder_without_a_repository_is_said(tmp_path: Path) -> None:
    """There is no earlier code to be had."""
    with pytest.raises(NightlyError, match="rev-parse"), checked_out(tmp_path, "HEAD"):
        pass


def test_a_folder_is_named_as_at_the_root_of_its_repository(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """That is what a person types who has the repository somewhere else."""
    assert path_in_repository(repository / "app") == "app"
    assert path_in_repository(repository) == "."
    assert path_in_repository(tmp_path_factory.mktemp("none")) == "."

"""What was committed between two nights, and which of it comes into question for a failure."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recloser.nightly.commits import MOST_COMMITS, change_since
from recloser.nightly.suspects import MOST, suspects_of
from recloser.values import CodeChange, CodeState, Commit, Cycle, FailedTest, FailureGroup, TestStatus
from tests.unit.nightly.nights import MONDAY, cycle

HOSTILE = "<b>\x1b[31m @all AKIAABCDEFGHIJKLMNOP \x02 \u202e"


@pytest.fixture
def commit(tmp_path: Path) -> Callable[..., str]:
    """Commits a file under a subject, and answers the commit's id; the target lies in `app`."""

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        run = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()

    def make(file: str, subject: str) -> str:
        place = tmp_path / file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(subject)
        git("add", "-A")
        git("commit", "-q", "--allow-empty", "-m", subject)
        return git("rev-parse", "HEAD")

    git("init", "-q")
    return make


def night(day: int, commit: str | None, *, dirty: bool = False) -> Cycle:
    """A night on the code of a commit."""
    return cycle(day).model_copy(update={"code": CodeState(tree=f"t{day}", commit=commit, dirty=dirty)})


def test_the_commits_of_this_night_and_not_of_that_one(tmp_path: Path, commit: Callable[..., str]) -> None:
    """The newest first, with the files inside the target; texts are tamed and hold no secret."""
    first = commit("app/a.py", "first")
    commit("app/b c.py", HOSTILE)
    last = commit("docs/x.md", "third")
    change = change_since(tmp_path / "app", night(0, first), night(1, last, dirty=True))
    assert [one.files for one in change.commits] == [(), ("b c.py",)]
    assert [one.subject for one in change.commits] == ["third", "<b> @all [redacted]"]
    assert (change.commits[0].commit, change.commits[0].author, change.uncommitted) == (last, "Ada", True)
    assert change_since(tmp_path / "app", night(0, last), night(1, last)).commits == ()
    evil = commit("app/a.py", "\x01a\x02b\x02c\x02d\x02")
    assert change_since(tmp_path / "app", night(0, last), night(1, evil)).more == 1


@pytest.mark.parametrize(
    ("base", "now", "why"),
    [
        (None, "HEAD", "ran on code that is in no commit"),
        ("dirty", "HEAD", "ran on code that is in no commit"),
        ("HEAD", None, "the code under test is in no commit"),
        ("0" * 40, "HEAD", "git rev-parse"),
        ("--output=x", "HEAD", "git rev-parse"),
    ],
)
def test_what_cannot_be_told_is_said(
    tmp_path: Path, commit: Callable[..., str], base: str | None, now: str | None, why: str
) -> None:
    """No commit is named then."""
    commit("app/a.py", "first")
    dirty = base == "dirty"
    change = change_since(tmp_path / "app", night(0, "HEAD" if dirty else base, dirty=dirty), night(1, now))
    assert why in change.unknown
    assert change.commits == ()


def test_a_folder_in_no_repository_has_no_commits(tmp_path: Path) -> None:
    """Whatever the store says."""
    assert "not a git repository" in change_since(tmp_path, night(0, "a"), night(1, "b")).unknown


def a_group(verdict: str = "new", since: str = "n3", **given: Any) -> FailureGroup:
    """A failure in `flow.py`, called from `api.py`."""
    test = FailedTest(
        suite="unit", test_id="tests/test_a.py::test", status=TestStatus.FAILED, attempts=1, failed_attempts=1
    )
    fields = {"files": ("flow.py", "api.py"), "tests": (test,)} | given
    return FailureGroup(fingerprint="f", title="E", verdict=verdict, since=since, **fields)


def a_change(*files: str) -> CodeChange:
    """One commit for each file, `c0` the newest."""
    commits = tuple(
        Commit(commit=f"c{place}", author="a", at=MONDAY, subject="s", files=(file,))
        for place, file in enumerate(files)
    )
    return CodeChange(base="n1", commits=commits)


def test_those_that_touch_the_failure_come_first() -> None:
    """The innermost frame's file, then other frames', then the tests'; then the newest."""
    change = a_change("x.py", "tests/test_a.py", "api.py", "flow.py", "y.py")
    found = suspects_of(a_group(), change, {})
    assert [one.commit.commit for one in found] == ["c3", "c2", "c1", "c0", "c4"]
    assert found[0].reason == "touches flow.py, a file of the traceback"
    assert found[2].reason == "touches tests/test_a.py, a file of its tests"
    assert found[3].reason == ""
    assert len(suspects_of(a_group(), a_change(*["z.py"] * MOST_COMMITS), {})) == MOST


def test_a_file_may_be_named_by_the_failure() -> None:
    """In the line that failed, or like the file of its tests."""
    change = a_change("x.py", "lib/a.py", "lib/faults.py", "tests/test_a.py")
    found = suspects_of(a_group(source="assert faults.EXIT == 70"), change, {})
    assert [one.reason for one in found] == [
        "touches tests/test_a.py, a file of its tests",
        "touches lib/a.py, named like a file of its tests",
        "touches lib/faults.py, named in the line that failed",
        "",
    ]


def test_what_came_after_the_first_failure_is_no_suspect() -> None:
    """Nor is anything where the failure is older than the good night, or is not put down to the code."""
    change = a_change("flow.py", "flow.py", "flow.py")
    assert [one.commit.commit for one in suspects_of(a_group(), change, {"n3": "c1"})] == ["c1", "c2"]
    assert len(suspects_of(a_group(), change, {"n3": "gone"})) == 3
    assert suspects_of(a_group(since="n1"), change, {}) == ()
    for verdict in ("flaky", "infrastructure", "quarantined"):
        assert suspects_of(a_group(verdict), change, {}) == ()

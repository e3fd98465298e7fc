"""Failures of a night, run again at head and at the base, judged, and told of once."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from recloser.values import CycleVerdict, FailureKind

if TYPE_CHECKING:
    from tests.integration.nightly.conftest import Little

_FLAKY = """

def test_flaky():
    count = pathlib.Path("LOG").with_name("count")
    with count.open("a") as file:
        file.write("x")
    assert len(count.read_text()) % 2 == 0
"""


@pytest.fixture
def repository(little: Little) -> Little:
    """The target in a repository, with time for triage."""
    little.change("recloser.toml", "budget_s = 0", "budget_s = 60\ntiming_s = 0")
    git(little, "init", "-q")
    commit(little)
    return little


def git(little: Little, *arguments: str) -> None:
    """Run git in the target's folder."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", "-C", str(little.folder), *identity, *arguments], check=True, capture_output=True)


def commit(little: Little) -> None:
    """Commit everything."""
    git(little, "add", "-A")
    git(little, "commit", "-qm", "a change")


def test_what_fails_at_head_and_passes_at_the_base_is_new(repository: Little) -> None:
    """It is confirmed in the same night, one finding tells of it, and the next night says that it lasts."""
    first = repository.night()
    assert first.cycle.verdict is CycleVerdict.GREEN
    repository.change("unit/test_unit.py", "2 * 2 == 4", "2 * 2 == 5")
    commit(repository)
    second = repository.night()
    assert second.cycle.verdict is CycleVerdict.REGRESSION
    (group,) = second.groups
    assert group.verdict == FailureKind.NEW
    assert "base" in group.tests[0].evidence
    waiting = repository.store.outbox.deliveries("little")
    assert [line.finding.fingerprint for one in waiting for line in one.notice.lines].count(group.fingerprint) >= 1
    third = repository.night()
    assert (third.cycle.verdict, third.groups[0].verdict) == (CycleVerdict.RED, FailureKind.ALREADY_BROKEN)
    assert third.groups[0].since == second.cycle.cycle_id


def test_what_passes_and_fails_on_the_same_code_is_flaky_and_does_not_block(repository: Little) -> None:
    """It failed and passed in one night: the code was the same."""
    repository.night()
    tests = (repository.folder / "unit/test_unit.py").read_text()
    repository.write("unit/test_unit.py", tests + _FLAKY.replace("LOG", str(repository.log)))
    commit(repository)
    report = repository.night()
    assert report.cycle.verdict is CycleVerdict.GREEN
    assert [test.test_id for test in report.flaky] == ["unit/test_unit.py::test_flaky"]

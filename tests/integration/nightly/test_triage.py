"""Failures of a night, run again at head and at the base, judged, and told of once."""

from __future__ import annotations

import subprocess
from threading import Event
from typing import TYPE_CHECKING

import pytest

from recloser.analytics.outcomes import outcome_frame
from recloser.nightly.bases import Bases
from recloser.nightly.triaging import Triage
from recloser.values import CycleVerdict, FailureKind
from tests.unit.nightly.nights import cycle as made_up_cycle

if TYPE_CHECKING:
    from recloser.values import TestAttempt
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
    """It is confirmed in the same night, one finding tells of it, and the next night says that it lasts.

    The commit that it came with is named. What needs a service asks one that runs the code of the base.
    """
    first = repository.night()
    assert first.cycle.verdict is CycleVerdict.GREEN
    repository.change("unit/test_unit.py", "2 * 2 == 4", "2 * 2 == 5")
    repository.write("status", "degraded")  # says the service of tonight's code; that of the base does not
    commit(repository)
    second = repository.night()
    assert second.cycle.verdict is CycleVerdict.REGRESSION
    of_suite = {group.tests[0].suite: group for group in second.groups}
    group = of_suite["unit"]
    assert {one.verdict for one in of_suite.values()} == {FailureKind.NEW}
    assert all("at base" in one.tests[0].evidence for one in of_suite.values())
    assert not [note for note in second.missing if note.startswith("base")]
    (suspect,) = group.suspects
    assert suspect.commit.subject == "a change"
    assert suspect.reason == "touches unit/test_unit.py, a file of the traceback"
    assert {problem.fingerprints for problem in second.problems} == {(one.fingerprint,) for one in second.groups}
    waiting = repository.store.outbox.deliveries("little")
    assert [line.finding.fingerprint for one in waiting for line in one.notice.lines].count(group.fingerprint) >= 1
    third = repository.night()
    assert (third.cycle.verdict, third.groups[0].verdict) == (CycleVerdict.RED, FailureKind.ALREADY_BROKEN)
    assert third.groups[0].since == second.cycle.cycle_id
    assert [problem.nights for problem in third.problems] == [2, 2]


def test_what_passes_and_fails_on_the_same_code_is_flaky_and_does_not_block(repository: Little) -> None:
    """It failed and passed in one night: the code was the same."""
    repository.night()
    tests = (repository.folder / "unit/test_unit.py").read_text()
    repository.write("unit/test_unit.py", tests + _FLAKY.replace("LOG", str(repository.log)))
    commit(repository)
    report = repository.night()
    assert report.cycle.verdict is CycleVerdict.GREEN
    assert [test.test_id for test in report.flaky] == ["unit/test_unit.py::test_flaky"]


def test_a_probe_that_goes_on_takes_no_number_twice(repository: Little) -> None:
    """A night was killed after one confirmation: those that follow are numbered after it, and replace nothing."""
    cycle, test, stop = made_up_cycle(1), "unit/test_unit.py::test_sum", Event()
    failed = {"cycle": cycle.cycle_id, "at": cycle.opened_at, "state": "t1|e1", "test": test, "failed": True}
    before = outcome_frame([failed, failed | {"probe": "confirm-head", "attempt": 1}]).assign(peak_rss_mib=float("nan"))
    kept: list[TestAttempt] = []

    def keep(_suite: str, attempts: tuple[TestAttempt, ...]) -> None:
        kept.extend(attempts)
        stop.set()

    system = repository.open_system()
    bases = Bases(system, cycle, (), repository.folder.parent)
    Triage(system, cycle, (), bases, read=lambda: before, keep=keep, environment=lambda _name: {}, stop=stop).result(
        (), ()
    )
    assert [(one.probe, one.number) for one in kept] == [("confirm-head", 2), ("confirm-head", 3)]

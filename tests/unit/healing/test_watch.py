"""Watching: news in any order, once or twice or never, and no more calls than there must be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.aws import JobEvent
from recloser.healing.errors import WatchTimedOut
from recloser.healing.watch import later, watch_all
from recloser.values import JobAttempt, JobSnapshot, JobState
from tests.unit.healing.fakes import FakeAccount, a_site, a_target, failed

if TYPE_CHECKING:
    from collections.abc import Iterable

QUEUE = "http://127.0.0.1/000000000000/jobs"


def job(state: JobState, attempts: int = 0, job_id: str = "job-1") -> JobSnapshot:
    """A job in a state, after some ended attempts."""
    ended = tuple(JobAttempt(number=number + 1) for number in range(attempts))
    return failed().job.model_copy(update={"job_id": job_id, "state": state, "attempts": ended})


def event(receipt: str, of: JobSnapshot) -> JobEvent:
    """An event that tells of a job."""
    return JobEvent(receipt=receipt, job=of)


# A job's life with a retry: what Batch says in order.
LIFE = [
    job(JobState.SUBMITTED),
    job(JobState.RUNNABLE),
    job(JobState.STARTING),
    job(JobState.RUNNING),
    job(JobState.RUNNABLE, 1),
    job(JobState.RUNNING, 1),
    job(JobState.SUCCEEDED, 2),
]


@given(st.lists(st.sampled_from(LIFE), min_size=1).map(lambda seen: [*seen, *seen]))
def test_any_order_and_any_repetition_end_in_the_latest(seen: list[JobSnapshot]) -> None:
    """What is known is the furthest point of the job's life that any news told of."""
    known: JobSnapshot | None = None
    for news in seen:
        known = later(known, news)
    assert known == max(seen, key=LIFE.index)


class Describer:
    """Batch's DescribeJobs with a script for each job, counting the calls as the gateway makes them."""

    def __init__(self, **script: list[JobSnapshot | None]) -> None:
        self.script = {name.replace("_", "-"): states for name, states in script.items()}
        self.calls = 0

    def describe(self, job_ids: Iterable[str]) -> dict[str, JobSnapshot]:
        asked = list(job_ids)
        self.calls += -(-len(asked) // 100)
        told = {job_id: self._next(job_id) for job_id in asked}
        return {job_id: state for job_id, state in told.items() if state is not None}

    def _next(self, job_id: str) -> JobSnapshot | None:
        states = self.script[job_id]
        return states.pop(0) if len(states) > 1 else states[0]


def watched(
    describer: Describer, account: FakeAccount | None = None, **watch: Any
) -> tuple[dict[str, JobSnapshot], int]:
    """Watch every job of the script; returns how they ended and how many looks it took."""
    looks = 0

    def looked(jobs: Iterable[JobSnapshot]) -> None:
        nonlocal looks
        looks += 1
        list(jobs)

    account = account or FakeAccount()
    account.batch = describer  # type: ignore[assignment]
    site = a_site(a_target(Path(), watch={"poll_s": 0.05} | watch), account)
    return watch_all(site, describer.script, looked=looked), looks


def test_a_thousand_jobs_cost_ten_calls_a_look() -> None:
    """One describer for all, a hundred ids a call."""
    names = {
        f"job_{n}": [job(JobState.RUNNING, 0, f"job-{n}"), job(JobState.SUCCEEDED, 1, f"job-{n}")] for n in range(1000)
    }
    describer = Describer(**names)
    ended, looks = watched(describer)
    assert len(ended) == 1000
    assert looks == 2
    assert describer.calls <= 12 * looks


def test_an_event_saves_the_describes() -> None:
    """The end is heard of, and asked for once; messages that were taken note of are forgotten."""
    account = FakeAccount()
    running, done = job(JobState.RUNNING), job(JobState.SUCCEEDED, 1)
    other = event("other", job(JobState.RUNNING, 0, "job-9"))
    account.events.script = [(), (event("a", running), other), (event("a2", running),), (event("b", done),), ()]
    describer = Describer(job_1=[running, done])
    ended, _ = watched(describer, account, event_queue=QUEUE, sweep_s=600)
    assert ended["job-1"].state is JobState.SUCCEEDED
    assert describer.calls == 2
    assert account.events.forgotten == ["a", "a2", "b"]


def test_a_lost_event_is_found_by_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """No event ever comes; the job is known to have ended all the same."""
    clock = iter(range(0, 100_000, 10))
    monkeypatch.setattr("recloser.healing.watch.time.monotonic", lambda: float(next(clock)))
    describer = Describer(job_1=[job(JobState.RUNNING), job(JobState.RUNNING), job(JobState.FAILED, 1)])
    ended, looks = watched(describer, FakeAccount(), event_queue=QUEUE, sweep_s=60)
    assert ended["job-1"].state is JobState.FAILED
    assert describer.calls == 3
    assert looks > 3


def test_a_late_event_does_not_bring_a_job_back() -> None:
    """RUNNING, told after the end, changes nothing."""
    account = FakeAccount()
    account.events.script = [(event("late", job(JobState.RUNNING)),)]
    describer = Describer(job_1=[job(JobState.SUCCEEDED, 1)])
    ended, _ = watched(describer, account, event_queue=QUEUE)
    assert ended["job-1"].state is JobState.SUCCEEDED


def test_a_job_that_is_not_known_yet_is_waited_for() -> None:
    """DescribeJobs lags behind SubmitJob."""
    ended, looks = watched(Describer(job_1=[None, None, job(JobState.SUCCEEDED, 1)]))
    assert ended["job-1"].state is JobState.SUCCEEDED
    assert looks == 3


@pytest.mark.parametrize(("state", "said"), [(None, "not known"), (job(JobState.RUNNABLE), "still RUNNABLE")])
def test_no_wait_is_unbounded(monkeypatch: pytest.MonkeyPatch, state: JobSnapshot | None, said: str) -> None:
    """A vanished job and one that never ends are given up with what a person should do."""
    clock = iter(range(0, 10_000_000, 100))
    monkeypatch.setattr("recloser.healing.watch.time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr("recloser.healing.watch.rest", lambda seconds: None)
    with pytest.raises(WatchTimedOut, match=said):
        watched(Describer(job_1=[state]), timeout_s=5000)

"""Jobs and arrays that wait for each other, end, are cancelled, and are taken up after a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from recloser.sandbox.batch.dependencies import of_child
from recloser.sandbox.batch.endings import DEPENDENCY_FAILED
from recloser.sandbox.batch.model import TERMINAL, WAITING, Job, child_id
from recloser.sandbox.batch.roster import Roster
from recloser.sandbox.batch.store import Store

KINDS = st.sampled_from([None, "N_TO_N"])


def make(name: str, size: int | None, entries: list[dict[str, Any]]) -> tuple[Job, list[Job]]:
    """A job just submitted, with its children."""

    def job(job_id: str, depends_on: list[dict[str, Any]], **more: Any) -> Job:
        fixed = {"jobName": name, "jobQueue": "q", "jobDefinition": "d:1", "createdAt": 1, "status": "SUBMITTED"}
        return Job("r", {**fixed, "jobId": job_id, "dependsOn": depends_on, "isCancelled": False, **more})

    if size is None:
        return job(name, entries), []
    children = [
        job(child_id(name, index), of_child(entries, name, index), arrayProperties={"index": index})
        for index in range(size)
    ]
    return job(name, entries, arrayProperties={"size": size}), children


class Story(RuleBasedStateMachine):
    """Everything that can happen to jobs, in any order; ends are told as the runner tells them."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(Path(":memory:"))
        self.roster = Roster(self.store)
        self.entries: dict[str, list[str]] = {}
        self.sizes: dict[str, int | None] = {}
        self.running: list[Job] = []
        self.seen: dict[str, list[str]] = {}
        self.store.on_transition(lambda job: self.seen.setdefault(job.id, []).append(job.status))

    def teardown(self) -> None:
        """Close the store."""
        self.store.close()

    @rule(
        target=jobs,
        on=st.one_of(st.lists(st.tuples(jobs, KINDS), min_size=1, max_size=3), st.just([])),
        size=st.sampled_from([None, None, 2, 3]),
        sequential=st.booleans(),
    )
    def submit(self, on: list[tuple[str, str | None]], size: int | None, sequential: bool) -> str:  # noqa: FBT001
        """A job or an array, after some others."""
        entries: list[dict[str, Any]] = []
        for job_id, kind in on:
            if kind is None:
                entries.append({"jobId": job_id})
            elif size is not None and self.sizes[job_id] == size:
                entries.append({"jobId": job_id, "type": kind})
        if size is not None and sequential:
            entries.append({"type": "SEQUENTIAL"})
        name = f"job-{len(self.sizes)}"
        job, children = make(name, size, entries)
        self.sizes[name] = size
        for one in [job, *children]:
            plain = [entry["jobId"] for entry in entries if "type" not in entry]
            own = [entry["jobId"] for entry in one.detail["dependsOn"] if entry.get("type")] if one is not job else []
            self.entries[one.id] = plain + own
        self.store.add_job(job, *children)
        self.roster.enter(job, children)
        self.roster.arrange(job, children)
        return name

    @rule(limit=st.integers(1, 20))
    def start_some(self, limit: int) -> None:
        """The scheduler starts what is free."""
        for job in self.roster.advance(limit):
            assert job not in self.running
            assert all(self.store.status_of(other) == "SUCCEEDED" for other in self.entries[job.id])
            job.detail["status"] = "RUNNING"
            self.store.save_job(job)
            self.running.append(job)

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 10), succeeds=st.sampled_from([True, True, False]), killed=st.booleans())
    def end(self, which: int, succeeds: bool, killed: bool) -> None:  # noqa: FBT001
        """The runner records an end, and the process may be killed right after."""
        job = self.running.pop(which % len(self.running))
        job.detail.update(status="SUCCEEDED" if succeeds else "FAILED", stoppedAt=2)
        self.store.save_job(job)
        if killed:
            self.crash()
        else:
            self.roster.ended(job)

    @rule(name=jobs, whole=st.booleans())
    def terminate_waiting(self, name: str, whole: bool) -> None:  # noqa: FBT001
        """Some of what waits is ended."""
        job = self.roster.live.get(name)
        if job is not None:
            family = [one for one in self.roster.family(job) if one.status in WAITING]
            self.roster.end(
                (one, {"statusReason": "no", "isTerminated": True}) for one in family[: None if whole else 1]
            )

    @rule()
    def crash(self) -> None:
        """The process dies and another takes up what it left; what ran goes on."""
        self.roster = Roster(self.store)
        found = {job.id: job for job in self.store.unfinished()}
        families = [
            (job, [one for one in found.values() if one.parent_id == job.id])
            for job in found.values()
            if job.parent_id is None
        ]
        for job, children in families:
            self.roster.enter(job, children, self.store.child_states(job.id) if job.is_array else None)
        for job, children in families:
            self.roster.arrange(job, children)
        self.running = [job for job in found.values() if job.status == "RUNNING"]

    @invariant()
    def states_are_kept(self) -> None:
        """What is held and what is written agree, and only what has not ended is held."""
        for job_id in self.entries:
            status = self.store.status_of(job_id)
            held = self.roster.live.get(job_id)
            assert (held is None) is (status in TERMINAL), (job_id, status)
            assert held is None or held.status == status

    @invariant()
    def ends_are_final(self) -> None:
        """Nobody hears of a job after its end."""
        for told in self.seen.values():
            assert not set(told[:-1]) & set(TERMINAL)

    @invariant()
    def parents_follow_their_children(self) -> None:
        """An array has ended exactly when all its children have, and SUCCEEDED only with all of them."""
        for name, size in self.sizes.items():
            if size is not None:
                states = self.store.child_states(name)
                done = all(state in TERMINAL for state in states)
                expected = ("FAILED" if "FAILED" in states else "SUCCEEDED") if done else None
                status = self.store.status_of(name)
                assert (status if status in TERMINAL else None) == expected

    @invariant()
    def nothing_waits_for_a_failure(self) -> None:
        """What depends on a failed job has failed too, and what has not may still come."""
        for job_id, others in self.entries.items():
            if any(self.store.status_of(other) == "FAILED" for other in others):
                assert self.store.status_of(job_id) == "FAILED"


TestStory = Story.TestCase
TestStory.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_a_failure_goes_down_a_long_chain() -> None:
    """Ten thousand children in sequence fail with the first, in AWS's words."""
    store = Store(Path(":memory:"))
    roster = Roster(store)
    parent, children = make("p", 10_000, [{"type": "SEQUENTIAL"}])
    store.add_job(parent, *children)
    roster.enter(parent, children)
    roster.arrange(parent, children)
    (first,) = roster.advance(1)
    first.detail.update(status="FAILED", stoppedAt=2)
    store.save_job(first)
    roster.ended(first)
    assert not roster.live
    assert store.jobs("r", ["p:9999"])[0]["statusReason"] == DEPENDENCY_FAILED
    assert store.jobs("r", ["p"])[0]["statusReason"] == "Array Child Job failed"
    store.close()


def test_a_job_freed_before_it_was_judged_starts_once() -> None:
    """What it waited for ends before anybody looked at it."""
    store = Store(Path(":memory:"))
    roster = Roster(store)
    first, second = make("first", None, [])[0], make("second", None, [{"jobId": "first"}])[0]
    for job in (first, second):
        store.add_job(job)
        roster.enter(job, [])
        roster.arrange(job, [])
    assert roster.advance(1) == [first]
    first.detail.update(status="SUCCEEDED", stoppedAt=2)
    store.save_job(first)
    roster.ended(first)
    assert [*roster.advance(9), *roster.advance(9)] == [second]
    store.close()

"""Which jobs wait for which."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from recloser.sandbox.batch.dependencies import Dependencies, check_dependencies, ids_of, of_child
from recloser.sandbox.batch.model import BatchError

KNOWN: dict[str, dict[str, Any]] = {"plain": {}, "three": {"arrayProperties": {"size": 3}}}


@pytest.mark.parametrize(
    ("entries", "size", "words"),
    [
        ([{"jobId": "plain"}] * 21, None, "at most 20 jobs, got 21"),
        ([{"jobId": "plain"}, {"jobId": "gone"}], None, "dependsOn[1].jobId: job gone does not exist"),
        ([{}], None, "dependsOn[0].jobId is required"),
        ([{"type": "SEQUENTIAL"}], None, "type SEQUENTIAL needs an array job"),
        ([{"type": "SEQUENTIAL", "jobId": "plain"}], 3, "should be absent for type SEQUENTIAL"),
        ([{"type": "N_TO_N", "jobId": "three"}], None, "type N_TO_N needs an array job"),
        ([{"type": "N_TO_N"}], 3, "dependsOn[0].jobId is required"),
        ([{"type": "N_TO_N", "jobId": "three"}], 4, "needs an array of size 4, job three has size 3"),
        ([{"type": "N_TO_N", "jobId": "plain"}], 3, "job plain has size None"),
    ],
)
def test_bad_dependencies_are_refused(entries: list[dict[str, str]], size: int | None, words: str) -> None:
    """A refusal names the entry and what was expected."""
    with pytest.raises(BatchError) as caught:
        check_dependencies(entries, size, KNOWN.get)
    assert words in str(caught.value)


def test_good_dependencies_are_taken() -> None:
    """Twenty of every kind are."""
    check_dependencies(
        [{"jobId": "plain"}] * 18 + [{"type": "SEQUENTIAL"}, {"type": "N_TO_N", "jobId": "three"}], 3, KNOWN.get
    )


def test_children_wait_for_their_own() -> None:
    """N_TO_N is index by index, SEQUENTIAL the child before; plain ones are the parent's."""
    entries = [{"jobId": "a"}, {"jobId": "b", "type": "N_TO_N"}, {"type": "SEQUENTIAL"}]
    assert [item["jobId"] for item in of_child(entries, "p", 0)] == ["b:0"]
    assert [item["jobId"] for item in of_child(entries, "p", 2)] == ["b:2", "p:1"]
    assert ids_of({"dependsOn": entries, "arrayProperties": {"size": 3}}) == ["a"]


class Graph(RuleBasedStateMachine):
    """The graph beside a plain model of it: for each job, the set of ends it waits for."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.graph = Dependencies()
        self.model: dict[str, set[str]] = {}
        self.number = 0

    @rule(target=jobs, awaited=st.lists(jobs, max_size=4))
    def submit(self, awaited: list[str]) -> str:
        """A new job waits for some that have not ended."""
        self.number += 1
        name = f"job-{self.number}"
        wanted = {one for one in awaited if one in self.model}
        self.graph.add(name, wanted)
        self.model[name] = wanted
        return name

    def _ready(self, job: str) -> bool:
        return job in self.model and not self.model[job]

    @rule(job=jobs)
    def succeed(self, job: str) -> None:
        """What waited for this job only is freed, and nothing else."""
        if self._ready(job):
            del self.model[job]
            expected = [one for one, awaited in self.model.items() if awaited == {job}]
            for awaited in self.model.values():
                awaited.discard(job)
            assert sorted(self.graph.succeeded(job)) == sorted(expected)

    @rule(job=jobs)
    def fail(self, job: str) -> None:
        """Whatever waited for it fails, down the chain."""
        if self._ready(job):
            work = [job]
            while work:
                one = work.pop()
                del self.model[one]
                expected = [other for other, awaited in self.model.items() if one in awaited and other not in work]
                doomed = self.graph.failed(one)
                assert sorted(doomed) == sorted(expected)
                work += doomed

    @rule(job=jobs)
    def forget(self, job: str) -> None:
        """A job that is ended from outside waits no more; those that wait for it fail."""
        if job in self.model:
            self.model[job] = set()
            self.graph.forget(job)
            self.fail(job)

    @invariant()
    def blocks_what_waits(self) -> None:
        """A job is blocked exactly while it waits for something."""
        assert {job for job in self.model if self.graph.blocks(job)} == {
            job for job, left in self.model.items() if left
        }


TestGraph = Graph.TestCase

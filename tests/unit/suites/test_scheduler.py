"""The scheduler of tests: everything runs once, the longest first, and whoever dies delays nobody for long."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.suites.inside.scheduler import LongestFirst, grouped

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(eq=False)
class Worker:
    """A worker as a scheduler sees it: it runs a test only when it knows the next one, or that there is none."""

    name: str
    queue: list[int] = field(default_factory=list)
    shutting_down: bool = False

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        """Append to the queue."""
        assert not self.shutting_down, "who has been told that nothing more comes gets nothing more"
        self.queue.extend(indices)

    def shutdown(self) -> None:
        """Nothing more comes."""
        self.shutting_down = True

    @property
    def can_run(self) -> bool:
        """Whether the first of its queue may run."""
        return len(self.queue) > 1 or (self.shutting_down and bool(self.queue))


class Session:
    """What xdist does around a scheduler, in simulated time."""

    def __init__(self, ids: Sequence[str], took: dict[str, float], workers: int, *, known: bool) -> None:
        """Start workers that all collect the same."""
        self.ids = list(ids)
        self.took = took
        groups = [test_id.split("::")[0] if "shared" in test_id else None for test_id in ids]
        self.scheduler = LongestFirst(workers, took if known else {}, lambda _node, _ids: groups)
        self.ran: list[str] = []
        self.where: dict[str, str] = {}
        self.free_at: dict[Worker, float] = {}
        self.started = 0
        for _ in range(workers):
            self.start()

    def start(self) -> None:
        """A worker comes up and collects."""
        worker = Worker(f"gw{self.started}")
        self.started += 1
        self.scheduler.add_node(worker)
        self.scheduler.add_node_collection(worker, self.ids)
        self.scheduler.schedule()
        self.free_at[worker] = max(self.free_at.values(), default=0.0) if self.started > 8 else 0.0

    def run(self, deaths: set[str]) -> float:
        """Run all there is, killing a worker once in each test of `deaths`; answers when the last one ended."""
        deaths = set(deaths)
        while True:
            ready = [worker for worker in self.free_at if worker.can_run]
            if not ready:
                break
            worker = min(ready, key=lambda worker: self.free_at[worker])
            index = worker.queue.pop(0)
            test_id = self.ids[index]
            self.ran.append(test_id)
            self.where[test_id] = worker.name
            self.free_at[worker] += self.took[test_id]
            if test_id in deaths:
                deaths.remove(test_id)
                ended = self.free_at.pop(worker)
                assert self.scheduler.remove_node(worker) == test_id
                self.start()
                self.free_at[list(self.free_at)[-1]] = ended
            else:
                self.scheduler.mark_test_complete(worker, index)
            if self.scheduler.tests_finished:
                for other in self.free_at:
                    other.shutdown()
        return max(self.free_at.values(), default=0.0)


tests = st.lists(
    st.tuples(st.sampled_from(["a.py", "b.py", "shared.py"]), st.integers(0, 400), st.floats(0.001, 20)), max_size=60
)


@given(
    drawn=tests,
    workers=st.integers(1, 5),
    known=st.booleans(),
    deaths=st.sets(st.integers(0, 59), max_size=12),
    repeated=st.booleans(),
)
def test_every_test_runs_once_whatever_dies(
    *, drawn: list[tuple[str, int, float]], workers: int, known: bool, deaths: set[int], repeated: bool
) -> None:
    """Each collected test runs exactly once, even those of the same name, even if workers die at any of them."""
    ids = [f"{file}::test_{number if repeated else at}" for at, (file, number, _) in enumerate(drawn)]
    took = {test_id: seconds for test_id, (_, _, seconds) in zip(ids, drawn, strict=True)}
    session = Session(ids, took, workers, known=known)
    session.run({ids[at] for at in deaths if at < len(ids)})
    assert Counter(session.ran) == Counter(ids)
    assert session.scheduler.tests_finished
    assert not session.scheduler.has_pending


@given(
    st.lists(st.floats(0.01, 30), min_size=1, max_size=60),
    st.integers(2, 4),
)
def test_known_durations_leave_no_long_tail(durations: list[float], workers: int) -> None:
    """When nothing is left to hand out, a worker has the test it runs and one more, or half a second of them."""
    ids = [f"a.py::test_{at}" for at in range(len(durations))]
    took = dict(zip(ids, durations, strict=True))
    ended = Session(ids, took, workers, known=True).run(set())
    best = max(sum(durations) / workers, *durations)
    assert ended <= best + 2 * max(durations) + 0.5


def test_the_longest_begin_first() -> None:
    """With one long test at the end of the collection, the run takes as long as that test, not longer."""
    ids = [f"a.py::test_{at}" for at in range(41)]
    took = dict.fromkeys(ids[:-1], 0.25) | {ids[-1]: 10.0}
    assert Session(ids, took, 2, known=True).run(set()) == pytest.approx(10.0, abs=0.6)
    assert Session(ids, took, 2, known=False).run(set()) > 12


def test_tests_that_share_a_fixture_stay_together() -> None:
    """A module with a fixture of its own goes to one worker; the rest goes anywhere."""
    ids = [f"shared.py::test_{at}" for at in range(5)] + [f"a.py::test_{at}" for at in range(20)]
    session = Session(ids, dict.fromkeys(ids, 1.0), 3, known=True)
    session.run(set())
    assert len({session.where[test_id] for test_id in ids[:5]}) == 1
    assert len({session.where[test_id] for test_id in ids[5:]}) == 3


def test_what_shares_too_much_is_parted_but_not_where_it_must_stay() -> None:
    """Beyond a worker's fair share a fixture is set up twice rather than waited for; `xdist_group` is never parted."""
    ids = [f"a.py::test_{at}" for at in range(10)]
    seconds = dict.fromkeys(ids, 1.0)
    assert [len(group.keys) for group in grouped(ids, ["module a.py"] * 10, seconds, 2)] == [5, 5]
    assert [len(group.keys) for group in grouped(ids, ["=a"] * 10, seconds, 2)] == [10]


def test_a_worker_that_collects_something_else_is_left_out() -> None:
    """Another order is no difference; other tests are, and they are reported."""
    told: list[str] = []
    scheduler = LongestFirst(3, {}, lambda _node, ids: [None] * len(ids), lambda node, *_: told.append(node.name))
    first, second, third = (Worker(name) for name in ("first", "second", "third"))
    for worker, ids in ((first, ["a", "b", "c", "d"]), (second, ["d", "c", "b", "a"]), (third, ["a", "x"])):
        scheduler.add_node(worker)
        scheduler.add_node_collection(worker, ids)
    scheduler.schedule()
    assert told == ["third"]
    assert third.shutting_down
    assert not third.queue
    given = [*("abcd"[at] for at in first.queue), *("dcba"[at] for at in second.queue)]
    assert sorted(given) == ["a", "b", "c", "d"]


def test_nothing_known_changes_no_order() -> None:
    """Without durations, tests begin in the order of their collection, as near as several workers allow."""
    ids = [f"a.py::test_{at}" for at in range(12)]
    session = Session(ids, dict.fromkeys(ids, 1.0), 1, known=False)
    session.run(set())
    assert session.ran == ids

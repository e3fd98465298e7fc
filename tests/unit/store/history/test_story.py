"""One test over the nights, and the names a person may use, on both databases."""

import pytest

from recloser.store import Store, StoreError
from recloser.values import CycleVerdict, TestNight, TestStatus, WeekRow
from tests.unit.store.history.conftest import NIGHT, attempt, night, suite_run


@pytest.fixture
def nights(store: Store) -> list[TestNight]:
    """Four nights of the test `a` as they should be read: passed, not there, flaky with a probe, failed."""
    passed, failed = attempt("a"), attempt("a", TestStatus.FAILED)
    rerun, probe = attempt("a", number=2), attempt("a", TestStatus.FAILED, probe="shuffled")
    stories = [(passed,), (), (failed, rerun, probe), (failed,)]
    for number, attempts in enumerate(stories):
        store.history.open_cycle(night(number))
        store.history.save_suite_run(night(number).cycle_id, suite_run(attempt("b"), *attempts))
    opened = [night(number) for number in range(len(stories))]
    return [
        TestNight(cycle_id=cycle.cycle_id, at=cycle.opened_at, attempts=attempts)
        for cycle, attempts in zip(opened, stories, strict=True)
    ]


class TestStory:
    """Night by night."""

    def test_has_every_attempt_and_the_nights_without(self, store: Store, nights: list[TestNight]) -> None:
        """The suite's own run first, then reruns and probes; a night that did not run the suite is left out."""
        store.history.open_cycle(night(9))
        e2e = suite_run(attempt("a", suite="e2e"), suite="e2e")
        store.history.save_suite_run(night(9).cycle_id, e2e)
        assert store.history.story("grid", "unit", "a") == tuple(nights)
        assert store.history.story("grid", "unit", "a", last=2) == tuple(nights[2:])
        assert [one.deciding and one.deciding.number for one in nights] == [1, None, 2, 1]
        assert [one.is_flaky for one in nights] == [False, False, True, False]

    def test_leaves_weeks_behind(self, store: Store, nights: list[TestNight]) -> None:
        """What was pruned is told as weeks, and is no night without the test."""
        for number in range(2):
            store.history.close_cycle(night(number).cycle_id, CycleVerdict.RED, "", NIGHT)
        assert store.history.prune(night(2).opened_at, keep_cycles=0) == 3
        assert store.history.story("grid", "unit", "a") == tuple(nights[2:])
        assert store.history.test_weeks("grid", "unit", "b") == (
            WeekRow(monday=NIGHT.date(), cycles=2, passed=2, judged=2),
        )

    def test_of_an_unknown_test_is_empty(self, store: Store, nights: list[TestNight]) -> None:
        """Nothing is made up: it was not there in any night."""
        assert all(not one.attempts for one in store.history.story("grid", "unit", "none"))
        assert store.history.test_weeks("grid", "unit", "none") == ()


class TestNames:
    """What a person types."""

    def test_of_a_target_may_be_left_out_where_there_is_one(self, store: Store) -> None:
        """None, one, several: the message says what there is."""
        with pytest.raises(StoreError, match="no cycle in the store yet"):
            store.history.find_target()
        store.history.open_cycle(night())
        assert store.history.find_target() == store.history.find_target("grid") == "grid"
        with pytest.raises(StoreError, match="no cycle of target 'gird' in the store; it knows 'grid'"):
            store.history.find_target("gird")
        store.history.open_cycle(night(target="other"))
        with pytest.raises(StoreError, match="several targets in the store: name one of 'grid', 'other'"):
            store.history.find_target()

    def test_of_a_test_may_be_a_part(self, store: Store) -> None:
        """An id that another one contains is meant itself; a part that several have is not enough."""
        store.history.open_cycle(night())
        ids = ["tests/test_a.py::test_x", "tests/test_a.py::test_xy", "tests/test_b.py::test_z\x1b[2J"]
        for suite in ("unit", "e2e"):
            run = suite_run(*(attempt(one, suite=suite) for one in ids), suite=suite)
            store.history.save_suite_run(night().cycle_id, run)
        find = store.history.find_tests
        assert find("grid", ids[0]) == (("e2e", ids[0]), ("unit", ids[0]))
        assert find("grid", "xy") == (("e2e", ids[1]), ("unit", ids[1]))
        with pytest.raises(StoreError, match="2 tests of grid have 'test_a' in their name"):
            find("grid", "test_a")
        with pytest.raises(StoreError, match="no test 'test_zz' of grid in the store; the nearest names are") as told:
            find("grid", "test_zz")
        assert str(told.value).index("test_b.py") < str(told.value).index("test_a.py")
        assert "\x1b" not in str(told.value)

"""Attempts as columns, and what is expected of the next night, on both databases."""

from datetime import timedelta

import pandas as pd
import pytest

from recloser.store import Store
from recloser.store.history.codes import STATUSES
from recloser.values import SuiteRun, TestStatus
from tests.unit.store.history.conftest import NIGHT, attempt, night, suite_run

COLUMNS = {
    "cycle": "category",
    "run": "int32",
    "at": "datetime64[us, UTC]",
    "state": "category",
    "tier": "category",
    "suite": "category",
    "test": "category",
    "attempt": "int32",
    "status": "category",
    "failed": "bool",
    "judged": "bool",
    "duration_s": "float64",
    "fingerprint": "category",
    "position": "int32",
    "peak_rss_mib": "float32",
    "worker": "category",
    "probe": "category",
}


def save(store: Store, number: int, *runs: SuiteRun, target: str = "grid") -> str:
    """A night with these suites."""
    cycle = night(number, target)
    store.history.open_cycle(cycle)
    for run in runs:
        store.history.save_suite_run(cycle.cycle_id, run)
    return cycle.cycle_id


class TestOutcomes:
    """The frame."""

    @pytest.mark.parametrize("full", [False, True])
    def test_has_the_same_columns_whether_or_not_anything_ran(
        self, store: Store, mixed: SuiteRun, *, full: bool
    ) -> None:
        """Who reads it need not ask first."""
        if full:
            save(store, 0, mixed)
        frame = store.history.outcomes("grid")
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == COLUMNS
        assert len(frame) == (len(mixed.attempts) if full else 0)
        assert frame["cycle"].cat.ordered

    def test_says_what_the_values_say(self, store: Store, mixed: SuiteRun) -> None:
        """Each attempt is one row, with its own name, time, status, failure and place."""
        key = save(store, 0, mixed)
        frame = store.history.outcomes("grid")
        rows = {
            (row.test, row.attempt, row.probe): (row.status, row.failed, row.judged, row.duration_s, row.worker)
            for row in frame.itertuples()
        }
        assert rows == {
            (one.test_id, one.number, one.probe): (
                one.status.value,
                one.status.is_failure,
                one.status.is_failure or one.status.is_pass,
                one.duration_s,
                one.worker,
            )
            for one in mixed.attempts
        }
        assert set(frame["cycle"]) == {key}
        assert set(frame["state"]) == {"t1|e1"}
        assert frame["at"].min() == pd.Timestamp(NIGHT)
        assert list(frame["fingerprint"].notna()) == list(frame["failed"])
        assert set(frame["fingerprint"].dropna()) == {"f-assert 1 == 2"}
        assert list(frame["status"].cat.categories) == [word.value for word in STATUSES]

    def test_counts_nights_from_the_oldest(self, store: Store) -> None:
        """The last nights that were asked for, in the order of time, whatever order they were saved in."""
        keys = {number: save(store, number, suite_run(attempt(f"t{number}"))) for number in (2, 0, 1)}
        save(store, 9, suite_run(attempt("t")), target="other")
        frame = store.history.outcomes("grid", last=2)
        assert list(zip(frame["cycle"], frame["run"], frame["test"], strict=True)) == [
            (keys[1], 0, "t1"),
            (keys[2], 1, "t2"),
        ]
        older = store.history.outcomes("grid", last=1, also=[keys[0]])
        assert list(older["cycle"]) == [keys[0], keys[2]]

    def test_may_be_of_some_suites_only(self, store: Store) -> None:
        """Two suites may have a test of the same name: it is told apart by its suite."""
        e2e = suite_run(attempt("t", TestStatus.FAILED, suite="e2e"), suite="e2e", tier="e2e")
        save(store, 0, suite_run(attempt("t")), e2e)
        frame = store.history.outcomes("grid")
        assert sorted(zip(frame["suite"], frame["test"], frame["failed"], strict=True)) == [
            ("e2e", "t", True),
            ("unit", "t", False),
        ]
        assert list(store.history.outcomes("grid", suites=["e2e"])["tier"]) == ["e2e"]
        assert store.history.outcomes("grid", suites=[]).empty


class TestDurations:
    """What the scheduler expects."""

    def test_follow_the_newest_passes(self, store: Store) -> None:
        """A plain mean of the first passes, then a fifth of each newer one; what never passed is unknown."""
        for number, took in enumerate([1.0, 3.0, 2.0, 2.0, 2.0, 7.0]):
            probe = attempt("a", started_at=NIGHT, duration_s=99, probe="isolated")
            failed = attempt("b", TestStatus.FAILED, duration_s=5)
            save(store, number, suite_run(attempt("a", duration_s=took), probe, failed))
        assert store.history.durations("grid", "unit") == {"a": pytest.approx(2 + (7 - 2) / 5)}
        assert store.history.durations("grid", "e2e") == {}

    def test_forget_what_is_long_ago(self, store: Store) -> None:
        """A test that is no more is not waited for."""
        for number in range(11):
            save(store, number, suite_run(attempt("old" if number == 0 else "new", started_at=NIGHT + timedelta(1))))
        assert store.history.durations("grid", "unit") == {"new": 0.25}

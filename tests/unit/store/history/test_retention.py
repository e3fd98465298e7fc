"""Nights counted, and old attempts folded, on both databases."""

from datetime import date, timedelta

import pytest
from sqlalchemy import event

from recloser.store import Store, StoreError
from recloser.store.history.retention import KEEP_GREEN
from recloser.values import CycleVerdict, HistoryPoint, SuiteRun, TestStatus, WeekRow
from tests.postgresql_fixture import run_sql
from tests.unit.store.history.conftest import NIGHT, attempt, failure, night, suite_run

NEVER = NIGHT + timedelta(days=1_000)


def save(store: Store, number: int, run: SuiteRun, verdict: CycleVerdict | None = CycleVerdict.RED) -> str:
    """A night of one suite."""
    cycle = night(number)
    store.history.open_cycle(cycle)
    store.history.save_suite_run(cycle.cycle_id, run)
    if verdict:
        store.history.close_cycle(cycle.cycle_id, verdict, "", cycle.opened_at + timedelta(minutes=30))
    return cycle.cycle_id


def attempts_by_night(store: Store) -> dict[str, int]:
    """How many attempts are left of each night that has some."""
    frame = store.history.outcomes("grid", last=1_000)
    return {str(key): int(count) for key, count in frame["cycle"].value_counts().items() if count}


class TestPoints:
    """A night in numbers."""

    def test_count_each_test_once(self, store: Store, mixed: SuiteRun) -> None:
        """A rerun that passes makes a pass, a probe makes nothing, and what was not judged is neither."""
        key = save(store, 0, mixed)
        (point,) = store.history.points("grid")
        assert point == HistoryPoint(
            cycle_id=key, at=NIGHT, verdict=CycleVerdict.RED, passed=4, failed=3, skipped=2, duration_s=1800.0
        )

    def test_take_a_pass_for_a_pass(self, store: Store) -> None:
        """A test that passed and then failed has passed once."""
        save(store, 0, suite_run(attempt("t"), attempt("t", TestStatus.FAILED, number=2)))
        assert [(point.passed, point.failed) for point in store.history.points("grid")] == [(1, 0)]

    def test_are_of_the_newest_nights_and_the_oldest_comes_first(self, store: Store) -> None:
        """A night that is running, or in which nothing ran, is a night as well."""
        for number in (2, 0, 1):
            save(store, number, suite_run(attempt("t")))
        store.history.open_cycle(night(3))
        points = store.history.points("grid", last=3)
        assert [(point.cycle_id, point.passed) for point in points] == [
            (night(1).cycle_id, 1),
            (night(2).cycle_id, 1),
            (night(3).cycle_id, 0),
        ]
        assert store.history.points("other") == ()

    def test_add_up_to_weeks(self, store: Store) -> None:
        """Monday to Sunday; the share of the tests that passed among those that were judged."""
        for number in (0, 6, 7):
            save(store, number, suite_run(attempt("a"), attempt("b", TestStatus.FAILED)))
        weeks = store.history.weeks("grid")
        assert weeks == (
            WeekRow(monday=date(2026, 5, 4), cycles=2, passed=2, judged=4),
            WeekRow(monday=date(2026, 5, 11), cycles=1, passed=1, judged=2),
        )
        assert store.history.weeks("grid", last=1) == weeks[1:]
        assert weeks[0].pass_rate == 0.5


class TestPruning:
    """Old attempts."""

    def test_keeps_every_count_and_every_row_but_attempts(self, store: Store, url: str, mixed: SuiteRun) -> None:
        """A night's numbers, verdict and suites are the same afterwards; of its tests their weeks are left."""
        key = save(store, 0, mixed)
        save(store, 1, mixed)
        save(store, 9, suite_run(attempt("young", TestStatus.FAILED, failure=failure("new"))))
        before = (store.history.points("grid"), store.history.weeks("grid"), store.history.cycles("grid"))
        gone = store.history.prune(NIGHT + timedelta(days=5), keep_cycles=0)
        assert gone == 2 * len(mixed.attempts)
        assert (store.history.points("grid"), store.history.weeks("grid"), store.history.cycles("grid")) == before
        assert store.history.suite_runs(key) == (mixed.model_copy(update={"attempts": ()}),)
        weeks = run_sql(url, "SELECT sum(passed), sum(failed), sum(other), count(*), min(week) FROM test_weeks")
        assert [(*map(int, row[:4]), str(row[4])) for row in weeks] == [(8, 6, 4, len(TestStatus), "2026-05-04")]
        assert run_sql(url, "SELECT fingerprint FROM test_details") == [("f-new",)]

    def test_twice_counts_once(self, store: Store, url: str) -> None:
        """What was folded is not folded again."""
        save(store, 0, suite_run(attempt("t")))
        assert store.history.prune(NEVER, keep_cycles=0) == 1
        assert store.history.prune(NEVER, keep_cycles=0) == 0
        assert run_sql(url, "SELECT passed, failed, other, passed_s FROM test_weeks") == [(1, 0, 0, 0.25)]

    def test_leaves_the_newest_the_green_and_the_unfinished(self, store: Store) -> None:
        """Later nights are compared with green ones, and a night without a verdict may still be resumed."""
        verdicts = dict.fromkeys(range(KEEP_GREEN + 1), CycleVerdict.GREEN)
        reds = dict.fromkeys(range(20, 24), CycleVerdict.RED)
        keys = [save(store, number, suite_run(attempt("t")), verdict) for number, verdict in (verdicts | reds).items()]
        running = save(store, 15, suite_run(attempt("t")), None)
        assert store.history.prune(NEVER, keep_cycles=2) == 3
        assert set(attempts_by_night(store)) == {*keys[1 : KEEP_GREEN + 1], running, *keys[-2:]}

    def test_leaves_what_is_young(self, store: Store) -> None:
        """The moment itself is young."""
        save(store, 0, suite_run(attempt("t")))
        assert store.history.prune(NIGHT, keep_cycles=0) == 0
        assert store.history.prune(NIGHT + timedelta(microseconds=1), keep_cycles=0) == 1


class TestTrouble:
    """A database that fails in the middle of a night."""

    @pytest.mark.parametrize("url", ["sqlite"], indirect=True)
    def test_full_disk_keeps_what_was_there_and_nothing_of_the_rest(self, store: Store, url: str) -> None:
        """The error says what is wrong, and the night can go on with what is stored once there is room."""
        small, big = suite_run(attempt("t")), suite_run(*(attempt(f"{n:0500}") for n in range(400)))
        key = save(store, 0, small, None)
        pages = run_sql(url, "PRAGMA page_count")[0][0]
        with Store.open(url) as full:
            event.listen(full._engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {pages + 20}"))  # noqa: SLF001
            full.close()  # connects anew
            with pytest.raises(StoreError, match=r"sqlite.*failed: database or disk is full"):
                full.history.save_suite_run(key, big)
            assert full.history.suite_runs(key) == (small,)
        store.history.save_suite_run(key, big)
        assert len(store.history.suite_runs(key)[0].attempts) == 400

    def test_tables_that_are_gone_are_named(self, store: Store, url: str) -> None:
        """One clear error, and nothing of the suite is written in part."""
        key = save(store, 0, suite_run(attempt("t")), None)
        run_sql(url, "ALTER TABLE test_details RENAME TO away")
        try:
            with pytest.raises(StoreError, match=r"failed: .*test_details"):
                store.history.save_suite_run(key, suite_run(attempt("u"), attempt("v", TestStatus.FAILED)))
        finally:
            run_sql(url, "ALTER TABLE away RENAME TO test_details")
        assert [one.test_id for one in store.history.suite_runs(key)[0].attempts] == ["t"]
        assert run_sql(url, "SELECT test_id FROM tests") == [("t",)]

    @pytest.mark.parametrize("url", ["postgresql"], indirect=True)
    def test_server_that_ends_a_save_is_asked_again(self, store: Store, url: str) -> None:
        """A connection that is cut in the middle of a save is an error; the same save again is whole."""
        key = save(store, 0, suite_run(attempt("t")), None)
        whole = suite_run(attempt("u"), attempt("v", TestStatus.FAILED))

        def cut(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if "INSERT INTO test_attempts" in statement:
                run_sql(url, END_OTHERS)

        event.listen(store._engine, "before_cursor_execute", cut)  # noqa: SLF001
        with pytest.raises(StoreError, match=r"postgresql.*failed: "):
            store.history.save_suite_run(key, whole)
        event.remove(store._engine, "before_cursor_execute", cut)  # noqa: SLF001
        assert [one.test_id for one in store.history.suite_runs(key)[0].attempts] == ["t"]
        store.history.save_suite_run(key, whole)
        assert {one.test_id for one in store.history.suite_runs(key)[0].attempts} == {"u", "v"}


END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

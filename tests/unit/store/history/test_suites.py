"""Suite runs with every attempt, on both databases."""

import pytest

from recloser.store import Store, StoreError
from recloser.store.history.codes import PHASES, STATUSES
from recloser.values import Phase, SuiteRun, TestStatus
from tests.postgresql_fixture import run_sql
from tests.unit.store.history.conftest import attempt, failure, night, suite_run


@pytest.fixture
def key(store: Store) -> str:
    """The id of a night that is open."""
    store.history.open_cycle(night())
    return night().cycle_id


def test_every_word_has_a_code() -> None:
    """A status or phase that has no number could not be stored."""
    assert sorted(STATUSES) == sorted(TestStatus)
    assert sorted(PHASES) == sorted(Phase)


class TestSuiteRun:
    """One suite in one night."""

    def test_comes_back_whole(self, store: Store, key: str, mixed: SuiteRun) -> None:
        """Every field of every attempt, failures and outputs included."""
        store.history.save_suite_run(key, mixed)
        assert store.history.suite_runs(key) == (mixed,)

    def test_is_there_once_however_often_it_is_saved(self, store: Store, url: str, key: str, mixed: SuiteRun) -> None:
        """A save that is repeated after a kill neither loses nor doubles anything, in the tables as well."""
        for run in (mixed, mixed.model_copy(update={"attempts": mixed.attempts[:4]}), mixed):
            store.history.save_suite_run(key, run)
        assert store.history.suite_runs(key) == (mixed,)
        assert run_sql(url, "SELECT count(*) FROM test_attempts") == [(len(mixed.attempts),)]
        assert run_sql(url, "SELECT count(*) FROM tests") == [(len(TestStatus),)]

    def test_may_have_no_attempts(self, store: Store, key: str) -> None:
        """A suite that could not be started is an outcome as well."""
        empty = suite_run(reason="no such folder", judgement="not-verified")
        store.history.save_suite_run(key, empty)
        assert store.history.suite_runs(key) == (empty,)

    def test_keeps_equal_failures_once(self, store: Store, url: str, key: str) -> None:
        """A thousand tests that fail alike cost one failure."""
        alike = [attempt(f"t{number}", TestStatus.FAILED) for number in range(700)]
        other = attempt("other", TestStatus.FAILED, failure=failure("boom"))
        run = suite_run(*alike, other)
        store.history.save_suite_run(key, run)
        assert run_sql(url, "SELECT count(*) FROM test_details") == [(2,)]
        assert set(store.history.suite_runs(key)[0].attempts) == set(run.attempts)

    @pytest.mark.parametrize("text", ["a\0b", "\ud800 half", "\\0000 \\", "'); DROP TABLE tests; --", "x" * 9_000])
    def test_keeps_hostile_names(self, store: Store, key: str, text: str) -> None:
        """A test, worker or failure may be called anything: the suite is not lost for it."""
        hostile = attempt(text, TestStatus.FAILED, worker=text, output=text, failure=failure(text), probe=text)
        run = suite_run(hostile, attempt("tame"))
        store.history.save_suite_run(key, run)
        assert set(store.history.suite_runs(key)[0].attempts) == set(run.attempts)

    @pytest.mark.parametrize(
        ("second", "said"),
        [(attempt("t"), "attempt 1 of 't' is twice"), (attempt("u", suite="e2e"), "attempt of suite 'e2e' is in")],
    )
    def test_that_contradicts_itself_is_refused(self, store: Store, key: str, second: object, said: str) -> None:
        """What would be counted twice, or in the wrong suite, is not kept at all."""
        with pytest.raises(StoreError, match=said):
            store.history.save_suite_run(
                key, suite_run(attempt("t")).model_copy(update={"attempts": (attempt("t"), second)})
            )
        assert store.history.suite_runs(key) == ()

    def test_needs_its_cycle(self, store: Store) -> None:
        """Nothing is kept of a night that was never opened."""
        with pytest.raises(StoreError, match="no cycle 'none'"):
            store.history.save_suite_run("none", suite_run(attempt("t")))

    def test_that_is_damaged_is_an_error_of_the_store(self, store: Store, url: str, key: str, mixed: SuiteRun) -> None:
        """Bytes that are no failure are reported, not raised as they come."""
        store.history.save_suite_run(key, mixed)
        damage = "UPDATE test_details SET packed = {}'abcdef'"  # a literal of bytes is written in two ways
        run_sql(url, damage.format("X" if url.startswith("sqlite") else ""))
        with pytest.raises(StoreError, match="unreadable failure"):
            store.history.suite_runs(key)

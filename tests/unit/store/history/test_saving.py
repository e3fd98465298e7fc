"""Saving suite runs: any run, several at once, and killed in the middle, on both databases."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recloser.store import Store
from recloser.values import SuiteRun, TestAttempt, TestStatus
from tests.postgresql_fixture import run_sql
from tests.unit.store.history.conftest import attempt, failure, night, suite_run
from tests.unit.store.strategies import any_text, encodable_text, values

DIE_IN_THE_MIDDLE = """
import os, signal, sys
from sqlalchemy import event
from recloser.store import Store
from recloser.values import SuiteRun
with Store.open(sys.argv[1]) as store:
    def die(connection, cursor, statement, *rest):
        if "INSERT INTO test_attempts" in statement:
            os.kill(os.getpid(), signal.SIGKILL)
    event.listen(store._engine, "after_cursor_execute", die)
    store.history.save_suite_run(sys.argv[2], SuiteRun.model_validate_json(sys.stdin.read()))
"""


def any_run() -> st.SearchStrategy[SuiteRun]:
    """Any run of the suite `unit`, its attempts all different."""
    names = st.sampled_from(["", "a", "\0", "\\", "\ud800", "x" * 300]) | any_text
    attempts = st.lists(
        values(TestAttempt, suite=st.just("unit"), test_id=names, probe=names, worker=names, number=st.integers(1, 3)),
        unique_by=lambda one: (one.test_id, one.probe, one.number),
        max_size=5,
    ).map(tuple)
    # Names of figures are legible before they are kept: pydantic writes no lone surrogate in a key.
    figures = st.dictionaries(encodable_text, st.floats(allow_nan=False, allow_infinity=False), max_size=2)
    return values(SuiteRun, suite=st.just("unit"), tier=st.just("unit"), figures=figures, attempts=attempts)


@given(run=any_run())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_run_comes_back(store: Store, run: SuiteRun) -> None:
    """Whatever its texts, times and numbers are; each example replaces the one before."""
    store.history.open_cycle(night())
    store.history.save_suite_run(night().cycle_id, run)
    (read,) = store.history.suite_runs(night().cycle_id)
    assert read.model_copy(update={"attempts": ()}) == run.model_copy(update={"attempts": ()})
    assert set(read.attempts) == set(run.attempts)
    assert len(read.attempts) == len(run.attempts)


def test_suites_may_be_saved_at_once(store: Store) -> None:
    """Suites that end at the same moment, with the same failures, are both kept whole."""
    runs = [
        suite_run(
            *(attempt(f"t{n}", TestStatus.FAILED, suite=name, failure=failure(f"{n % 7}")) for n in range(60)),
            suite=name,
        )
        for name in ("a", "b", "c")
    ]
    store.history.open_cycle(night())
    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(lambda run: store.history.save_suite_run(night().cycle_id, run), runs * 2))
    saved = {run.suite: run for run in store.history.suite_runs(night().cycle_id)}
    assert {name: set(run.attempts) for name, run in saved.items()} == {run.suite: set(run.attempts) for run in runs}


def test_a_kill_in_the_middle_leaves_nothing_behind(store: Store, url: str, mixed: SuiteRun) -> None:
    """`kill -9` before the last word is as if the save had never begun; the same again is kept once."""
    store.history.open_cycle(night())
    command = [sys.executable, "-c", DIE_IN_THE_MIDDLE, url, night().cycle_id]
    killed = subprocess.run(command, input=mixed.model_dump_json(), text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert store.history.suite_runs(night().cycle_id) == ()
    for _ in range(2):
        store.history.save_suite_run(night().cycle_id, mixed)
    assert store.history.suite_runs(night().cycle_id) == (mixed,)
    assert run_sql(url, "SELECT count(*) FROM test_attempts") == [(len(mixed.attempts),)]

"""Suite runs with their attempts: values to rows and back."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Select, delete, insert, select
from sqlalchemy.orm import Session

from recloser.store.errors import StoreError
from recloser.store.history.codes import CODE_OF_PHASE, CODE_OF_STATUS, PHASES, STATUSES, microseconds, moment_of
from recloser.store.history.details import insert_missing, save_details, unpack
from recloser.store.history.nights import counts_of
from recloser.store.history.tables import CycleRow, DetailRow, SuiteRunRow, TestAttemptRow, TestRow
from recloser.store.rows import columns_of, value_of
from recloser.values import SuiteRun, TestAttempt


def save_run(session: Session, cycle: CycleRow, suite_run: SuiteRun) -> None:
    """Keep a suite run in place of what was kept of this suite in this cycle.

    Raises:
        StoreError: An attempt is there twice, or belongs to another suite.
    """
    _check(suite_run)
    run = _save_head(session, cycle.cycle_id, suite_run)
    tests = _places_of(session, cycle.target, suite_run)
    details = save_details(session, suite_run.attempts)
    session.execute(delete(TestAttemptRow).where(TestAttemptRow.run == run))
    rows = [
        _row_of(attempt) | {"run": run, "test": tests[attempt.test_id], "detail": detail}
        for attempt, detail in zip(suite_run.attempts, details, strict=True)
    ]
    if rows:
        session.execute(insert(TestAttemptRow), rows)


def read_runs(session: Session, cycle_id: str) -> Iterator[SuiteRun]:
    """The suite runs of a cycle in the order of their start, attempts likewise."""
    wanted = select(SuiteRunRow).where(SuiteRunRow.cycle_id == cycle_id)
    for row in session.scalars(wanted.order_by(SuiteRunRow.started_at, SuiteRunRow.suite)).all():
        yield value_of(SuiteRun, row, attempts=tuple(_read_attempts(session, row)))


def read_heads(session: Session, cycles: Collection[str]) -> dict[str, tuple[SuiteRun, ...]]:
    """The suite runs of some cycles without their attempts: coverage, calls, figures."""
    heads: dict[str, list[SuiteRun]] = {cycle_id: [] for cycle_id in cycles}
    wanted = select(SuiteRunRow).where(SuiteRunRow.cycle_id.in_(cycles))
    for row in session.scalars(wanted.order_by(SuiteRunRow.started_at, SuiteRunRow.suite)):
        heads[row.cycle_id].append(value_of(SuiteRun, row))
    return {cycle_id: tuple(runs) for cycle_id, runs in heads.items()}


def _check(suite_run: SuiteRun) -> None:
    seen = set()
    for attempt in suite_run.attempts:
        key = (attempt.test_id, attempt.probe, attempt.number)
        if key in seen:
            raise StoreError(f"attempt {attempt.number} of {attempt.test_id!r} is twice in suite {suite_run.suite}")
        if attempt.suite != suite_run.suite:
            raise StoreError(f"an attempt of suite {attempt.suite!r} is in the run of suite {suite_run.suite!r}")
        seen.add(key)


def _save_head(session: Session, cycle_id: str, suite_run: SuiteRun) -> int:
    present = session.scalar(
        select(SuiteRunRow.run).where(SuiteRunRow.cycle_id == cycle_id, SuiteRunRow.suite == suite_run.suite)
    )
    columns = columns_of(suite_run, SuiteRunRow) | counts_of(suite_run.attempts)
    row = session.merge(SuiteRunRow(run=present, cycle_id=cycle_id, **columns))
    session.flush()
    return row.run


def _places_of(session: Session, target: str, suite_run: SuiteRun) -> dict[str, int]:
    """Where the names of its tests are kept; new ones are added."""
    wanted = select(TestRow.test_id, TestRow.test).where(TestRow.target == target, TestRow.suite == suite_run.suite)
    known = dict(_pairs(session, wanted))
    unknown = {attempt.test_id for attempt in suite_run.attempts if attempt.test_id not in known}
    if unknown:
        names = [{"target": target, "suite": suite_run.suite, "test_id": test_id} for test_id in sorted(unknown)]
        insert_missing(session, TestRow, names)
        known = dict(_pairs(session, wanted))
    return known


def _pairs(session: Session, wanted: Select[str, int]) -> Iterable[tuple[str, int]]:
    return ((row[0], row[1]) for row in session.execute(wanted))


def _row_of(attempt: TestAttempt) -> dict[str, Any]:
    return {
        "probe": attempt.probe,
        "number": attempt.number,
        "status": CODE_OF_STATUS[attempt.status],
        "phase": CODE_OF_PHASE[attempt.phase],
        "at": microseconds(attempt.started_at),
        "duration_s": attempt.duration_s,
        "worker": attempt.worker,
        "position": attempt.position,
        "peak_rss_mib": attempt.peak_rss_mib,
    }


def _read_attempts(session: Session, run: SuiteRunRow) -> Iterator[TestAttempt]:
    wanted = (
        select(TestAttemptRow, TestRow.test_id, DetailRow.packed)
        .join(TestRow, TestRow.test == TestAttemptRow.test)
        .outerjoin(DetailRow, DetailRow.detail == TestAttemptRow.detail)
        .where(TestAttemptRow.run == run.run)
        .order_by(TestAttemptRow.at, TestAttemptRow.position, TestRow.test, TestAttemptRow.number)
    )
    for row, test_id, packed in session.execute(wanted):
        yield attempt_of(row, run.suite, test_id, packed)


def attempt_of(row: TestAttemptRow, suite: str, test_id: str, packed: bytes | None) -> TestAttempt:
    """The attempt a row holds, with what it said."""
    said = {} if packed is None else unpack(packed)
    return TestAttempt.model_validate(
        {
            "suite": suite,
            "test_id": test_id,
            "number": row.number,
            "probe": row.probe,
            "status": STATUSES[row.status],
            "phase": PHASES[row.phase],
            "started_at": moment_of(row.at),
            "duration_s": row.duration_s,
            "worker": row.worker,
            "position": row.position,
            "peak_rss_mib": row.peak_rss_mib,
            **said,
        }
    )

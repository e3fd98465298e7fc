"""One test over the nights."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from recloser.store.history.cycles import newest_cycles
from recloser.store.history.suites import attempt_of
from recloser.store.history.tables import DetailRow, SuiteRunRow, TestAttemptRow, TestRow, TestWeekRow
from recloser.values import TestNight, WeekRow


def read_story(session: Session, target: str, suite: str, test_id: str, last: int) -> Iterator[TestNight]:
    """A test in the newest cycles that ran its suite and still have attempts, the oldest first."""
    test = _place(session, target, suite, test_id)
    has_attempts = select(TestAttemptRow.run).where(TestAttemptRow.run == SuiteRunRow.run).exists()
    newest = newest_cycles(target).join(SuiteRunRow).where(SuiteRunRow.suite == suite, has_attempts)
    for cycle, run in reversed(session.execute(newest.add_columns(SuiteRunRow.run).limit(max(last, 0))).all()):
        wanted = (
            select(TestAttemptRow, DetailRow.packed)
            .outerjoin(DetailRow, DetailRow.detail == TestAttemptRow.detail)
            .where(TestAttemptRow.run == run, TestAttemptRow.test == test)
            .order_by(TestAttemptRow.probe, TestAttemptRow.number)
        )
        attempts = (attempt_of(row, suite, test_id, packed) for row, packed in session.execute(wanted))
        yield TestNight(cycle_id=cycle.cycle_id, at=cycle.opened_at, attempts=tuple(attempts))


def read_test_weeks(session: Session, target: str, suite: str, test_id: str) -> Iterator[WeekRow]:
    """What is left of a test's older nights, the oldest first."""
    test = _place(session, target, suite, test_id)
    for row in session.scalars(select(TestWeekRow).where(TestWeekRow.test == test).order_by(TestWeekRow.week)):
        judged = row.passed + row.failed
        yield WeekRow(monday=row.week, cycles=judged + row.other, passed=row.passed, judged=judged)


def _place(session: Session, target: str, suite: str, test_id: str) -> int | None:
    named = (TestRow.target == target, TestRow.suite == suite, TestRow.test_id == test_id)
    return session.scalar(select(TestRow.test).where(*named))

"""What happens to old attempts: one row for each test and week, and the failures go that nothing shows any more.

Cycles, stages, services, data and suite runs stay, with the counts they keep.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Select, case, delete, func, select
from sqlalchemy.orm import Session

from recloser.store.history.codes import FAILURES, PASSES
from recloser.store.history.cycles import newest_cycles
from recloser.store.history.details import hold_details, upsert
from recloser.store.history.nights import monday_of
from recloser.store.history.tables import CycleRow, DetailRow, SuiteRunRow, TestAttemptRow, TestWeekRow
from recloser.values import CycleVerdict

KEEP_DAYS = 90
"""How long attempts are kept one by one, unless told otherwise."""
KEEP_CYCLES = 60
"""How many of a target's newest cycles keep them, however old."""
KEEP_GREEN = 10
"""How many of its newest green cycles keep them: later nights are compared with them."""

_COUNTS = ("passed", "failed", "other", "passed_s")


def old_cycles(session: Session, target: str, before: datetime, keep_cycles: int) -> list[str]:
    """Cycles whose attempts may go, the oldest first; one that has no verdict may still be resumed."""
    newest = session.scalars(_ids(target).limit(keep_cycles)).all()
    green = session.scalars(_ids(target).where(CycleRow.verdict == CycleVerdict.GREEN).limit(KEEP_GREEN)).all()
    old = _ids(target).where(CycleRow.opened_at < before, CycleRow.verdict.is_not(None))
    has_attempts = select(TestAttemptRow.run).where(TestAttemptRow.run == SuiteRunRow.run).exists()
    with_attempts = select(SuiteRunRow.cycle_id).where(has_attempts)
    wanted = session.scalars(old.where(CycleRow.cycle_id.in_(with_attempts))).all()
    return [cycle_id for cycle_id in reversed(wanted) if cycle_id not in {*newest, *green}]


def fold(session: Session, cycle_id: str) -> int:
    """Add a cycle's attempts to the weeks of their tests, and delete them.

    Returns:
        How many attempts went.
    """
    cycle = session.get_one(CycleRow, cycle_id)
    runs = session.scalars(select(SuiteRunRow.run).where(SuiteRunRow.cycle_id == cycle_id)).all()
    rows = [{**row, "week": monday_of(cycle.opened_at.date())} for row in _ended(session, runs)]
    upsert(session, TestWeekRow, rows, adding=_COUNTS)
    return session.connection().execute(delete(TestAttemptRow).where(TestAttemptRow.run.in_(runs))).rowcount


def drop_unused_details(session: Session) -> None:
    """Delete what no attempt said that is still there."""
    hold_details(session)
    used = select(TestAttemptRow.detail).where(TestAttemptRow.detail.is_not(None))
    session.execute(delete(DetailRow).where(DetailRow.detail.not_in(used)))


def _ids(target: str) -> Select[str]:
    return newest_cycles(target).with_only_columns(CycleRow.cycle_id)


def _ended(session: Session, runs: Sequence[int]) -> Iterator[dict[str, float]]:
    """How each test ended in a night: probes do not count, and the first pass tells how long it takes."""
    passed = TestAttemptRow.status.in_(PASSES)
    wanted = (
        select(
            TestAttemptRow.test,
            func.max(case((passed, 1), else_=0)),
            func.max(case((TestAttemptRow.status.in_(FAILURES), 1), else_=0)),
            func.coalesce(func.min(case((passed, TestAttemptRow.duration_s))), 0.0),
        )
        .where(TestAttemptRow.run.in_(runs), TestAttemptRow.probe == "")
        .group_by(TestAttemptRow.test)
    )
    for test, passes, fails, took_s in session.execute(wanted):
        failed = fails and not passes
        counts = {"passed": passes, "failed": int(failed), "other": int(not passes and not failed)}
        yield {"test": test, **counts, "passed_s": took_s}

"""Nights counted, from the counts that each suite run keeps: they outlive the attempts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from recloser.store.history.cycles import newest_cycles
from recloser.store.history.tables import CycleRow, SuiteRunRow
from recloser.values import HistoryPoint, TestAttempt, WeekRow


def counts_of(attempts: Iterable[TestAttempt]) -> dict[str, int]:
    """How many tests passed in any attempt, failed in all that were judged, or were not judged; probes do not count."""
    best: dict[str, str] = {}
    for attempt in attempts:
        if not attempt.probe:
            best[attempt.test_id] = _better(best.get(attempt.test_id, "other"), attempt)
    ends = list(best.values())
    return {name: ends.count(name) for name in ("passed", "failed", "other")}


def _better(known: str, attempt: TestAttempt) -> str:
    if attempt.status.is_pass or known == "passed":
        return "passed"
    return "failed" if attempt.status.is_failure else known


def read_points(session: Session, target: str, last: int) -> tuple[HistoryPoint, ...]:
    """The newest cycles of a target, the oldest first."""
    newest = newest_cycles(target).limit(max(last, 0)).subquery()
    rows = session.execute(_counted(target).where(CycleRow.cycle_id.in_(select(newest.c.cycle_id)))).all()
    return tuple(map(_point, rows))


def read_weeks(session: Session, target: str, last: int) -> tuple[WeekRow, ...]:
    """The newest weeks of a target that have a cycle, the oldest first."""
    weeks: dict[date, list[HistoryPoint]] = defaultdict(list)
    for row in session.execute(_counted(target)):
        point = _point(row)
        weeks[monday_of(point.at.date())].append(point)
    return tuple(_weeks(weeks))[-last:] if last > 0 else ()


def monday_of(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


def _counted(target: str) -> Select[*tuple[Any, ...]]:
    sums = (
        func.coalesce(func.sum(column), 0) for column in (SuiteRunRow.passed, SuiteRunRow.failed, SuiteRunRow.other)
    )
    ended = func.max(SuiteRunRow.ended_at, type_=SuiteRunRow.ended_at.type)
    wanted = select(CycleRow, *sums, ended).outerjoin(SuiteRunRow).where(CycleRow.target == target)
    return wanted.group_by(CycleRow.cycle_id).order_by(CycleRow.opened_at, CycleRow.cycle_id)


def _point(row: Row[*tuple[Any, ...]]) -> HistoryPoint:
    cycle, passed, failed, other, ended = row
    end = cycle.closed_at or ended or cycle.opened_at
    return HistoryPoint(
        cycle_id=cycle.cycle_id,
        at=cycle.opened_at,
        verdict=cycle.verdict,
        passed=passed,
        failed=failed,
        skipped=other,
        duration_s=max((end - cycle.opened_at).total_seconds(), 0.0),
    )


def _weeks(weeks: dict[date, list[HistoryPoint]]) -> Iterator[WeekRow]:
    for monday, points in sorted(weeks.items()):
        passed = sum(point.passed for point in points)
        judged = passed + sum(point.failed for point in points)
        yield WeekRow(monday=monday, cycles=len(points), passed=passed, judged=judged)

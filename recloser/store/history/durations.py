"""How long each test of a suite is expected to take, from its latest passes."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from recloser.store.history.codes import PASSES
from recloser.store.history.tables import CycleRow, SuiteRunRow, TestAttemptRow, TestRow

NIGHTS = 10
"""How many runs of the suite are read: older ones weigh less than a ninth."""
WEIGHT = 0.2
"""Of the newest pass in the mean; more while there are fewer than five (test-intelligence.md 2.2)."""


def expected_durations(session: Session, target: str, suite: str) -> dict[str, float]:
    """Seconds by test id: the mean of its passes, in which newer ones weigh more."""
    means: dict[int, tuple[int, float]] = {}
    for run in reversed(session.scalars(_newest_runs(target, suite)).all()):
        for test, duration_s in session.execute(_passes(run)):
            count, mean = means.get(test, (0, 0.0))
            count += 1
            means[test] = (count, mean + (duration_s - mean) * max(WEIGHT, 1 / count))
    named = select(TestRow.test, TestRow.test_id).where(TestRow.target == target, TestRow.suite == suite)
    return {test_id: means[test][1] for test, test_id in session.execute(named) if test in means}


def _newest_runs(target: str, suite: str) -> Select[int]:
    wanted = select(SuiteRunRow.run).join(CycleRow).where(CycleRow.target == target, SuiteRunRow.suite == suite)
    return wanted.order_by(CycleRow.opened_at.desc()).limit(NIGHTS)


def _passes(run: int) -> Select[int, float]:
    passed = (TestAttemptRow.run == run, TestAttemptRow.probe == "", TestAttemptRow.status.in_(PASSES))
    wanted = select(TestAttemptRow.test, TestAttemptRow.duration_s).where(*passed)
    return wanted.order_by(TestAttemptRow.test, TestAttemptRow.number)

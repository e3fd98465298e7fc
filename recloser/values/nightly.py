"""What the page of a night says: everything is computed before it is drawn."""

from datetime import date, datetime

from pydantic import Field

from recloser.values.base import Value
from recloser.values.cycle import Comparison, Cycle, CycleVerdict, DataRun, ServiceRun, Stage
from recloser.values.problem import CodeChange, Problem, Suspect
from recloser.values.suite import AwsCall, Judgement, TestStatus
from recloser.values.triage import Slowdown


class SuiteSummary(Value):
    """One suite of the night, counted."""

    suite: str
    tier: str
    judgement: Judgement
    reason: str = ""
    critical: bool = True
    counts: dict[TestStatus, int] = Field(default_factory=dict)
    """Tests by the status of their last attempt."""
    flaky: int = Field(default=0, ge=0)
    """Tests that failed and then passed on the same code."""
    duration_s: float = Field(default=0.0, ge=0)
    workers: int = Field(default=1, ge=1)
    coverage_percent: float | None = Field(default=None, ge=0, le=100)
    aws_calls: tuple[AwsCall, ...] = ()
    cost_usd: float | None = Field(default=None, ge=0)
    """Price of the AWS calls; None where a price is not known."""
    figures: dict[str, float] = Field(default_factory=dict)
    beyond: tuple[str, ...] = ()
    """Figures outside their thresholds, in words."""


class FailedTest(Value):
    """One test among those that failed of one cause."""

    suite: str
    test_id: str
    status: TestStatus
    attempts: int = Field(ge=1)
    failed_attempts: int = Field(ge=1)
    verdict: str = ""
    """What it is judged to be: `new`, `still failing`, `flaky`, …"""
    evidence: str = ""
    """Why, in a sentence."""


class FailureGroup(Value):
    """Failures of one cause."""

    fingerprint: str
    title: str
    """The exception and the first line of its message."""
    verdict: str
    """Of its worst test."""
    since: str = ""
    """Cycle in which it was first seen, without interruption."""
    where: str = ""
    """`file:line in function`, in the code under test."""
    source: str = ""
    """That line of code."""
    files: tuple[str, ...] = ()
    """Of the traceback, in the code under test, the innermost first."""
    suspects: tuple[Suspect, ...] = ()
    """Commits since it was good, those that touch its files first; none where it is not put down to the code."""
    text: str = ""
    """What the runner printed of the first of them."""
    output: str = ""
    tests: tuple[FailedTest, ...]


class HistoryPoint(Value):
    """One earlier cycle, for the charts."""

    cycle_id: str
    at: datetime
    verdict: CycleVerdict | None
    passed: int = Field(ge=0)
    failed: int = Field(ge=0)
    skipped: int = Field(default=0, ge=0)
    duration_s: float = Field(ge=0)


class WeekRow(Value):
    """A week's share of passed tests."""

    monday: date
    cycles: int = Field(ge=1)
    passed: int = Field(ge=0)
    judged: int = Field(ge=0)

    @property
    def pass_rate(self) -> float | None:
        """None where nothing was judged."""
        return self.passed / self.judged if self.judged else None


class Metric(Value):
    """One figure beside what it should be."""

    name: str
    value: str
    """With its unit and sample size."""
    target: str = ""
    judgement: Judgement | None = None
    """None where there is no target."""


class CycleReport(Value):
    """All that is said of one night."""

    cycle: Cycle
    stages: tuple[Stage, ...] = ()
    services: tuple[ServiceRun, ...] = ()
    data: tuple[DataRun, ...] = ()
    suites: tuple[SuiteSummary, ...] = ()
    comparison: Comparison = Comparison()
    groups: tuple[FailureGroup, ...] = ()
    """The worst first."""
    problems: tuple[Problem, ...] = ()
    """What of it is one problem; the largest first."""
    change: CodeChange | None = None
    """Of the code, since the last good night; None where there is none."""
    flaky: tuple[FailedTest, ...] = ()
    history: tuple[HistoryPoint, ...] = ()
    """Oldest first, this one last."""
    weeks: tuple[WeekRow, ...] = ()
    metrics: tuple[Metric, ...] = ()
    missing: tuple[str, ...] = ()
    """What could not be judged, and why: it stands beside what passed."""
    slowdowns: tuple[Slowdown, ...] = ()
    """What takes longer or more memory: measured again head against base, or seen in the whole series."""
    actions: tuple[str, ...] = ()
    """What the night has done by itself, and what it proposes."""
    sent: tuple[str, ...] = ()
    """What was delivered, counted by channel."""
    deliveries: tuple[str, ...] = ()
    """Messages that could not be delivered."""
    tools: dict[str, str] = Field(default_factory=dict)
    """Versions of what gave the verdict."""

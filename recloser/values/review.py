"""What some nights come to, a month or a week of them: tests that need a person, and figures beside their targets."""

from datetime import date

from pydantic import Field

from recloser.values.base import Value
from recloser.values.cycle import SlowTest
from recloser.values.nightly import Metric, WeekRow
from recloser.values.quarantine import QuarantineEntry


class TestRate(Value):
    """How often a test passed in the cycles of a review."""

    __test__ = False

    suite: str
    test_id: str
    passed: int = Field(ge=0)
    judged: int = Field(ge=1)
    """Cycles in which it passed or failed."""

    @property
    def pass_rate(self) -> float:
        """Share of these cycles in which it passed."""
        return self.passed / self.judged


class IdleTest(Value):
    """A test that says nothing any more."""

    suite: str
    test_id: str
    reason: str
    """That it was skipped each time, or is no longer there."""


class TierShare(Value):
    """How many tests a tier has, beside how many it should have."""

    tier: str
    tests: int = Field(ge=0)
    share: float = Field(ge=0, le=1)
    target: float | None = None
    """None where there is none for this tier."""


class Review(Value):
    """What a person looks at once a month."""

    cycles: tuple[str, ...] = ()
    """Oldest first."""
    tests: int = Field(default=0, ge=0)
    """In the last cycle."""
    failed: tuple[TestRate, ...] = ()
    """Failed in the last cycle in which they were judged."""
    flaky: tuple[TestRate, ...] = ()
    """Passed in fewer cycles than they should, but in some; or passed only when they were run again."""
    slow: tuple[SlowTest, ...] = ()
    """Take longer than they should; the slowest first."""
    obsolete: tuple[IdleTest, ...] = ()
    tiers: tuple[TierShare, ...] = ()
    metrics: tuple[Metric, ...] = ()
    """The table of metric, value, target and status."""


class CoverageTrend(Value):
    """How the coverage of one suite has moved."""

    suite: str
    first_percent: float = Field(ge=0, le=100)
    last_percent: float = Field(ge=0, le=100)
    nights: int = Field(ge=1)
    """In which it was measured."""
    weekly_percent: tuple[float, ...] = ()
    """Median of each week (from Monday, UTC) in which it was measured, the oldest first: one odd night is no trend."""

    @property
    def change_pp(self) -> float:
        """Percentage points gained: from week to week, or from night to night where there is one week only."""
        ends = self.weekly_percent if len(self.weekly_percent) > 1 else (self.first_percent, self.last_percent)
        return ends[-1] - ends[0]


class TargetReview(Value):
    """Some days of a target's nights: what its outcomes say, and what is known besides."""

    target: str
    first_day: date
    last_day: date
    """Both in UTC, and both part of it."""
    nights: int = Field(ge=0)
    green: int = Field(default=0, ge=0)
    passed: int = Field(default=0, ge=0)
    judged: int = Field(default=0, ge=0)
    """Tests that passed or failed, night by night."""
    tests: Review = Review()
    coverage: tuple[CoverageTrend, ...] = ()
    cost_usd: float | None = Field(default=None, ge=0)
    """Of the AWS calls of all suites whose calls all have a known price; None where there is none."""
    unpriced: int = Field(default=0, ge=0)
    """Suite runs with calls that have no known price."""
    quarantine: tuple[QuarantineEntry, ...] = ()
    """What has expired, or is about to."""
    empty_entries: tuple[QuarantineEntry, ...] = ()
    """Of the quarantine, whose test did not run though its suite did."""
    weeks: tuple[WeekRow, ...] = ()
    """Those that began by its end, the oldest first."""
    metrics: tuple[Metric, ...] = ()
    """All figures."""
    missing: tuple[str, ...] = ()
    """What could not be said, and why."""

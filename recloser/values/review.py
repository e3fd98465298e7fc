"""What a month of nights says of a suite: for the monthly review."""

from pydantic import Field

from recloser.values.base import Value
from recloser.values.cycle import SlowTest
from recloser.values.nightly import Metric


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

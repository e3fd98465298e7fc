"""A test in quarantine: it runs, is shown, and does not block; who answers for it, until when, and by what evidence."""

from datetime import date, datetime

from pydantic import Field

from recloser.values.base import Value
from recloser.values.triage import OrderDependence, Tally


class QuarantineEvidence(Value):
    """What spoke for an entry when it was written."""

    runs: int = Field(default=0, ge=0)
    """In states in which it also passed."""
    failures: int = Field(default=0, ge=0)
    """In those."""
    score: float | None = Field(default=None, ge=0, le=1)
    """Failure rate exceeded with a probability of 95 %, from a sceptical prior; None where nothing is known."""
    mixed_states: int = Field(default=0, ge=0)
    """States, which are code and environment, in which it both passed and failed."""
    order: OrderDependence | None = None


class QuarantineEntry(Value):
    """One test in quarantine."""

    suite: str = Field(min_length=1, max_length=63)
    test: str = Field(min_length=1, max_length=4_000)
    """As the runner names it."""
    owner: str = Field(default="", max_length=200)
    """Who has to repair it; empty only in a proposal where the target declares nobody."""
    reason: str = Field(min_length=1, max_length=1_000)
    since: date
    expires: date
    """Last day, in UTC, on which it does not block."""
    issue: str = Field(default="", max_length=500)
    """Where its repair is followed."""
    evidence: QuarantineEvidence = QuarantineEvidence()

    @property
    def key(self) -> tuple[str, str]:
        """What it names: suite and test."""
        return (self.suite, self.test)

    def is_expired(self, at: datetime) -> bool:
        """Whether its last day is over; `at` is in UTC."""
        return at.date() > self.expires


class ReleaseStanding(Value):
    """How far a test has come on its way out of quarantine: what it passed since it last failed."""

    last_failed: datetime | None = None
    """None where it did not fail in the nights that were looked at."""
    clean_runs: int = Field(default=0, ge=0)
    needed_runs: int = Field(ge=1)
    clean_shuffles: int = Field(default=0, ge=0)
    needed_shuffles: int = Field(default=0, ge=0)
    """Two where it depends on the order of tests."""

    @property
    def is_due(self) -> bool:
        """Whether it may leave."""
        return self.clean_runs >= self.needed_runs and self.clean_shuffles >= self.needed_shuffles

    @property
    def sentence(self) -> str:
        """For a person."""
        last = f"since it failed at {self.last_failed:%Y-%m-%d %H:%M} UTC" if self.last_failed else "without a failure"
        shuffled = f" and {self.clean_shuffles} of {self.needed_shuffles} shuffled" if self.needed_shuffles else ""
        return f"{self.clean_runs} of {self.needed_runs} clean runs{shuffled} {last}"


class QuarantineRelease(Value):
    """A test that has earned its way out."""

    entry: QuarantineEntry
    standing: ReleaseStanding


class FlakeStanding(Value):
    """What the nights say of one test in one environment."""

    environment: str
    tier: str
    states: int = Field(ge=0)
    """Code and environment, in which it was judged."""
    mixed_states: int = Field(ge=0)
    positive_probe: bool
    tally: Tally
    """In states in which it also passed, unweighted."""
    score: float = Field(ge=0, le=1)
    threshold: float = Field(ge=0, le=1)
    """What the score has to exceed."""
    rate: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    """The rate that is shown, and its 90 % interval."""
    changed_in: str = ""
    """Cycle after the best split of its outcomes; empty where it never failed, or ran once."""
    change_evidence: float = 0.0
    """Logarithm of the Bayes factor of that split."""
    rate_before: float | None = None
    rate_after: float | None = None
    broken: bool = False
    """It turned to failing for good at that cycle: to be repaired, never quarantined."""
    quarantine: bool = False
    """The evidence suffices for quarantine."""

"""What a failure is judged to be, with the evidence it is judged by, and what is run next to know more."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from recloser.values.base import Value


class FailureKind(StrEnum):
    """What a failure comes to; exactly one holds."""

    NEW = "new"
    """It passed in a named good state, and fails now."""
    FLAKY = "flaky"
    """It passes and fails on the same code."""
    ALREADY_BROKEN = "already broken"
    """It failed in an earlier cycle and has not passed since."""
    INFRASTRUCTURE = "infrastructure"
    """What it failed of is not its code: a storm, a service that was down, data that was wrong."""
    NOT_JUDGED = "not judged"
    """There is too little evidence to tell; the sentence says what is missing."""


class OrderDependence(StrEnum):
    """How a test depends on those that run before it."""

    VICTIM = "victim"
    """It passes alone and fails after others."""
    BRITTLE = "brittle"
    """It passes after others and fails alone."""


class Tally(Value):
    """How often something ran, and how often it failed."""

    failures: int = Field(default=0, ge=0)
    runs: int = Field(default=0, ge=0)
    """Those that passed or failed."""

    @property
    def passes(self) -> int:
        """How often it passed."""
        return self.runs - self.failures


class TestVerdict(Value):
    """What the failure of one test in one cycle is judged to be, and by what."""

    __test__ = False

    suite: str
    test_id: str
    kind: FailureKind
    sentence: str
    """The evidence, for a person."""
    fingerprint: str = ""
    """Of its last failure in this cycle."""
    since: str = ""
    """Cycle in which it first failed without passing since; for what is new, this one."""
    base: str = ""
    """The good state it is compared with: its tree."""
    head: Tally = Tally()
    """In this cycle on its code, reruns, confirmation and probes together."""
    at_base: Tally = Tally()
    """In this cycle on the base's code."""
    history: Tally = Tally()
    """Where it also passed: the evidence for being flaky, storms and outages left out."""
    flake_rate: float | None = Field(default=None, ge=0, le=1)
    """Mean of the share of failures on good code; None where nothing is known."""
    flake_low: float | None = Field(default=None, ge=0, le=1)
    """Lower end of its 90 % interval."""
    flake_high: float | None = Field(default=None, ge=0, le=1)
    order: OrderDependence | None = None
    quarantined: bool = False
    """Declared so: it is shown and does not block."""
    quarantine: bool = False
    """The evidence suffices to propose it for quarantine."""

    @property
    def blocks(self) -> bool:
        """Whether this failure speaks against the code under test as it is now."""
        return self.kind in {FailureKind.NEW, FailureKind.ALREADY_BROKEN} and not self.quarantined


class Outage(Value):
    """A stretch of time in which failures may have had a cause outside the code."""

    what: str
    """`service api was down`, `data set case14 is not valid`."""
    started_at: datetime
    ended_at: datetime
    suites: tuple[str, ...] = ()
    """Those that need it; empty where that is not known: then it is all."""


class Storm(Value):
    """So much failed at once that it is one incident and says nothing of single tests."""

    cycle: str
    suite: str = ""
    """Empty where it is the whole cycle."""
    fingerprint: str = ""
    """The one that all of it shares; empty where nearly everything failed, of whatever."""
    failed: int = Field(ge=0)
    judged: int = Field(ge=1)


class ProbeKind(StrEnum):
    """How tests are run once more."""

    CONFIRM_HEAD = "confirm-head"
    CONFIRM_BASE = "confirm-base"
    SAME = "same"
    """The whole suite in the same order."""
    SHUFFLED = "shuffled"
    """The whole suite in another order; its seed is kept."""
    REVERSED = "reversed"
    ISOLATED = "isolated"
    """Each test in a fresh process."""
    TIME_HEAD = "time-head"
    """To be timed; in turns with `time-base`, so that a slow minute strikes both."""
    TIME_BASE = "time-base"
    BURN_IN = "burn-in"
    """A new test, several times in a row."""


class Probe(Value):
    """A run that would tell more."""

    kind: ProbeKind
    suite: str
    tests: tuple[str, ...]
    """Which it is for; where the whole suite runs, the outcomes of the others count as well."""
    runs: int = Field(ge=1)
    expected_s: float = Field(ge=0)
    """All runs together, by what its tests took last."""
    base: str = ""
    """Cycle whose code is the base; empty for the last good one."""
    reason: str


class ProbePlan(Value):
    """What is run within the time there is, the most telling first, and what is left out."""

    probes: tuple[Probe, ...] = ()
    left_out: tuple[Probe, ...] = ()
    """For want of time."""

    @property
    def expected_s(self) -> float:
        """Of what is run."""
        return sum(probe.expected_s for probe in self.probes)


class Slowdown(Value):
    """A test that takes more than it did: time, or memory."""

    suite: str
    test_id: str
    measure: str = "duration"
    """`duration` or `memory`."""
    unit: str = "s"
    before: float = Field(gt=0)
    """Median of what it took before, in its unit."""
    now: float = Field(gt=0)
    ratio: float = Field(gt=0)
    """How many times more; once confirmed, the median of all ratios of a run at head and one at the base."""
    low: float | None = None
    """Lower end of its 90 % interval; None where it was not confirmed."""
    high: float | None = None
    confirmed: bool | None = None
    """Whether head and base, run again in turns, differ; None where they were not run."""
    since: str = ""
    """First cycle of the new level, where it is older than this one."""
    base: str = ""
    """Cycle whose code it is to be compared with; empty for the last good one."""
    sentence: str = ""


class Slowness(Value):
    """What became slower in a cycle."""

    slower: tuple[Slowdown, ...] = ()
    """Confirmed, or found in the whole series: the ones to tell of."""
    candidates: tuple[Slowdown, ...] = ()
    """Passed the screen, and not confirmed: by chance alone many do."""
    measured: int = Field(default=0, ge=0)
    """Tests with a history to compare with."""
    shifted: int = Field(default=0, ge=0)
    """Of these, all that became slower by any amount that is more than their noise."""
    machine_wide: bool = False
    """So many became slower together that it is the machine; then no single test is told of."""

"""One nightly cycle: what ran, what it is compared with, and what it comes to."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from recloser.values.base import Value
from recloser.values.suite import CodeState, Environment, Judgement, TestAttempt, TestStatus


class CycleVerdict(StrEnum):
    """What a cycle comes to."""

    GREEN = "green"
    RED = "red"
    """Something failed, but nothing that did not fail before, or nothing to compare with."""
    REGRESSION = "regression"
    """Something fails that passed in the last good cycle."""
    NOT_VERIFIED = "not-verified"
    """What was to be judged did not run."""

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 2 regression, 3 could not judge."""
        return {"green": 0, "red": 1, "regression": 2, "not-verified": 3}[self.value]


class Spell(Value):
    """A stretch of time."""

    started_at: datetime
    ended_at: datetime


class ServiceRun(Value):
    """What one service did while the cycle ran."""

    name: str
    judgement: Judgement
    """Failed where it crashed too often; not verified where it could not be started or asked."""
    reason: str = ""
    adopted: bool = False
    """It ran before the cycle, is ours and was healthy; it is left running."""
    ready_s: float | None = Field(default=None, ge=0)
    """From its start until it first answered."""
    restarts: int = Field(default=0, ge=0)
    down_s: float = Field(default=0.0, ge=0)
    """How long it did not answer after it first had."""
    down: tuple[Spell, ...] = ()
    """When that was; the newest, where there were many."""
    probes: int = Field(default=0, ge=0)
    probes_lost: int = Field(default=0, ge=0)
    log_tail: str = ""
    """Its last lines, redacted; kept where it failed."""


class DataRun(Value):
    """One data set: made or read, and judged."""

    name: str
    judgement: Judgement
    reason: str = ""
    cached: bool = False
    """Its content had been judged before, by the same rules."""
    duration_s: float = Field(default=0.0, ge=0)
    rows: int | None = Field(default=None, ge=0)
    findings: tuple[str, ...] = ()
    """What is wrong, where and how much; the worst first."""
    charts: tuple[str, ...] = ()
    """SVG, made by us from numbers only."""
    report: str = ""
    """Path of its own page, relative to the cycle's folder."""


class TestChange(Value):
    """How one test compares with the last good cycle."""

    __test__ = False

    suite: str
    test_id: str
    status: TestStatus
    was: TestStatus | None = None
    """None where it was not there."""
    since: str = ""
    """Cycle in which it first ended like this, without interruption."""


class SlowerTest(Value):
    """A test that took longer than before: a screen, to be confirmed before it is called a regression."""

    suite: str
    test_id: str
    duration_s: float = Field(ge=0)
    baseline_s: float = Field(gt=0)
    """Median of the last good cycles."""
    samples: int = Field(ge=1)
    """How many cycles that is."""

    @property
    def ratio(self) -> float:
        """How many times longer."""
        return self.duration_s / self.baseline_s


class SlowTest(Value):
    """One of the tests that take longest."""

    suite: str
    test_id: str
    median_s: float = Field(ge=0)
    durations_s: tuple[float, ...] = Field(min_length=1)
    """Of its passes, the oldest first; those that needed a second attempt are left out."""
    trend: float | None = None
    """Median of the newer half over that of the older; None where there are fewer than four."""


class TestNight(Value):
    """One test in one cycle."""

    __test__ = False

    cycle_id: str
    at: datetime
    attempts: tuple[TestAttempt, ...] = ()
    """The suite's own run with its reruns, then probes; empty where the suite ran without this test."""

    @property
    def deciding(self) -> TestAttempt | None:
        """The attempt that says how it ended: the last pass, else the last failure, else the last; never a probe."""
        own = [attempt for attempt in self.attempts if not attempt.probe]
        own.sort(key=lambda attempt: (attempt.status.is_pass, attempt.status.is_failure, attempt.number))
        return own[-1] if own else None

    @property
    def is_flaky(self) -> bool:
        """Whether it failed and passed on the same code."""
        own = [attempt.status for attempt in self.attempts if not attempt.probe]
        return any(status.is_pass for status in own) and any(status.is_failure for status in own)


class Comparison(Value):
    """This cycle beside the last good one."""

    base: str | None = None
    """Id of the last green cycle; None where there was none."""
    known: bool = True
    """False where the store could not be read: nobody knows then whether there was one."""
    new_failures: tuple[TestChange, ...] = ()
    fixed: tuple[TestChange, ...] = ()
    still_failing: tuple[TestChange, ...] = ()
    slower: tuple[SlowerTest, ...] = ()
    added: tuple[TestChange, ...] = ()
    removed: tuple[TestChange, ...] = ()
    failed: int = Field(default=0, ge=0)
    judged: int = Field(default=0, ge=0)
    """Tests that passed or failed."""

    @property
    def failure_rate(self) -> float | None:
        """Share of the judged tests that failed; None where none was judged."""
        return self.failed / self.judged if self.judged else None


class Stage(Value):
    """One step of a cycle, kept so that a killed cycle goes on where it was."""

    name: str
    """`services`, `data/NAME`, `suite/NAME`, `compare`, `report`."""
    started_at: datetime
    ended_at: datetime | None = None
    judgement: Judgement | None = None
    """None while it runs."""
    reason: str = ""


class Cycle(Value):
    """One run of the nightly over one target."""

    cycle_id: str
    """Sorts by time: `20261121-020000-ab12`."""
    target: str
    opened_at: datetime
    closed_at: datetime | None = None
    verdict: CycleVerdict | None = None
    """None while it runs, and where it was interrupted and never resumed."""
    reason: str = ""
    code: CodeState
    environment: Environment
    run_id: str = ""
    """The flow run it belongs to."""

    @model_validator(mode="after")
    def _closed_with_a_verdict(self) -> Self:
        if (self.closed_at is None) != (self.verdict is None):
            raise ValueError("a cycle is closed with a verdict, and only then")
        return self

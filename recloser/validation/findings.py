"""What a validation says: one finding per rule, and the verdict that follows from all of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from recloser.values import Value


class Gate(StrEnum):
    """How much a failed rule weighs; a critical one fails the data."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class State(StrEnum):
    """What became of a rule. What was not run is neither passed nor failed, and never green."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"
    NOT_APPLICABLE = "not applicable"


class Verdict(StrEnum):
    """What follows from all rules."""

    PASSED = "passed"
    INCOMPLETE = "incomplete"
    """Nothing failed that weighs more than what could not be run."""
    WARNED = "warned"
    FAILED = "failed"


class Place(Value):
    """Where one bad value is, and what it is; the value is None where it is no number."""

    at: dict[str, int | str]
    value: float | None = None

    def __str__(self) -> str:
        """Say where, as `step 3, bus 7`."""
        return ", ".join(f"{name} {position}" for name, position in self.at.items())


class Finding(Value):
    """What one rule found.

    `count` of `of` values are outside their limits; `worst` is the one farthest out, in `unit`, None where it is
    no finite number. `places` holds the first bad rows, `total_places` says how many there are.
    """

    rule: str
    title: str
    gate: Gate
    state: State
    message: str
    count: int = 0
    of: int = 0
    worst: float | None = None
    unit: str = ""
    places: tuple[Place, ...] = ()


class Series(Value):
    """A line of a chart; a gap is None."""

    name: str
    y: tuple[float | None, ...]


class Chart(Value):
    """Numbers for a picture: the report draws them, Prefect tabulates them."""

    title: str
    x_name: str
    y_name: str
    x: tuple[float, ...]
    series: tuple[Series, ...]
    low: tuple[float, ...] = ()
    """The lower edge of what is expected at each x; empty where nothing is."""
    high: tuple[float, ...] = ()
    logarithmic: bool = False
    bars: bool = False


class Report(Value):
    """The outcome of one validation."""

    subject: str
    kind: str
    created_utc: datetime
    facts: dict[str, str]
    findings: tuple[Finding, ...]
    charts: tuple[Chart, ...] = ()
    judges: tuple[str, ...]
    duration_s: float

    @property
    def verdict(self) -> Verdict:
        """What is worst: a critical failure, a critical gap, a warning, a lesser gap, or nothing."""
        if self.of_state(State.FAILED, Gate.CRITICAL):
            return Verdict.FAILED
        if self.of_state(State.NOT_RUN, Gate.CRITICAL):
            return Verdict.INCOMPLETE
        if self.of_state(State.FAILED, Gate.WARNING):
            return Verdict.WARNED
        return Verdict.INCOMPLETE if self.of_state(State.NOT_RUN, Gate.WARNING) else Verdict.PASSED

    @property
    def holds(self) -> bool:
        """Every critical rule was run and passed."""
        return not (self.of_state(State.FAILED, Gate.CRITICAL) or self.of_state(State.NOT_RUN, Gate.CRITICAL))

    @property
    def spotless(self) -> bool:
        """Every rule that weighs was run and passed."""
        weighing = (finding for finding in self.findings if finding.gate is not Gate.INFO)
        return all(finding.state in {State.PASSED, State.NOT_APPLICABLE} for finding in weighing)

    def of_state(self, state: State, *gates: Gate) -> tuple[Finding, ...]:
        """The findings of one state; of all gates when none is named."""
        return tuple(
            finding for finding in self.findings if finding.state is state and (not gates or finding.gate in gates)
        )

    def failed_rules(self) -> tuple[str, ...]:
        """The names of the rules that failed, whatever they weigh."""
        return tuple(finding.rule for finding in self.of_state(State.FAILED))

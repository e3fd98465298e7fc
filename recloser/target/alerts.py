"""When somebody is told, and how urgently: the `[alerts]` table."""

from __future__ import annotations

from datetime import time  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from recloser.target.base import Declared
from recloser.values import FindingKind, Severity

_DEFAULTS = {
    FindingKind.SERVICE_DOWN: Severity.CRITICAL,
    FindingKind.STORM: Severity.CRITICAL,
    FindingKind.MANY_NEW: Severity.CRITICAL,
    FindingKind.HEARTBEAT: Severity.CRITICAL,
    FindingKind.DATA_INVALID: Severity.CRITICAL,
    FindingKind.NEW_FAILURE: Severity.WARNING,
    FindingKind.FAILURE_RATE: Severity.WARNING,
    FindingKind.NOT_VERIFIED: Severity.WARNING,
    FindingKind.QUARANTINE_EXPIRED: Severity.WARNING,
    FindingKind.PERFORMANCE: Severity.INFO,
    FindingKind.FLAKY: Severity.INFO,
}

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def _clock(value: object) -> object:
    if isinstance(value, str) and not value[:1].isdecimal():
        raise ValueError("expected a time of day in UTC such as 07:00")
    return value


class Alerts(Declared):
    """The rules; what is not said keeps its default."""

    severity: dict[FindingKind, Severity | Literal["off"]] = Field(default_factory=dict)
    """By kind of finding; `off` tells nobody."""
    failure_rate: Share = 0.10
    """More of the judged tests failing than this share is a finding of its own."""
    many_new: Share = 0.10
    """So large a share of the judged tests failing anew, confirmed, is a finding of its own."""
    storm_above: int = Field(default=20, ge=1)
    """More new failures than this in one cycle are one incident."""
    escalate_after_nights: int = Field(default=5, ge=0)
    """What lasts for so many cycles becomes one severity worse, once; 0: never."""
    repeat_every_nights: int = Field(default=1, ge=1)
    """How often the digest names what lasts."""
    flap_changes: int = Field(default=4, ge=2)
    """A finding that began or ended so often within the window is held until it is calm."""
    flap_window_days: float = Field(default=14.0, gt=0, le=365)
    expected_by: Annotated[time | None, BeforeValidator(_clock)] = None
    """Time of day, UTC, by which a night has to have left a result; None: nobody waits for it."""
    expected_on: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = (
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
    )

    def severity_of(self, kind: FindingKind) -> Severity | None:
        """What a kind of finding is worth; None where nobody is to be told."""
        declared = self.severity.get(kind, _DEFAULTS[kind])
        return None if declared == "off" else Severity(declared)

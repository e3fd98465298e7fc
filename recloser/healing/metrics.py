"""The figures an incident is judged by."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from recloser.values import AutonomyLevel, ChangeState, Incident, Metrics, utc_now

if TYPE_CHECKING:
    from datetime import datetime

_WRITTEN = {ChangeState.APPLIED, ChangeState.VERIFIED, ChangeState.REVERTED}


def measure(incident: Incident, *, manual_interventions: int) -> Metrics:
    """Figures of an incident so far.

    Args:
        incident: The incident, closed or open.
        manual_interventions: How often a person was asked and answered.
    """
    changes = [change for change in incident.changes if change.level is not AutonomyLevel.RETRY]
    return Metrics(
        attempts=len(incident.attempts),
        changes_applied=sum(change.state in _WRITTEN for change in changes),
        changes_reverted=sum(change.state is ChangeState.REVERTED for change in changes),
        manual_interventions=manual_interventions,
        time_to_detect_s=_time_to_detect_s(incident),
        time_to_recover_s=_time_to_recover_s(incident),
        wall_s=_between((incident.opened_at, incident.closed_at or utc_now())),
    )


def _time_to_detect_s(incident: Incident) -> float | None:
    waits = [
        _between((attempt.stopped_at, attempt.detected_at))
        for attempt in incident.attempts
        if attempt.stopped_at and attempt.detected_at and not attempt.succeeded
    ]
    return round(fmean(waits), 3) if waits else None


def _time_to_recover_s(incident: Incident) -> float | None:
    failed = [attempt.stopped_at for attempt in incident.attempts if attempt.stopped_at and not attempt.succeeded]
    good = [attempt.stopped_at for attempt in incident.attempts if attempt.stopped_at and attempt.succeeded]
    return _between((failed[0], good[-1])) if failed and good else None


def _between(times: tuple[datetime, datetime]) -> float:
    """Seconds from one time to the other; clocks of two machines may disagree, so never below zero."""
    return round(max((times[1] - times[0]).total_seconds(), 0.0), 3)

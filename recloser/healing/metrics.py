"""The figures an incident is judged by."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean, median
from typing import TYPE_CHECKING

from recloser.values import AutonomyLevel, ChangeState, Incident, Metrics, Turn, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from recloser.values import AttemptRecord

_WRITTEN = {ChangeState.APPLIED, ChangeState.VERIFIED, ChangeState.REVERTED}


def measure(incident: Incident, *, manual_interventions: int) -> Metrics:
    """Figures of an incident so far.

    Args:
        incident: The incident, closed or open.
        manual_interventions: How often a person was asked and answered.
    """
    turns = tuple(_turns(incident))
    changes = [change for change in incident.changes if change.level is not AutonomyLevel.RETRY]
    return Metrics(
        attempts=len(incident.attempts),
        changes_applied=sum(change.state in _WRITTEN for change in changes),
        changes_reverted=sum(change.state is ChangeState.REVERTED for change in changes),
        manual_interventions=manual_interventions,
        time_to_detect_s=_time_to_detect_s(incident),
        time_to_recover_s=_time_to_recover_s(incident),
        wall_s=_between((incident.opened_at, incident.closed_at or utc_now())),
        turns=turns,
        turn_s=round(median(turn.total_s for turn in turns), 3) if turns else None,
    )


def _turns(incident: Incident) -> Iterator[Turn]:
    """The turns whose moments are all known; one that a killed process began is not."""
    for failed, following in pairwise(incident.attempts):
        turn = None if failed.succeeded or failed.without or following.without else _turn(incident, failed, following)
        if turn is not None:
            yield turn


def _turn(incident: Incident, failed: AttemptRecord, following: AttemptRecord) -> Turn | None:
    decided = [change.settled_at for change in incident.changes if change.attempt == failed.number]
    seen, collected, diagnosed = failed.detected_at, failed.collected_at, failed.diagnosed_at
    accepted = following.accepted_at
    if not (seen and collected and diagnosed and accepted and decided):
        return None
    changed = min(max((at for at in decided if at and at <= accepted), default=diagnosed), accepted)
    return Turn(
        attempt=failed.number,
        collect_s=_between((seen, collected)),
        diagnose_s=_between((collected, diagnosed)),
        decide_s=_between((diagnosed, changed)),
        submit_s=round(max(_between((changed, accepted)) - failed.rested_s, 0.0), 3),
        total_s=round(max(_between((seen, accepted)) - failed.rested_s, 0.0), 3),
        rested_s=round(failed.rested_s, 3),
    )


def _time_to_detect_s(incident: Incident) -> float | None:
    waits = [
        _between((attempt.stopped_at, attempt.detected_at))
        for attempt in incident.attempts
        if attempt.stopped_at and attempt.detected_at and not attempt.succeeded and not attempt.without
    ]
    return round(fmean(waits), 3) if waits else None


def _time_to_recover_s(incident: Incident) -> float | None:
    ended = [attempt for attempt in incident.attempts if attempt.stopped_at and not attempt.without]
    failed = [attempt.stopped_at for attempt in ended if attempt.stopped_at and not attempt.succeeded]
    good = [attempt.stopped_at for attempt in ended if attempt.stopped_at and attempt.succeeded]
    return _between((failed[0], good[0])) if failed and good else None


def _between(times: tuple[datetime, datetime]) -> float:
    """Seconds from one time to the other; clocks of two machines may disagree, so never below zero."""
    return round(max((times[1] - times[0]).total_seconds(), 0.0), 3)

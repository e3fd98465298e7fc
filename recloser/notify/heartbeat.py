"""Whether a night left a result; to be asked by something that does not die with the night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from recloser.values import CycleFacts, CycleVerdict, Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.target import System
    from recloser.values import Cycle

SCOPE = "heartbeat"
_NIGHT = timedelta(days=1)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def heartbeat_due(cycles: Sequence[Cycle], system: System, now: datetime) -> Finding | None:
    """Whether a result that should be there by now is not.

    Args:
        cycles: The target's newest ones, in any order; one that is open is no result.
        system: The target: `[alerts] expected_by` and `expected_on` are its schedule, in UTC.
        now: The time.

    Returns:
        None where there is a result of the 24 hours before it was due, or later, or where nothing is expected.
    """
    due = _last_due(system, now)
    if due is None:
        return None
    results = [cycle.closed_at for cycle in cycles if cycle.closed_at is not None]
    if any(closed > due - _NIGHT for closed in results):
        return None
    newest = max(results, default=None)
    last = "there is none at all" if newest is None else f"the last one is of {newest:%Y-%m-%d %H:%M} UTC"
    running = [cycle.cycle_id for cycle in cycles if cycle.closed_at is None]
    return Finding(
        kind=FindingKind.HEARTBEAT,
        fingerprint=f"heartbeat-{system.name}",
        title="The night left no result",
        text=f"expected by {due:%Y-%m-%d %H:%M} UTC; {last}"
        + (f"; {max(running)} was begun and did not end" if running else ""),
        scope=SCOPE,
    )


def heartbeat_facts(system: System, finding: Finding | None, now: datetime) -> CycleFacts:
    """What the check found, in the form of a cycle that judged nothing but itself; one for each result that was due."""
    return CycleFacts(
        cycle_id=f"{_last_due(system, now) or now:%Y%m%d-%H%M%S}-heartbeat",
        target=system.name,
        at=now,
        verdict=CycleVerdict.NOT_VERIFIED,
        findings=() if finding is None else (finding,),
        verified=frozenset({SCOPE}),
    )


def _last_due(system: System, now: datetime) -> datetime | None:
    by, days = system.alerts.expected_by, set(system.alerts.expected_on)
    if by is None:
        return None
    for back in range(8):
        due = datetime.combine((now - timedelta(days=back)).date(), by.replace(tzinfo=None), tzinfo=UTC)
        if due <= now and _DAYS[due.weekday()] in days:
            return due
    return None

"""Whether a night left a result; to be asked by something that does not die with the night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from recloser.notify.announce import announce
from recloser.notify.rules import HEARTBEAT
from recloser.notify.sender import drain
from recloser.values import CycleFacts, CycleVerdict, Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.notify.clock import Clock
    from recloser.notify.receivers import Receivers
    from recloser.notify.sender import Drained
    from recloser.store import Store
    from recloser.target import System
    from recloser.values import Cycle

_NIGHT = timedelta(days=1)
_LOOKED_BACK = 10
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def check_heartbeat(store: Store, system: System, receivers: Receivers, clock: Clock) -> tuple[Finding | None, Drained]:
    """Look whether the last night that was due left a result, and tell of it; asking often tells nobody twice.

    Args:
        store: Where cycles are kept.
        system: The target.
        receivers: The ways to those who are told.
        clock: The time.
    """
    now = clock.now()
    finding = heartbeat_due(store.history.cycles(system.name, last=_LOOKED_BACK), system, now)
    with store.outbox.desk() as desk:
        announce(desk, heartbeat_facts(system, finding, now), system, receivers.redact, tracker=receivers.tracker)
    return finding, drain(store.outbox, system.name, receivers.channels, clock, system.notify.drain_s)


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
        scope=HEARTBEAT,
    )


def heartbeat_facts(system: System, finding: Finding | None, now: datetime) -> CycleFacts:
    """What the check found, in the form of a cycle that judged nothing but itself; one for each result that was due."""
    return CycleFacts(
        cycle_id=f"{_last_due(system, now) or now:%Y%m%d-%H%M%S}-heartbeat",
        target=system.name,
        at=now,
        verdict=CycleVerdict.NOT_VERIFIED,
        findings=() if finding is None else (finding,),
        verified=frozenset({HEARTBEAT}),
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

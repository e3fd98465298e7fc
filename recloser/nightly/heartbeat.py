"""Whether a night left a result, and telling somebody that it did not; asked by something that outlives the night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.notify import WallClock, announce, drain, heartbeat_due, heartbeat_facts

if TYPE_CHECKING:
    from datetime import datetime

    from recloser.notify import Drained, Receivers
    from recloser.store import Store
    from recloser.target import System
    from recloser.values import Finding

_NEWEST = 20
"""Nights that are looked at: a result may be hidden behind some that were begun and died."""


def check_heartbeat(system: System, store: Store, receivers: Receivers, now: datetime) -> Finding | None:
    """Write down that a night left no result, or that one is there again; nothing is sent.

    Args:
        system: The target; where it declares no `[alerts] expected_by`, nobody waits for a night.
        store: Where its nights are kept.
        receivers: Knows the secrets that nothing may hold, and where issues are kept.
        now: The time, UTC.

    Returns:
        What is missing; None where nothing is.

    Raises:
        StoreError: The store cannot be read or written.
    """
    if system.alerts.expected_by is None:
        return None
    finding = heartbeat_due(store.history.cycles(system.name, last=_NEWEST), system, now)
    with store.outbox.desk() as desk:
        announce(desk, heartbeat_facts(system, finding, now), system, receivers.redact, tracker=receivers.tracker)
    return finding


def send_waiting(system: System, store: Store, receivers: Receivers) -> Drained:
    """Send what is in the outbox, within the time that is declared: what a dead night could not send, too."""
    return drain(store.outbox, system.name, receivers.channels, WallClock(), system.notify.drain_s)

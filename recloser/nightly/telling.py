"""Who is told of a night: written down with its verdict, sent afterwards; neither changes the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.notify import WallClock, announce, drain
from recloser.notify.issues import CHANNEL as ISSUES
from recloser.values import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.notify import Drained, Receivers
    from recloser.store import Desk, Store
    from recloser.target import System
    from recloser.values import CycleFacts


class Telling:
    """The outbox of a target, and the ways out of it."""

    def __init__(self, system: System, store: Store, receivers: Receivers) -> None:
        """Know the rules, the outbox and the receivers."""
        self._system = system
        self._store = store
        self._receivers = receivers

    def write_down(self, desk: Desk, facts: CycleFacts) -> None:
        """Put what has to be said into the outbox, in the transaction of the desk."""
        announce(desk, facts, self._system, self._receivers.redact, tracker=self._receivers.tracker)

    def send(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Send what is in the outbox, within the time declared.

        Returns:
            What was delivered, and what could not be; the next night tries that again, or a person.
        """
        limit_s = self._system.notify.drain_s
        channels = self._receivers.channels
        drained = drain(self._store.outbox, self._system.name, channels, WallClock(), limit_s)
        return tuple(_delivered(drained)), tuple(self._undelivered(drained, limit_s))

    def _undelivered(self, drained: Drained, limit_s: float) -> Iterator[str]:
        for name, counts in drained.counts.items():
            if dead := counts[DeliveryState.DEAD]:
                yield f"{name}: {dead} refused for good"
        yield from (f"{name}: {count} wait for the next night" for name, count in drained.waiting.items())
        yield from (f"{name}: did not come back within {limit_s:g} s" for name in drained.stuck)
        yield from (f"{name}: {why}" for name, why in (drained.broken | self._receivers.missing).items())


def _delivered(drained: Drained) -> Iterator[str]:
    for name, counts in drained.counts.items():
        count, noun = counts[DeliveryState.DELIVERED], "issue" if name == ISSUES else "message"
        if count:
            words = f"{count} {noun}{'' if count == 1 else 's'}"
            yield f"{words} written" if name == ISSUES else f"{words} to {name}"

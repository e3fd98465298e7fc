"""Send what is in the outbox, within a time limit; whatever happens to a notice is written down.

A receiver that is slow, gone or mad costs nobody else anything: each channel is drained on a thread of its own, and one
that does not come back within the limit is left behind. Its lease ends by itself.
"""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from recloser.errors import RecloserError
from recloser.notify.errors import Postponed, Refused
from recloser.redaction import Redactor, shown
from recloser.values import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.notify.clock import Clock
    from recloser.store import Claim, Outbox
    from recloser.values import Receipt

LEASE = timedelta(minutes=3)
"""Longer than the few calls of one delivery can take, each of which has its own time limit."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 3_600.0
_LONGEST_ASKED_S = 86_400.0
_ERROR_LIMIT = 300


class Sending(Protocol):
    """A way to one receiver."""

    @property
    def place(self) -> str:
        """What its threads and issues are kept under."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be in an error."""
        ...

    def send(self, claim: Claim, clock: Clock) -> Receipt:
        """Send one notice and read the answer.

        Raises:
            Postponed: Try again later.
            Refused: Never try again.
        """
        ...


@dataclass
class Drained:
    """What came of one draining."""

    counts: dict[str, Counter[DeliveryState]] = field(default_factory=dict)
    """Attempts by channel; `pending`: put off, which a later attempt may have made good."""
    waiting: dict[str, int] = field(default_factory=dict)
    """Notices by channel that are left for the next time; those of channels that lack a secret are among them."""
    stuck: tuple[str, ...] = ()
    """Channels that did not come back within the limit."""
    broken: dict[str, str] = field(default_factory=dict)
    """Channels whose outbox could not be worked on, and why."""

    def count(self, state: DeliveryState) -> int:
        """How many notices ended so."""
        return sum(counts[state] for counts in self.counts.values())


def drain(outbox: Outbox, target: str, channels: Mapping[str, Sending], clock: Clock, limit_s: float) -> Drained:
    """Send what is due, on all channels at once.

    Args:
        outbox: The store's.
        target: Whose notices.
        channels: By name.
        clock: The time.
        limit_s: After how long to return, whatever the receivers do.

    Returns:
        What became of it; nothing is raised, since a verdict does not depend on who heard of it.
    """
    drained = Drained()
    until = clock.now() + timedelta(seconds=limit_s)
    threads = {}
    for name, channel in channels.items():
        drained.counts[name] = Counter()
        run = _Run(outbox, target, name, channel, clock, until, drained)
        # A daemon: one that hangs must not keep the process alive.
        threads[name] = threading.Thread(target=run.to_the_end, name=f"send-{name}", daemon=True)
        threads[name].start()
    deadline = time.monotonic() + limit_s
    for thread in threads.values():
        thread.join(max(deadline - time.monotonic(), 0.0))
    drained.stuck = tuple(name for name, thread in threads.items() if thread.is_alive())
    try:
        drained.waiting = outbox.waiting(target)
    except RecloserError as error:
        drained.broken.setdefault("outbox", str(error))
    return drained


def drain_channel(
    outbox: Outbox, target: str, name: str, channel: Sending, *, clock: Clock, limit_s: float
) -> Counter[DeliveryState]:
    """Send what is due on one channel, on this thread."""
    drained = Drained(counts={name: Counter()})
    _Run(outbox, target, name, channel, clock, clock.now() + timedelta(seconds=limit_s), drained).drain()
    return drained.counts[name]


def pause_s(attempts: int, asked_s: float | None = None) -> float:
    """How long to wait after so many attempts: what the receiver asked for, or twice as long each time.

    The jitter keeps senders that failed together from coming back together.
    """
    if asked_s is not None:
        return min(max(asked_s, 0.0), _LONGEST_ASKED_S) + random.uniform(0.0, 1.0)  # noqa: S311 - no secret
    longest: float = min(_FIRST_PAUSE_S * 2 ** min(attempts, 20), _LONGEST_PAUSE_S)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


@dataclass(frozen=True)
class _Run:
    outbox: Outbox
    target: str
    name: str
    channel: Sending
    clock: Clock
    until: datetime
    drained: Drained
    sender: str = field(default_factory=lambda: f"{os.getpid()}-{uuid.uuid4().hex[:12]}")

    def to_the_end(self) -> None:
        """Drain; what goes wrong is told in the result."""
        try:
            self.drain()
        except RecloserError as error:
            self.drained.broken[self.name] = shown(str(error), Redactor(self.channel.secrets), limit=_ERROR_LIMIT)

    def drain(self) -> None:
        """Send until nothing is due within the limit."""
        while (now := self.clock.now()) < self.until:
            claim = self.outbox.claim(
                self.target, self.name, self.channel.place, sender=self.sender, now=now, lease=LEASE
            )
            if claim is not None:
                self.drained.counts[self.name][self._send(claim)] += 1
            elif not self._wait(now):
                return

    def _wait(self, now: datetime) -> bool:
        due = self.outbox.next_due(self.target, self.name)
        if due is None or due >= self.until:
            return False
        self.clock.sleep(max((due - now).total_seconds(), 0.01))
        return True

    def _send(self, claim: Claim) -> DeliveryState:
        try:
            receipt = self.channel.send(claim, self.clock)
        except Refused as error:
            self.outbox.bury(claim, self.sender, self._said(error), self.clock.now())
            return DeliveryState.DEAD
        except Postponed as error:
            return self._postpone(claim, error)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not lose a notice either
            return self._postpone(claim, Postponed(f"unexpected {type(error).__name__}: {error}", uncertain=True))
        self.outbox.deliver(claim, self.sender, receipt, self.channel.place, self.clock.now())
        return DeliveryState.DELIVERED

    def _postpone(self, claim: Claim, error: Postponed) -> DeliveryState:
        pause = timedelta(seconds=pause_s(claim.delivery.attempts - 1, error.retry_after_s))
        until = self.clock.now() + pause
        self.outbox.postpone(claim, self.sender, self._said(error), until, uncertain=error.uncertain)
        self.outbox.hold_back(self.target, self.name, until)
        return DeliveryState.PENDING

    def _said(self, error: Exception) -> str:
        return shown(str(error), Redactor(self.channel.secrets), limit=_ERROR_LIMIT)

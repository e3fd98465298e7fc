"""Try a channel: one harmless message that goes past the outbox, and whose answer is read as any other's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.notify.channels.folder import FolderTracker
from recloser.notify.channels.github import GitHub
from recloser.notify.channels.pagerduty import PagerDuty
from recloser.store import Claim
from recloser.values import Delivery, Notice, Purpose

if TYPE_CHECKING:
    from recloser.notify.clock import Clock
    from recloser.notify.sender import Sending


def try_channel(target: str, name: str, channel: Sending, clock: Clock) -> str:
    """Send a test, and say what the receiver answered.

    Args:
        target: The target's name, for the reader.
        name: The channel's.
        channel: The way to it.
        clock: The time.

    Raises:
        DeliveryError: It did not arrive; the message says why.
    """
    if isinstance(channel, GitHub):
        return f"{channel.check(clock)}; nothing was opened"
    if isinstance(channel, FolderTracker):
        return f"dry run: issues are written to {channel.folder}"
    purposes = (Purpose.TEST, Purpose.RESOLVED) if isinstance(channel, PagerDuty) else (Purpose.TEST,)
    return "; ".join(channel.send(_claim(target, name, purpose, clock), clock).text for purpose in purposes)


def _claim(target: str, name: str, purpose: Purpose, clock: Clock) -> Claim:
    now = clock.now()
    key = f"{target}/{name}/test/{now:%Y%m%dT%H%M%S.%f}"
    notice = Notice(target=target, purpose=purpose, cycle_id="test", at=now)
    delivery = Delivery(
        key=key,
        target=target,
        channel=name,
        group="",
        thread=f"recloser-test-{target}",  # PagerDuty closes by it what it has just opened
        notice=notice,
        created_at=now,
        next_try_at=now,
    )
    return Claim(delivery, ())

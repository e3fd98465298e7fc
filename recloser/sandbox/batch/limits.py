"""A queue's `jobStateTimeLimitActions`: what blocks the head of the queue too long is cancelled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch.model import BatchError, Document, Job

if TYPE_CHECKING:
    from collections.abc import Callable

MIN_S: Final = 600
MAX_S: Final = 86_400
_CANCELLED: Final = "Canceled by JobStateTimeLimit action due to reason: {}"


def check_limits(actions: list[Document]) -> None:
    """Refuse actions AWS would not take.

    Raises:
        BatchError: It names the member and what was expected.
    """
    for index, action in enumerate(actions):
        path, seconds = f"jobStateTimeLimitActions[{index}]", action["maxTimeSeconds"]
        if not MIN_S <= seconds <= MAX_S:
            raise BatchError(f"{path}.maxTimeSeconds should be between {MIN_S} and {MAX_S}, got {seconds}")
        if not action["reason"]:
            raise BatchError(f"{path}.reason should be the status reason of a blocked job, got an empty text")


@dataclass(slots=True)
class _Watch:
    job: Job
    reason: str
    since: float
    action: Document
    timer: asyncio.TimerHandle


class TimeLimits:
    """Watches the heads of all queues."""

    def __init__(self, cancel: Callable[[Job, str], None], scaled: Callable[[float], float]) -> None:
        """Watch nothing yet.

        Args:
            cancel: Ends a job with a status reason.
            scaled: How long AWS's seconds last here.
        """
        self._cancel = cancel
        self._scaled = scaled
        self._watched: dict[str, _Watch] = {}

    def look(self, queue: Document, head: Job | None) -> None:
        """The head of a queue is this job now, in the state it is in."""
        arn, watched = queue["jobQueueArn"], self._watched.get(queue["jobQueueArn"])
        reason = None if head is None else head.detail.get("statusReason")
        action = _applying(queue, reason)
        if head is None or reason is None or action is None:
            self._forget(arn)
            return
        same = watched is not None and watched.job is head and watched.reason == reason
        if watched is not None and same and watched.action == action:
            return
        self._forget(arn)
        now = asyncio.get_running_loop().time()
        since = watched.since if watched is not None and same else now
        delay = since + self._scaled(action["maxTimeSeconds"]) - now
        timer = asyncio.get_running_loop().call_later(max(delay, 0), self._fire, arn)
        self._watched[arn] = _Watch(head, reason, since, action, timer)

    def _fire(self, arn: str) -> None:
        watched = self._watched.pop(arn)
        self._cancel(watched.job, _CANCELLED.format(watched.action["reason"]))

    def _forget(self, arn: str) -> None:
        watched = self._watched.pop(arn, None)
        if watched is not None:
            watched.timer.cancel()

    def close(self) -> None:
        """Watch no more."""
        for arn in list(self._watched):
            self._forget(arn)


def _applying(queue: Document, reason: str | None) -> Document | None:
    actions = [
        action
        for action in queue.get("jobStateTimeLimitActions", [])
        if reason is not None and reason.startswith(action["reason"])
    ]
    return min(actions, key=lambda action: int(action["maxTimeSeconds"]), default=None)

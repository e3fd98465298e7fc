"""State changes and blocked queues as EventBridge delivers them: at least once, to the queues of matching rules.

The endpoint stands in for the bus, because nobody may put events of source `aws.batch` there. What cannot be sent
waits, within bounds; what is dropped is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import uuid
from collections import deque
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

import orjson

from recloser.sandbox.batch.patterns import matches
from recloser.sandbox.batch.scheduler import QUEUE
from recloser.sandbox.ministack import ACCOUNT
from recloser.sandbox.wire import RefusedError, WireError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from recloser.sandbox.batch.faults import Switches
    from recloser.sandbox.batch.model import Document, Job
    from recloser.sandbox.batch.rules import Rules, Target
    from recloser.sandbox.batch.store import Store
    from recloser.sandbox.wire import Wire

_REFRESH_S: Final = 2.0
_AGAIN_S: Final = 0.5
_HELD_S: Final = 1.0
_LAST_S: Final = 1.0
_MOST: Final = 50_000  # the largest array makes ten thousand at once
_BATCH: Final = 10
_STATE_CHANGE: Final = "Batch Job State Change"
_BLOCKED: Final = "Batch Job Queue Blocked"
_LOG = logging.getLogger(__name__)


class Outbox:
    """What waits to be sent to one queue; one sender keeps the order."""

    def __init__(self, wire: Wire, target: Target) -> None:
        self.sent = self.dropped = 0
        self._wire = wire
        self._target = target
        self._waiting: deque[Document] = deque()
        self._held: Document | None = None
        self._filled = asyncio.Event()
        self._sender = asyncio.get_running_loop().create_task(self._send())

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._waiting) + (self._held is not None)

    def put(self, message: Document) -> None:
        """Have a message sent; the oldest makes room when there are too many."""
        self._waiting.append(message)
        if self._held is not None:
            self._waiting.append(self._held)
            self._held = None
        while len(self._waiting) > _MOST:
            self._waiting.popleft()
            self.dropped += 1
        self._filled.set()

    def hold(self, message: Document) -> None:
        """Have a message sent after the next one, or after a second if there is none."""
        if self._held is not None:
            self.put(message)
            return
        self._held = message
        asyncio.get_running_loop().call_later(_HELD_S, self._release, message)

    def _release(self, message: Document) -> None:
        if self._held is message:
            self._held = None
            self.put(message)

    async def _send(self) -> None:
        while True:
            await self._filled.wait()
            batch = list(islice(self._waiting, _BATCH))
            try:
                failed = await self._deliver(batch)
            except WireError as error:
                _LOG.warning("events for %s wait: %s", self._target.url, error)
                await asyncio.sleep(_AGAIN_S)  # then all again: at least once
                continue
            self.sent += len(batch) - failed
            self.dropped += failed
            for message in batch:
                if self._waiting and self._waiting[0] is message:
                    self._waiting.popleft()
            if not self._waiting:
                self._filled.clear()

    async def _deliver(self, batch: list[Document]) -> int:
        entries = [{"Id": str(number), **message} for number, message in enumerate(batch)]
        request = {"QueueUrl": self._target.url, "Entries": entries}
        try:
            answer = await self._wire.call("sqs", self._target.region, "AmazonSQS.SendMessageBatch", request)
        except RefusedError as error:
            _LOG.warning("events for %s are dropped: %s", self._target.url, error)
            return len(batch)
        return len(answer.get("Failed", []))

    async def close(self) -> None:
        """Send what waits if that takes no more than a moment."""
        if self._held is not None:
            self._release(self._held)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_S):
                while self._waiting:  # noqa: ASYNC110 - at the end only
                    await asyncio.sleep(0.005)
        self._sender.cancel()


class Events:
    """Tells the queues of matching rules what becomes of jobs; used from the event loop."""

    def __init__(self, store: Store, wire: Wire, rules: Rules, faults: Switches) -> None:
        self._store = store
        self._wire = wire
        self._rules = rules
        self._faults = faults
        self._random = random.Random()  # noqa: S311 - a share of events, no secret
        self._boxes: dict[Target, Outbox] = {}
        self._refused = self._lost = 0
        store.on_transition(self.tell)

    def status(self) -> dict[str, int]:
        """Rules known, messages sent, waiting and dropped."""
        boxes = self._boxes.values()
        return {
            "rules": self._rules.count,
            "sent": sum(box.sent for box in boxes),
            "waiting": sum(map(len, boxes)),
            "dropped": sum(box.dropped for box in boxes) + self._refused,
            "lost": self._lost,
        }

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Know the rules, and go on knowing them, until the end."""
        await self._rules.refresh(self._regions())
        refreshing = asyncio.create_task(self._refresh())
        try:
            yield
        finally:
            refreshing.cancel()
            await asyncio.gather(*(box.close() for box in self._boxes.values()))

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_S)
            await self._rules.refresh(self._regions())

    def _regions(self) -> set[str]:
        return {queue["jobQueueArn"].split(":")[3] for queue in self._store.every_resource(QUEUE)}

    def tell(self, job: Job) -> None:
        """Send the event of a change of state, if a rule asks for it."""
        self._emit(job, _STATE_CHANGE, ())

    def tell_blocked(self, job: Job) -> None:
        """Send the event of a queue that this job blocks, if a rule asks for it."""
        self._emit(job, _BLOCKED, (job.queue,))

    def _emit(self, job: Job, kind: str, also: tuple[str, ...]) -> None:
        rules = self._rules.of(job.region)
        if not rules:
            return
        event = event_of(job, kind, also)
        targets = dict.fromkeys(target for rule in rules if matches(rule.pattern, event) for target in rule.targets)
        if not targets:
            return
        message = {"MessageBody": orjson.dumps(event).decode()}
        for target in targets:
            if target.is_open:
                self._send(target, message if target.group is None else _grouped(message, target.group, event["id"]))
            else:
                self._refused += 1

    def _send(self, target: Target, message: Document) -> None:
        if self._is_hit(self._faults.now.event_loss_percent):
            self._lost += 1
            return
        delay_s = self._faults.now.event_delay_s
        for _ in range(2 if self._is_hit(self._faults.now.event_duplicate_percent) else 1):
            if delay_s:
                asyncio.get_running_loop().call_later(delay_s, self._put, target, message)
            else:
                self._put(target, message)

    def _put(self, target: Target, message: Document) -> None:
        box = self._boxes.get(target)
        if box is None:
            box = self._boxes[target] = Outbox(self._wire, target)
        if self._is_hit(self._faults.now.event_reorder_percent):
            box.hold(message)
        else:
            box.put(message)

    def _is_hit(self, percent: float) -> bool:
        return percent > 0 and self._random.uniform(0, 100) < percent


def event_of(job: Job, kind: str = _STATE_CHANGE, also: tuple[str, ...] = ()) -> Document:
    """The event as EventBridge shows it; its detail is the job's own document, not a copy.

    Args:
        job: The job.
        kind: The event's detail type.
        also: ARNs it is about beside the job's.
    """
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": "aws.batch",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": job.region,
        "resources": [job.detail["jobArn"], *also],
        "detail": job.detail,
    }


def _grouped(message: Document, group: str, event_id: str) -> Document:
    return {**message, "MessageGroupId": group, "MessageDeduplicationId": event_id}

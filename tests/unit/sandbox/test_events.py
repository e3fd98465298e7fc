"""Events wait, within bounds, while they cannot be sent."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from recloser.sandbox.batch import events
from recloser.sandbox.batch.events import Outbox
from recloser.sandbox.batch.rules import Target, admits
from recloser.sandbox.wire import RefusedError, WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

TARGET = Target("r", "http://queue", None, is_open=True)
QUEUE, RULE = "arn:aws:sqs:r:0:q", "arn:aws:events:r:0:rule/x"


class FakeWire:
    """Takes messages, unless it is told to be away or to refuse."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls = 0
        self.bodies: list[str] = []

    async def call(self, service: str, region: str, target: str, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one SendMessageBatch."""
        assert (service, target) == ("sqs", "AmazonSQS.SendMessageBatch")
        assert len(request["Entries"]) <= 10
        self.calls += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.bodies += [entry["MessageBody"] for entry in request["Entries"]]
        return {"Failed": []}


def play(story: Callable[[FakeWire, Outbox], Coroutine[Any, Any, None]]) -> FakeWire:
    """Play a story with one outbox, closed at its end."""
    wire = FakeWire()

    async def run() -> None:
        box = Outbox(wire, TARGET)  # type: ignore[arg-type]
        await story(wire, box)
        await box.close()

    asyncio.run(run())
    return wire


def messages(*bodies: str) -> list[dict[str, str]]:
    """Messages to send."""
    return [{"MessageBody": body} for body in bodies]


async def calls(wire: FakeWire, count: int) -> None:
    """Wait until the queue was called so often."""
    while wire.calls < count:  # noqa: ASYNC110
        await asyncio.sleep(0)


def test_messages_are_sent_in_order_and_by_tens() -> None:
    """Whatever waits goes ten at a time."""
    names = [str(number) for number in range(25)]

    async def story(wire: FakeWire, box: Outbox) -> None:
        for message in messages(*names):
            box.put(message)
        await calls(wire, 3)

    wire = play(story)
    assert (wire.bodies, wire.calls) == (names, 3)


def test_messages_wait_while_the_queue_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that never came means: send it again."""
    monkeypatch.setattr(events, "_AGAIN_S", 0.0)

    async def story(wire: FakeWire, box: Outbox) -> None:
        wire.error = WireError("away")
        box.put(messages("a")[0])
        await calls(wire, 2)
        assert (len(box), box.sent) == (1, 0)
        wire.error = None
        box.put(messages("b")[0])

    assert play(story).bodies == ["a", "b"]


def test_the_oldest_make_room_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than so many wait."""
    monkeypatch.setattr(events, "_MOST", 3)

    async def story(wire: FakeWire, box: Outbox) -> None:
        for message in messages("a", "b", "c", "d", "e"):
            box.put(message)
        assert (len(box), box.dropped) == (3, 2)

    assert play(story).bodies == ["c", "d", "e"]


def test_refused_messages_are_dropped_and_counted() -> None:
    """What the queue does not take is not tried for ever."""

    async def story(wire: FakeWire, box: Outbox) -> None:
        wire.error = RefusedError("QueueDoesNotExist", "gone")
        box.put(messages("a")[0])
        await calls(wire, 1)
        while len(box):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert (box.sent, box.dropped) == (0, 1)

    play(story)


def test_a_held_message_is_overtaken_by_the_next() -> None:
    """Held once, it follows the next; the last one held is sent all the same."""

    async def story(wire: FakeWire, box: Outbox) -> None:
        held, following, last = messages("held", "following", "last")
        box.hold(held)
        box.put(following)
        box.hold(last)
        assert len(box) == 3

    assert play(story).bodies == ["following", "held", "last"]


@pytest.mark.parametrize(
    ("change", "admitted"),
    [
        ({}, True),
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}}, True),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, False),
        ({"Effect": "Deny"}, False),
        ({"Action": "SQS:SendMessage"}, True),
        ({"Action": "sqs:ReceiveMessage"}, False),
        ({"Resource": "arn:aws:sqs:r:0:other"}, False),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/*"}}}, True),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:r:0:rule/y"}}}, False),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}}}, False),
    ],
)
def test_queue_policies_must_admit_eventbridge(change: dict[str, Any], *, admitted: bool) -> None:
    """The statement must name the service, the action, the queue, and hold for the rule."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
        **change,
    }
    assert admits(json.dumps({"Statement": [statement]}), QUEUE, RULE) is admitted


def test_no_policy_admits_nobody() -> None:
    """A queue without policy, or with one that is not JSON, is shut."""
    assert not admits(None, QUEUE, RULE)
    assert not admits("{", QUEUE, RULE)

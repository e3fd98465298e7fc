"""State change events out of a queue."""

import json
from typing import Any

import pytest

from recloser.aws import EventsGateway, MalformedAnswer
from recloser.values import JobState
from tests.unit.aws.wire import Wire

QUEUE = "http://127.0.0.1/000000000000/jobs"
DETAIL = {"jobId": "j-1", "jobName": "n", "status": "RUNNING", "jobQueue": "q", "jobDefinition": "d", "futureField": 1}


def message(receipt: str, **body: Any) -> dict[str, str]:
    """One SQS message."""
    return {"MessageId": receipt, "ReceiptHandle": receipt, "Body": json.dumps(body)}


@pytest.fixture
def events(wire: Wire) -> EventsGateway:
    """A gateway on the wire."""
    return EventsGateway(wire.client("sqs"))


def test_a_state_change_is_a_job(wire: Wire, events: EventsGateway) -> None:
    """So is a job that blocks its queue; unknown fields are tolerated, and what shows no job is left in the queue."""
    change = message("r-1", source="aws.batch", **{"detail-type": "Batch Job State Change", "detail": DETAIL})
    waiting = {**DETAIL, "jobId": "j-2", "status": "RUNNABLE"}
    blocked = message("r-2", source="aws.batch", **{"detail-type": "Batch Job Queue Blocked", "detail": waiting})
    service = message("r-3", source="aws.batch", **{"detail-type": "Batch Service Job Queue Blocked", "detail": {}})
    wire.answer({"Messages": [change, blocked, service, message("r-4", source="my.app")]})
    found, head = events.receive(QUEUE, wait_s=0.2)
    assert (head.receipt, head.job.job_id, head.job.state) == ("r-2", "j-2", JobState.RUNNABLE)
    assert (found.receipt, found.job.job_id, found.job.state) == ("r-1", "j-1", JobState.RUNNING)
    assert wire.requests[-1].json["WaitTimeSeconds"] == 1


def test_forgotten_messages_are_deleted(wire: Wire, events: EventsGateway) -> None:
    """And none is made for nothing."""
    events.forget(QUEUE, [])
    assert wire.requests == []
    change = message("r-1", source="aws.batch", **{"detail-type": "Batch Job State Change", "detail": DETAIL})
    wire.answer({"Messages": [change]})
    found = events.receive(QUEUE, wait_s=99)
    assert wire.requests[-1].json["WaitTimeSeconds"] == 20
    wire.answers.clear()
    wire.answer({})
    events.forget(QUEUE, found)
    assert wire.requests[-1].json == {"QueueUrl": QUEUE, "ReceiptHandle": "r-1"}


@pytest.mark.parametrize("body", ["no json", '{"source": "aws.batch", "detail-type": "Batch Job State Change"}'])
def test_nonsense_is_a_typed_error(wire: Wire, events: EventsGateway, body: str) -> None:
    """A message that is no event, or an event without its job."""
    wire.answer({"Messages": [{"MessageId": "m", "ReceiptHandle": "r", "Body": body}]})
    with pytest.raises(MalformedAnswer):
        events.receive(QUEUE, wait_s=0)

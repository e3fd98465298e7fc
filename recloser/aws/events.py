"""Batch's state change events, as an SQS queue holds them: at least once, in any order, sometimes never."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from recloser.aws.batch_answers import snapshot_of
from recloser.aws.translation import sensible, translated
from recloser.values import JobSnapshot, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_PER_CALL = 10
_LONGEST_WAIT_S = 20
_ABOUT_A_JOB = ("Batch Job State Change", "Batch Job Queue Blocked")


class JobEvent(Value):
    """A job as an event tells it, and the receipt by which the message is forgotten."""

    receipt: str
    job: JobSnapshot


class EventsGateway:
    """Reads of the queue that a rule for source `aws.batch` fills."""

    def __init__(self, client: SQSClient) -> None:
        self._client = client

    def receive(self, queue_url: str, *, wait_s: float) -> tuple[JobEvent, ...]:
        """Wait for events; messages that show no job are left out and not forgotten.

        Args:
            queue_url: URL of the queue.
            wait_s: How long to wait for the first; SQS takes whole seconds from 1 to 20, and 0 would be a busy loop.
        """
        with translated("sqs", "ReceiveMessage"):
            answer = self._client.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=_PER_CALL,
                WaitTimeSeconds=max(1, min(math.ceil(wait_s), _LONGEST_WAIT_S)),
            )
        return tuple(_events(answer.get("Messages", ())))

    def forget(self, queue_url: str, events: Iterable[JobEvent]) -> None:
        """Delete the messages of events that were taken note of."""
        for event in events:
            with translated("sqs", "DeleteMessage"):
                self._client.delete_message(QueueUrl=queue_url, ReceiptHandle=event.receipt)


def _events(messages: Iterable[MessageTypeDef]) -> Iterator[JobEvent]:
    for message in messages:
        with sensible("sqs", "ReceiveMessage"):
            body = json.loads(message["Body"])
            if body.get("source") == "aws.batch" and body.get("detail-type") in _ABOUT_A_JOB:
                yield JobEvent(receipt=message["ReceiptHandle"], job=snapshot_of(body["detail"]))

"""State changes reach SQS through EventBridge's rules, as on AWS, and misbehave when told to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.sandbox.conftest import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.sandbox.conftest import Batch
    from tests.sandbox_fixture import SandboxUnderTest

pytestmark = pytest.mark.sandbox
STATES = ["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]


@dataclass
class Mailbox:
    """A queue that a rule sends to."""

    sqs: Any
    url: str
    sandbox: SandboxUnderTest

    def received(self, count: int) -> list[dict[str, Any]]:
        """The next events, in the order in which they came."""
        found: list[dict[str, Any]] = []

        def more() -> int:
            answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            return len(found)

        until(more, lambda seen: seen >= count)
        return found

    def is_empty(self) -> bool:
        """Whether nothing has come."""
        asked = ["ApproximateNumberOfMessages"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=asked)
        return bool(answer["Attributes"]["ApproximateNumberOfMessages"] == "0")

    def events(self) -> dict[str, int]:
        """What `status` says of events."""
        return self.sandbox.sandbox.status().events


@pytest.fixture
def mailbox(sandbox: SandboxUnderTest, batch: Batch) -> Iterator[Callable[..., Mailbox]]:
    """Make a rule with a queue, and wait until the sandbox knows it; removed afterwards."""
    sqs, events, made = sandbox.client("sqs"), sandbox.client("events"), []

    def make(
        name: str,
        *,
        detail: dict[str, Any],
        kind: str = "Batch Job State Change",
        service: str = "events.amazonaws.com",
    ) -> Mailbox:
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = {"source": ["aws.batch"], "detail-type": [kind], "detail": detail}
        # Enabled last: a rule that the sandbox comes to know before its target would be known without it.
        rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern), State="DISABLED")["RuleArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        events.enable_rule(Name=name)
        made.append((name, url))
        known(others + len(made))
        return Mailbox(sqs, url, sandbox)

    def known(count: int) -> None:
        until(lambda: sandbox.sandbox.status().events["rules"], lambda seen: seen == count)

    others = len(events.list_rules()["Rules"])
    known(others)
    yield make
    sandbox.sandbox.faults(clear=True)
    for name, url in made:
        events.remove_targets(Rule=name, Ids=["queue"])
        events.delete_rule(Name=name)
        sqs.delete_queue(QueueUrl=url)
    known(others)


def test_every_state_but_the_first_is_told(batch: Batch, mailbox: Callable[..., Mailbox]) -> None:
    """One event for each change, in order, in AWS's envelope; its detail is what DescribeJobs shows."""
    box = mailbox("told", detail={"jobName": ["told"]})
    batch.run("true", jobName="not-told")
    job = batch.run("true", jobName="told")
    events = box.received(4)
    assert [event["detail"]["status"] for event in events] == STATES
    last = events[-1]
    assert last.pop("detail") == {key: value for key, value in job.items() if key != "ResponseMetadata"}
    assert len({event["id"] for event in events}) == 4
    assert {key: last[key] for key in last if key not in {"id", "time"}} == {
        "version": "0",
        "detail-type": "Batch Job State Change",
        "source": "aws.batch",
        "account": "000000000000",
        "region": "us-east-1",
        "resources": [job["jobArn"]],
    }


def test_a_blocked_queue_is_told(batch: Batch, mailbox: Callable[..., Mailbox]) -> None:
    """Once for each reason, naming job and queue; its detail is what DescribeJobs shows."""
    box = mailbox("blocked", detail={"jobName": ["too-big"]}, kind="Batch Job Queue Blocked")
    batch.define("too-big", memory=10**8)
    job_id = batch.submit("true", jobName="too-big", definition="too-big")
    (event,) = box.received(1)
    job = batch.describe(job_id)
    batch.client.terminate_job(jobId=job_id, reason="seen")
    assert (event["detail-type"], event["source"]) == ("Batch Job Queue Blocked", "aws.batch")
    assert event["resources"] == [job["jobArn"], job["jobQueue"]]
    assert (job["status"], event["detail"]) == ("RUNNABLE", job)
    assert job["statusReason"].startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
    assert batch.run("true")["status"] == "SUCCEEDED"
    assert box.is_empty()


def test_a_queue_that_does_not_admit_eventbridge_gets_nothing(batch: Batch, mailbox: Callable[..., Mailbox]) -> None:
    """The classic mistake shows: the events are dropped and counted."""
    box = mailbox("shut", detail={"jobName": ["shut"]}, service="sns.amazonaws.com")
    before = box.events()["dropped"]
    batch.run("true", jobName="shut")
    assert box.events()["dropped"] == before + 4
    assert box.is_empty()
    log = (box.sandbox.state_dir / "daemon.log").read_text()
    assert log.count("does not let events.amazonaws.com send") == 1


def test_events_come_twice_or_never_when_told(batch: Batch, mailbox: Callable[..., Mailbox]) -> None:
    """Duplicates and losses are switches, and losses are counted."""
    box = mailbox("twice", detail={"jobName": ["twice"]})
    box.sandbox.sandbox.faults(event_duplicate_percent=100)
    batch.run("true", jobName="twice")
    states = [event["detail"]["status"] for event in box.received(8)]
    assert states == [state for state in STATES for _ in range(2)]
    before = box.events()["lost"]
    box.sandbox.sandbox.faults(clear=True, event_loss_percent=100)
    batch.run("true", jobName="twice")
    assert box.events()["lost"] == before + 4
    assert box.is_empty()


def test_events_are_late_and_overtaken_when_told(batch: Batch, mailbox: Callable[..., Mailbox]) -> None:
    """Delay and disorder are switches; nothing is lost by them."""
    box = mailbox("late", detail={"jobName": ["late"]})
    box.sandbox.sandbox.faults(event_delay_s=0.2, event_reorder_percent=100)
    batch.run("true", jobName="late")
    states = [event["detail"]["status"] for event in box.received(4)]
    assert states != STATES
    assert sorted(states) == sorted(STATES)

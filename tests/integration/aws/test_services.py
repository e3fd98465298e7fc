"""Logs, job table, IAM, S3 and ECR through the gateways, with the operator's permissions."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recloser.aws import AccessRefused, Account, NotFound
from recloser.redaction import Redactor
from recloser.values import JobTableRow

pytestmark = pytest.mark.sandbox

GROUP = "/aws/batch/job"
PLAIN = Redactor(())


@pytest.fixture
def stream(sandbox: Any, name: str) -> str:
    """An empty log stream."""
    sandbox.client("logs", "admin").create_log_stream(logGroupName=GROUP, logStreamName=name)
    return name


@pytest.fixture
def role(sandbox: Any, name: str) -> str:
    """A job role without any permission."""
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    sandbox.client("iam", "admin").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    return name


@pytest.fixture
def bucket(sandbox: Any, name: str) -> str:
    """An empty bucket."""
    sandbox.client("s3", "admin").create_bucket(Bucket=name)
    return name


def write(sandbox: Any, stream: str, *messages: str) -> None:
    """Put lines into a stream, one millisecond apart."""
    start = int(datetime.now(UTC).timestamp() * 1000)
    events = [{"timestamp": start + number, "message": message} for number, message in enumerate(messages)]
    sandbox.client("logs", "admin").put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def test_the_end_of_a_long_stream_is_read(sandbox: Any, account: Account, stream: str) -> None:
    """The last lines, oldest first, whatever the size of a page."""
    write(sandbox, stream, *(f"line {number}" for number in range(3000)))
    tail = account.logs.tail(stream, lines=400, redact=PLAIN)
    assert [line.text for line in tail.lines] == [f"line {number}" for number in range(2600, 3000)]


def test_a_stream_is_followed_without_loss_or_repetition(sandbox: Any, account: Account, stream: str) -> None:
    """An empty page leaves the token good for what comes later."""
    write(sandbox, stream, "a", "b")
    first, token = account.logs.follow(stream, None, redact=PLAIN)
    nothing, token = account.logs.follow(stream, token, redact=PLAIN)
    write(sandbox, stream, "token hunter22")
    later, _ = account.logs.follow(stream, token, redact=Redactor(["hunter22"]))
    assert [line.text for line in (*first, *nothing, *later)] == ["a", "b", "token [redacted]"]


def test_a_missing_and_an_empty_stream_are_notes(account: Account, stream: str) -> None:
    """Neither is an error."""
    assert account.logs.tail("nowhere", lines=5, redact=PLAIN).note
    assert account.logs.tail(stream, lines=5, redact=PLAIN).note == f"the log stream {stream} is empty"
    assert account.logs.follow("nowhere", None, redact=PLAIN) == ((), None)


def test_a_job_s_row_is_read(sandbox: Any, account: Account, name: str) -> None:
    """Row, absent row, absent table."""
    sandbox.client("dynamodb", "admin").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "j1"}, "state": {"S": "RUNNING"}, "beat": {"S": "2026-01-02T03:04:05Z"}}
    sandbox.client("dynamodb", "admin").put_item(TableName=name, Item=item)
    names = {"key": "id", "status": "state", "phase": "phase", "heartbeat": "beat"}
    beat = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert account.job_table.row(name, "j1", **names) == JobTableRow(job_id="j1", status="RUNNING", heartbeat_at=beat)
    assert account.job_table.row(name, "j2", **names) is None
    assert account.job_table.exists(name)
    assert not account.job_table.exists(f"{name}-other")
    with pytest.raises(NotFound):
        account.job_table.row(f"{name}-other", "j1", **names)


def test_a_grant_is_made_seen_and_taken_back(account: Account, role: str) -> None:
    """The simulation follows the policy, on the resource it names and no other."""
    arn = account.iam.role_arn(role)
    granted, other = "arn:aws:s3:::inputs/load.csv", "arn:aws:s3:::inputs/lines.csv"
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": granted}
    assert account.iam.inline_policy(role, "grant") is None
    assert not account.iam.allows(arn, "s3:GetObject", granted)
    account.iam.put_inline_policy(role, "grant", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert account.iam.allows(arn, "s3:GetObject", granted)
    assert not account.iam.allows(arn, "s3:GetObject", other)
    assert not account.iam.allows(arn, "s3:PutObject", granted)
    document = account.iam.inline_policy(role, "grant")
    assert document is not None
    assert json.loads(document)["Statement"] == [statement]
    account.iam.delete_inline_policy(role, "grant")
    account.iam.delete_inline_policy(role, "grant")
    assert not account.iam.allows(arn, "s3:GetObject", granted)


def test_a_missing_role_is_an_error_in_every_question(account: Account) -> None:
    """A missing policy is an answer; a missing role is not."""
    with pytest.raises(NotFound):
        account.iam.role_arn("nobody")
    with pytest.raises(NotFound):
        account.iam.inline_policy("nobody", "grant")
    with pytest.raises(NotFound):
        account.iam.delete_inline_policy("nobody", "grant")


def test_objects_are_written_seen_read_and_removed(account: Account, bucket: str, tmp_path: Path) -> None:
    """From memory and from a file; an empty object is an object."""
    file = tmp_path / "load.csv"
    file.write_bytes(b"hour,mw\n0,1\n")
    here, there, empty = (f"s3://{bucket}/in/{key}" for key in ("a b+c.csv", "load.csv", "empty"))
    account.objects.put(here, b"0123456789")
    account.objects.put(there, file)
    account.objects.put(empty, b"")
    found = account.objects.head(here)
    assert found is not None
    assert (found.size_bytes, found.modified_at.tzinfo) == (10, UTC)
    assert account.objects.read(here, 4) == b"0123"
    assert account.objects.read(there, 1000) == file.read_bytes()
    assert account.objects.read(empty, 1000) == b""
    assert list(account.objects.list(f"s3://{bucket}/in/")) == [here, empty, there]
    account.objects.delete(here)
    account.objects.delete(here)
    assert account.objects.head(here) is None
    assert account.objects.delete_prefix(f"s3://{bucket}/in/") == 2
    assert list(account.objects.list(f"s3://{bucket}")) == []


def test_a_missing_object_and_a_missing_bucket_are_told(account: Account, bucket: str) -> None:
    """Asking whether it is there is answered; reading it is an error."""
    assert account.objects.head(f"s3://{bucket}/nothing") is None
    for uri in (f"s3://{bucket}/nothing", f"s3://{bucket}-other/nothing"):
        with pytest.raises(NotFound):
            account.objects.read(uri, 1)


def test_what_the_operator_may_not_do_is_named(sandbox: Any, account: Account, bucket: str) -> None:
    """The missing action is in the error, for the person who grants it."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    sandbox.client("s3", "admin").put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    )
    account.objects.put(f"s3://{bucket}/k", b"x")
    with pytest.raises(AccessRefused) as read:
        account.objects.read(f"s3://{bucket}/k", 1)
    with pytest.raises(AccessRefused) as head:
        account.objects.head(f"s3://{bucket}/k")
    assert (read.value.action, head.value.action) == ("s3:GetObject", "s3:GetObject")


def test_a_tag_is_resolved_to_a_digest(sandbox: Any, account: Account, name: str) -> None:
    """A missing tag and a missing repository mean that there is no such image."""
    ecr = sandbox.client("ecr", "admin")
    assert account.images.digest(name, "v1") is None
    ecr.create_repository(repositoryName=name)
    assert account.images.digest(name, "v1") is None
    made = ecr.put_image(repositoryName=name, imageTag="v1", imageManifest=json.dumps({"schemaVersion": 2, "n": name}))
    assert account.images.digest(name, "v1") == made["image"]["imageId"]["imageDigest"]


def test_only_an_administrator_deletes_tags(sandbox: Any, account: Account, name: str) -> None:
    """The operator's policy does not include it; nothing it heals needs it."""
    sandbox.client("ecr", "admin").create_repository(repositoryName=name)
    with pytest.raises(AccessRefused, match="ecr:BatchDeleteImage"):
        account.images.delete_tag(name, "v1")

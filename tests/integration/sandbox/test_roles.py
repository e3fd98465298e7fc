"""A job acts as its job role, and as nobody without one."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.sandbox.conftest import Batch
    from tests.sandbox_fixture import SandboxUnderTest

pytestmark = pytest.mark.sandbox

WHO = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
READ = "import boto3; print(boto3.client('s3').get_object(Bucket='roles-test', Key='a/b')['Body'].read().decode())"


def trust(service: str, **more: object) -> str:
    """A trust policy for one service."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_role(sandbox: SandboxUnderTest, name: str, service: str = "ecs-tasks.amazonaws.com", **more: object) -> str:
    """Create a role."""
    made = sandbox.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust(service, **more))
    return str(made["Role"]["Arn"])


def test_job_has_the_rights_of_its_role_at_once(batch: Batch, sandbox: SandboxUnderTest) -> None:
    """The identity is the role's; a call is denied until the role's policy allows it."""
    arn = make_role(sandbox, "reader")
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket="roles-test")
    s3.put_object(Bucket="roles-test", Key="a/b", Body=b"content")
    batch.define("with-role", jobRoleArn=arn, memory=512)
    who = batch.run("python", "-c", WHO, definition="with-role")
    task = who["container"]["taskArn"].rsplit("/", 1)[-1]
    assert batch.lines(who) == [f"arn:aws:sts::000000000000:assumed-role/reader/{task}"]
    denied = batch.run("python", "-c", READ, definition="with-role")
    assert denied["status"] == "FAILED"
    assert "AccessDenied" in batch.lines(denied)[-1]
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::roles-test/a/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sandbox.client("iam").put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=policy)
    assert batch.lines(batch.run("python", "-c", READ, definition="with-role")) == ["content"]


def test_job_without_role_has_no_credentials(batch: Batch) -> None:
    """Nothing of the sandbox's own keys reaches a job."""
    batch.define("no-role", memory=512)
    job = batch.run("python", "-c", WHO, definition="no-role")
    assert "NoCredentialsError" in batch.lines(job)[-1]


@pytest.mark.parametrize("case", ["absent", "untrusting"])
def test_role_that_cannot_be_assumed_fails_the_task(batch: Batch, sandbox: SandboxUnderTest, case: str) -> None:
    """A role that is not there, or does not trust ECS tasks, fails the task before it starts."""
    arn = f"arn:aws:iam::000000000000:role/{case}"
    if case == "untrusting":
        make_role(sandbox, case, "ec2.amazonaws.com")
    batch.define(f"{case}-role", jobRoleArn=arn)
    job = batch.run(definition=f"{case}-role")
    assert job["statusReason"] == "Task failed to start"
    expected = f"ECS was unable to assume the role '{arn}' that was provided for this task."
    assert job["container"]["reason"].startswith(expected)
    assert "exitCode" not in job["container"]


@pytest.mark.parametrize(("account", "state"), [("000000000000", "SUCCEEDED"), ("111111111111", "FAILED")])
def test_trust_conditions_on_the_source_count(
    batch: Batch, sandbox: SandboxUnderTest, account: str, state: str
) -> None:
    """A role that trusts only the tasks of one account works in that account and in no other."""
    condition = {"StringEquals": {"aws:SourceAccount": account}}
    name = f"of-{account}"
    batch.define(name, jobRoleArn=make_role(sandbox, name, Condition=condition), memory=512)
    job = batch.run("python", "-c", WHO, definition=name)
    assert job["status"] == state
    if state == "SUCCEEDED":
        assert f"assumed-role/{name}/" in batch.lines(job)[0]
    else:
        assert job["container"]["reason"].startswith("ECS was unable to assume the role")


def test_credentials_need_the_attempts_token(batch: Batch, sandbox: SandboxUnderTest) -> None:
    """The address of the credentials answers 403 without the attempt's token, and for an attempt that has ended."""
    arn = make_role(sandbox, "shown")
    batch.define("shows", jobRoleArn=arn)
    show = 'echo "$AWS_CONTAINER_CREDENTIALS_FULL_URI $AWS_CONTAINER_AUTHORIZATION_TOKEN"; sleep 60'
    from tests.integration.sandbox.conftest import until  # noqa: PLC0415

    job = batch.wait(batch.submit("sh", "-c", show, definition="shows"), "RUNNING")
    (line,) = until(lambda: batch.lines(job), lambda lines: len(lines) == 1)
    uri, token = line.split()
    assert set(fetch(uri, token)) == {"RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"}
    with pytest.raises(PermissionError):
        fetch(uri, "guess")
    batch.client.terminate_job(jobId=job["jobId"], reason="seen")
    batch.wait(job["jobId"])
    with pytest.raises(PermissionError):
        fetch(uri, token)


def fetch(uri: str, token: str) -> dict[str, str]:
    """Ask for credentials as the SDK does."""
    try:
        request = urllib.request.Request(uri, headers={"Authorization": token})  # noqa: S310 - the sandbox's own
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            found: dict[str, str] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        error.close()
        raise PermissionError(error.code) from error

"""Batch calls are authenticated and authorised as AWS does it: by signature, user, role and policy."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.integration.sandbox.conftest import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.sandbox.conftest import Batch
    from tests.sandbox_fixture import SandboxUnderTest

pytestmark = pytest.mark.sandbox
ARN = "arn:aws:batch:us-east-1:000000000000"
TASKS = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
CONTAINER = {
    "image": "i",
    "command": ["true"],
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
}


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    """A statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


ENDPOINTS = {"batch": "AWS_ENDPOINT_URL_BATCH", "sts": "AWS_ENDPOINT_URL_STS"}


@dataclass
class User:
    """A user of the sandbox, without rights until told."""

    name: str
    iam: Any
    sandbox: SandboxUnderTest
    keys: dict[str, str]
    _clients: list[Any] = field(default_factory=list)

    def may(self, *statements: dict[str, Any], name: str = "own") -> None:
        """Replace the user's policy."""
        self.iam.put_user_policy(UserName=self.name, PolicyName=name, PolicyDocument=document(*statements))

    def client(self, service: str = "batch", **keys: str) -> Any:
        """A client with the user's keys, or others."""
        endpoint = self.sandbox.admin[ENDPOINTS.get(service, "AWS_ENDPOINT_URL")]
        create: Any = boto3.client
        made = create(service, endpoint_url=endpoint, region_name="us-east-1", **(keys or self.keys))
        self._clients.append(made)
        return made

    def close(self) -> None:
        """Close its clients."""
        for client in self._clients:
            client.close()


def document(*statements: dict[str, Any]) -> str:
    """A policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def user(sandbox: SandboxUnderTest, batch: Batch, request: pytest.FixtureRequest) -> Iterator[User]:
    """A user of this test's own."""
    iam, name = sandbox.client("iam"), f"u-{abs(hash(request.node.nodeid)) % 10**10}"
    iam.create_user(UserName=name, Path="/people/")
    made = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
    user = User(name, iam, sandbox, keys)
    yield user
    user.close()


def refusal(call: Callable[..., Any], **request: Any) -> str:
    """What an AccessDeniedException says."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException", caught.value
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return str(caught.value.response["Error"]["Message"])


def is_refused(call: Callable[[], Any]) -> bool:
    """Whether a call is denied now."""
    try:
        call()
    except ClientError:
        return True
    return False


def test_a_user_without_policies_may_nothing(user: User) -> None:
    """The refusal names user, action and resource in AWS's words, and a grant works at once."""
    client = user.client()
    assert refusal(client.describe_jobs, jobs=["x"]) == (
        f"User: arn:aws:iam::000000000000:user/people/{user.name} is not authorized to perform: batch:DescribeJobs "
        "on resource: * because no identity-based policy allows the batch:DescribeJobs action"
    )
    user.may(allow("batch:Describe*"))
    assert client.describe_jobs(jobs=["x"])["jobs"] == []
    user.may(allow("batch:Describe*"), {"Effect": "Deny", "Action": "batch:DescribeJobQueues", "Resource": "*"})
    until(lambda: is_refused(client.describe_job_queues), bool)  # what was granted is believed for seconds
    assert "with an explicit deny in an identity-based policy" in refusal(client.describe_job_queues)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"aws_access_key_id": "AKIA0000000000000000"}, "UnrecognizedClientException"),
        ({"aws_session_token": "none"}, "UnrecognizedClientException"),
    ],
)
def test_bad_signatures_are_refused_as_aws_does(user: User, change: dict[str, str], code: str) -> None:
    """A wrong secret, an unknown key and a foreign token are 403 with AWS's codes."""
    user.may(allow("*"))
    with pytest.raises(ClientError) as caught:
        user.client(**{**user.keys, **change}).describe_jobs(jobs=["x"])
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_submission_needs_queue_and_revision(user: User, batch: Batch) -> None:
    """Both are authorised, the definition by its revision even where only its name is given."""
    client = user.client()
    revision = batch.define("authorised").rsplit(":", 1)[-1]
    job = {"jobName": "j", "jobQueue": "main", "jobDefinition": "authorised"}
    queue, definition = f"{ARN}:job-queue/main", f"{ARN}:job-definition/authorised"
    user.may(allow("batch:SubmitJob", queue))
    assert f"on resource: {definition}:{revision} because" in refusal(client.submit_job, **job)
    user.may(allow("batch:SubmitJob", [queue, definition]))
    assert f"on resource: {definition}:{revision} because" in refusal(client.submit_job, **job)
    user.may(allow("batch:SubmitJob", f"{definition}:*"))
    assert f"on resource: {queue} because" in refusal(client.submit_job, **job)
    user.may(allow("batch:SubmitJob", [queue, f"{definition}:*"]))
    batch.wait(client.submit_job(**job)["jobId"])
    assert "batch:TagResource" in refusal(client.submit_job, **job, tags={"a": "b"})
    user.may(allow("batch:SubmitJob", [queue, f"{definition}:*"]))
    with pytest.raises(client.exceptions.ClientException, match="does not exist"):
        client.submit_job(**{**job, "jobDefinition": "authorised:99"})


def test_registration_needs_to_pass_the_roles(user: User, sandbox: SandboxUnderTest) -> None:
    """A definition with a role needs iam:PassRole on it, to ECS tasks and nothing else."""
    role = "arn:aws:iam::000000000000:role/passed"
    client = user.client()
    register = {
        "jobDefinitionName": "passing",
        "type": "container",
        "containerProperties": {**CONTAINER, "jobRoleArn": role},
    }
    mine = allow("batch:RegisterJobDefinition", f"{ARN}:job-definition/passing")
    user.may(mine)
    assert f"iam:PassRole on resource: {role} because" in refusal(client.register_job_definition, **register)
    ec2 = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    user.may(mine, allow("iam:PassRole", role, Condition=ec2))
    refusal(client.register_job_definition, **register)
    user.may(mine, allow("iam:PassRole", role, Condition=TASKS))
    assert client.register_job_definition(**register)["revision"] == 1
    refusal(client.deregister_job_definition, jobDefinition="passing:1")
    user.may(allow("batch:DeregisterJobDefinition", f"{ARN}:job-definition/passing:1"))
    client.deregister_job_definition(jobDefinition="passing:1")
    assert f"{ARN}:job-definition/other" in refusal(
        client.register_job_definition, **{**register, "jobDefinitionName": "other"}
    )


def test_what_is_not_understood_is_said(user: User) -> None:
    """A statement with an unknown operator grants nothing, and the refusal says which one it was."""
    user.may(allow("batch:Describe*", Sid="Odd", Condition={"StringSounds": {"aws:username": "x"}}))
    assert "did not understand statement 'Odd': condition operator StringSounds" in refusal(
        user.client().describe_job_queues
    )


def test_jobs_are_ended_by_their_arn_and_tags(user: User, batch: Batch) -> None:
    """TerminateJob and CancelJob are judged on the job, by its tags too; the plural calls need the singular right."""
    client = user.client()
    mine, other = batch.submit("sleep", "60", tags={"owner": user.name}), batch.submit("sleep", "60")
    tagged = {"StringEquals": {"aws:ResourceTag/owner": "${aws:username}"}}
    user.may(allow(["batch:TerminateJob", "batch:CancelJob"], f"{ARN}:job/*", Condition=tagged))
    assert f"on resource: {ARN}:job/{other}" in refusal(client.terminate_job, jobId=other, reason="no")
    refusal(client.cancel_job, jobId=other, reason="no")
    client.terminate_job(jobId=mine, reason="enough")
    assert batch.wait(mine)["statusReason"] == "enough"
    batch.client.terminate_job(jobId=other, reason="done")
    batch.wait(other)


def test_tags_are_judged_on_their_resource(user: User, batch: Batch) -> None:
    """Tag operations carry an ARN in their path; request tags are conditions."""
    client = user.client()
    arn = batch.define("tagged-by-user")
    blue = {"StringEquals": {"aws:RequestTag/team": "blue"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    user.may(allow("batch:TagResource", arn, Condition=blue), allow("batch:ListTagsForResource", arn))
    client.tag_resource(resourceArn=arn, tags={"team": "blue"})
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "blue"}
    refusal(client.tag_resource, resourceArn=arn, tags={"team": "red"})
    refusal(client.tag_resource, resourceArn=arn, tags={"team": "blue", "more": "x"})
    refusal(client.untag_resource, resourceArn=arn, tagKeys=["team"])
    refusal(client.list_tags_for_resource, resourceArn=f"{ARN}:job-queue/main")


def test_attached_group_and_boundary_policies_count(user: User) -> None:
    """Managed policies, those of groups, and the limit of a permissions boundary."""
    iam, client = user.iam, user.client()
    arns = {}
    for name, statement in (("see-queues", allow("batch:DescribeJobQueues")), ("all", allow("batch:*"))):
        made = iam.create_policy(PolicyName=f"{user.name}-{name}", PolicyDocument=document(statement))
        arns[name] = made["Policy"]["Arn"]
    iam.attach_user_policy(UserName=user.name, PolicyArn=arns["see-queues"])
    client.describe_job_queues()
    refusal(client.describe_job_definitions)
    iam.create_group(GroupName=user.name)
    iam.add_user_to_group(GroupName=user.name, UserName=user.name)
    iam.attach_group_policy(GroupName=user.name, PolicyArn=arns["all"])
    client.describe_job_definitions()
    iam.put_user_permissions_boundary(UserName=user.name, PermissionsBoundary=arns["see-queues"])
    client.describe_job_queues()
    until(lambda: is_refused(client.describe_job_definitions), bool)
    assert "because no permissions boundary allows" in refusal(client.describe_job_definitions)


def test_a_job_acts_on_batch_as_its_role(batch: Batch, sandbox: SandboxUnderTest) -> None:
    """A job's own Batch calls are judged by its role's policies."""
    trust = allow("sts:AssumeRole", Principal={"Service": "ecs-tasks.amazonaws.com"})
    del trust["Resource"]
    iam = sandbox.client("iam")
    role = iam.create_role(RoleName="submitter", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    batch.define("submits", jobRoleArn=role, memory=512)
    script = "import boto3; print(len(boto3.client('batch').describe_job_queues(jobQueues=['main'])['jobQueues']))"
    denied = batch.run("python", "-c", script, definition="submits")
    assert denied["status"] == "FAILED"
    assert "assumed-role/submitter/" in (said := batch.lines(denied)[-1])
    assert "batch:DescribeJobQueues" in said
    iam.put_role_policy(RoleName="submitter", PolicyName="p", PolicyDocument=document(allow("batch:Describe*")))
    assert batch.lines(batch.run("python", "-c", script, definition="submits")) == ["1"]


def session_of(user: User, *rights: dict[str, Any]) -> tuple[str, Any]:
    """A role that the user assumes: its name and a client with the session's keys."""
    role, keys = assumed(user, *rights)
    return role, user.client(**keys)


def assumed(user: User, *rights: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """A role that the user assumes: its name and the session's keys."""
    trust = allow("sts:AssumeRole", Principal={"AWS": "*"})
    del trust["Resource"]
    role = f"r-{user.name}"
    made = user.iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    user.may(allow("sts:AssumeRole"))
    keys = user.client("sts").assume_role(RoleArn=made, RoleSessionName="me")["Credentials"]
    if rights:
        user.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document(*rights))
    return role, {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def test_sessions_are_judged_by_their_role(user: User) -> None:
    """Who assumes a role has the role's rights, on the resources they are for."""
    role, session = session_of(user)
    assert f"assumed-role/{role}/me is not authorized" in refusal(session.describe_job_queues)
    rights = document(allow("batch:TagResource", f"{ARN}:job-queue/*"), allow("batch:DescribeJobQueues"))
    user.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=rights)
    session.describe_job_queues()
    session.tag_resource(resourceArn=f"{ARN}:job-queue/main", tags={"seen": "1"})


def test_a_session_that_may_do_everything_is_judged_too(user: User) -> None:
    """STS goes through the endpoint, so it knows whose session it is: a denial of one resource counts."""
    everything = {**allow("*"), "Sid": "all"}
    denied = {**everything, "Sid": "not", "Effect": "Deny", "Resource": f"{ARN}:job-queue/main"}
    role, keys = assumed(user, everything, denied)
    assert user.client("sts", **keys).get_caller_identity()["Arn"].endswith(f"assumed-role/{role}/me")
    session = user.client(**keys)
    session.describe_job_queues()
    said = refusal(session.tag_resource, resourceArn=f"{ARN}:job-queue/main", tags={"seen": "1"})
    assert f"assumed-role/{role}/me is not authorized" in said
    assert "explicit deny" in said


def test_sessions_of_unknown_origin_pass_no_role(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """MiniStack does not say whose session it is while it allows everything, so what needs to be known is refused."""
    monkeypatch.setitem(ENDPOINTS, "sts", "AWS_ENDPOINT_URL")
    _, session = session_of(user, allow("*"))
    session.describe_job_queues()
    container = {**CONTAINER, "jobRoleArn": "arn:aws:iam::000000000000:role/any"}
    assert "cannot tell whose session" in refusal(
        session.register_job_definition, jobDefinitionName="x", type="container", containerProperties=container
    )

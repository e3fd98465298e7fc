"""Batch's API as boto3 sees it: resources, definitions, listing, tags, refusals."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.sandbox.conftest import Batch
    from tests.sandbox_fixture import SandboxUnderTest

pytestmark = pytest.mark.sandbox
ORDER = [{"order": 1, "computeEnvironment": "host"}]
SIZES = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
CONTAINER = {"image": "i", "command": ["true"], "resourceRequirements": SIZES}


@pytest.fixture
def raw(sandbox: SandboxUnderTest) -> Iterator[Any]:
    """A client that checks nothing itself, so that the endpoint must."""
    from botocore.config import Config  # noqa: PLC0415

    client = sandbox.session().client(
        "batch",
        endpoint_url=sandbox.admin["AWS_ENDPOINT_URL_BATCH"],
        config=Config(parameter_validation=False),
    )
    yield client
    client.close()


def refusal(call: Any, **request: Any) -> str:
    """The text of the ClientException a call ends in."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "ClientException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(caught.value.response["Error"]["Message"])


def test_errors_are_the_modelled_class(batch: Batch) -> None:
    """The client raises the exception class that Batch's model names."""
    with pytest.raises(batch.client.exceptions.ClientException):
        batch.client.describe_jobs(jobs=["x"] * 101)


def test_compute_environment_and_queue_live_and_die(batch: Batch) -> None:
    """Create, describe, update, and delete in the order AWS asks for."""
    client = batch.client
    made = client.create_compute_environment(
        computeEnvironmentName="ce-1", type="MANAGED", computeResources={"type": "EC2", "maxvCpus": 2}, tags={"a": "b"}
    )
    order = [{"order": 1, "computeEnvironment": made["computeEnvironmentArn"]}]
    queue = client.create_job_queue(jobQueueName="q-1", priority=1, computeEnvironmentOrder=order)["jobQueueArn"]
    assert made["computeEnvironmentArn"] == "arn:aws:batch:us-east-1:000000000000:compute-environment/ce-1"
    client.update_compute_environment(computeEnvironment="ce-1", computeResources={"maxvCpus": 3}, state="DISABLED")
    (shown,) = client.describe_compute_environments(computeEnvironments=["ce-1"])["computeEnvironments"]
    assert (shown["status"], shown["computeResources"]["maxvCpus"], shown["tags"]) == ("VALID", 3, {"a": "b"})
    assert "relationship" in refusal(client.delete_compute_environment, computeEnvironment="ce-1")
    assert "DISABLED" in refusal(client.delete_job_queue, jobQueue=queue)
    client.update_job_queue(jobQueue=queue, state="DISABLED", priority=7)
    (seen,) = client.describe_job_queues(jobQueues=["q-1"])["jobQueues"]
    assert (seen["state"], seen["priority"], seen["computeEnvironmentOrder"]) == ("DISABLED", 7, order)
    assert "DISABLED" in refusal(client.submit_job, jobName="j", jobQueue="q-1", jobDefinition="plain")
    client.delete_job_queue(jobQueue="q-1")
    client.delete_compute_environment(computeEnvironment="ce-1")
    assert client.describe_job_queues(jobQueues=["q-1"])["jobQueues"] == []
    assert client.describe_compute_environments(computeEnvironments=["ce-1"])["computeEnvironments"] == []


def test_deleting_a_queue_ends_its_jobs(batch: Batch) -> None:
    """Jobs of a deleted queue are terminated, the waiting and the running."""
    client = batch.client
    client.create_compute_environment(
        computeEnvironmentName="one", type="MANAGED", computeResources={"type": "EC2", "maxvCpus": 1}
    )
    order = [{"order": 1, "computeEnvironment": "one"}]
    client.create_job_queue(jobQueueName="doomed", priority=1, computeEnvironmentOrder=order)
    running, waiting = (batch.submit("sleep", "300", jobQueue="doomed") for _ in range(2))
    batch.wait(running, "RUNNING")
    client.update_job_queue(jobQueue="doomed", state="DISABLED")
    client.delete_job_queue(jobQueue="doomed")
    assert [batch.wait(job)["statusReason"] for job in (running, waiting)] == ["Job queue was deleted"] * 2


@pytest.mark.parametrize("order", [[], [*ORDER] * 4, [{"order": 1, "computeEnvironment": "none"}]])
def test_queues_need_environments_that_exist(raw: Any, batch: Batch, order: list[dict[str, Any]]) -> None:
    """A queue names one to three existing compute environments."""
    refusal(raw.create_job_queue, jobQueueName="q-2", priority=1, computeEnvironmentOrder=order)


def test_names_are_taken_once(batch: Batch) -> None:
    """A second resource of the same name is refused."""
    assert "exists" in refusal(
        batch.client.create_job_queue, jobQueueName="main", priority=1, computeEnvironmentOrder=ORDER
    )


def test_revisions_count_up(batch: Batch) -> None:
    """Each registration is a revision; a name means the latest ACTIVE one; INACTIVE ones stay visible."""
    client = batch.client
    first, second = batch.define("counted"), batch.define("counted", memory=512)
    assert (first[-10:], second[-10:]) == ("/counted:1", "/counted:2")
    client.deregister_job_definition(jobDefinition="counted:2")
    shown = client.describe_job_definitions(jobDefinitionName="counted")["jobDefinitions"]
    assert [(item["revision"], item["status"]) for item in shown] == [(2, "INACTIVE"), (1, "ACTIVE")]
    active = client.describe_job_definitions(jobDefinitionName="counted", status="ACTIVE")["jobDefinitions"]
    assert [item["revision"] for item in active] == [1]
    assert [i["revision"] for i in client.describe_job_definitions(jobDefinitions=[second])["jobDefinitions"]] == [2]
    assert batch.run(definition="counted")["jobDefinition"] == first
    assert "not ACTIVE" in refusal(client.submit_job, jobName="j", jobQueue="main", jobDefinition="counted:2")


def test_definitions_come_in_pages(batch: Batch) -> None:
    """DescribeJobDefinitions pages by nextToken, and botocore's paginator sees every revision once."""
    for _ in range(3):
        batch.define("paged")
    paginator = batch.client.get_paginator("describe_job_definitions")
    pages = list(paginator.paginate(jobDefinitionName="paged", PaginationConfig={"PageSize": 2}))
    assert [[item["revision"] for item in page["jobDefinitions"]] for page in pages] == [[3, 2], [1]]


def test_described_definition_can_be_registered_again(batch: Batch) -> None:
    """What DescribeJobDefinitions shows of a container is a container."""
    arn = batch.define("copied", environment=[{"name": "A", "value": "b"}])
    (shown,) = batch.client.describe_job_definitions(jobDefinitions=[arn])["jobDefinitions"]
    again = batch.client.register_job_definition(
        jobDefinitionName="copied", type=shown["type"], containerProperties=shown["containerProperties"]
    )
    assert again["revision"] == 2


def test_list_jobs_by_state_and_name(batch: Batch) -> None:
    """Without a state only RUNNING ones; a name filter ignores case and state and takes a trailing star."""
    client = batch.client
    ids = [batch.submit("true", jobName=f"Listed-{number}") for number in range(3)]
    for job_id in ids:
        batch.wait(job_id)
    assert not set(ids) & {job["jobId"] for job in client.list_jobs(jobQueue="main")["jobSummaryList"]}
    done = client.list_jobs(jobQueue="main", jobStatus="SUCCEEDED", maxResults=2)
    assert [job["jobId"] for job in done["jobSummaryList"]] == ids[:0:-1]
    more = client.list_jobs(jobQueue="main", jobStatus="SUCCEEDED", maxResults=1, nextToken=done["nextToken"])
    assert [job["jobId"] for job in more["jobSummaryList"]] == ids[:1]

    def named(pattern: str) -> list[str]:
        found = client.list_jobs(jobQueue="main", filters=[{"name": "JOB_NAME", "values": [pattern]}])
        return [job["jobId"] for job in found["jobSummaryList"]]

    assert named("LISTED-1") == [ids[1]]
    assert named("listed-*") == ids[::-1]
    assert named("listed") == []
    assert named("%") == []


def test_unknown_ids_are_left_out(batch: Batch) -> None:
    """DescribeJobs silently omits what it does not know."""
    known = batch.submit("true")
    shown = batch.client.describe_jobs(jobs=["no-such-job", known])["jobs"]
    assert [job["jobId"] for job in shown] == [known]
    batch.wait(known)


def test_tags_are_kept_and_propagated(batch: Batch) -> None:
    """Tags of jobs and definitions can be shown and changed; a job takes the definition's when told to."""
    client = batch.client
    arn = client.register_job_definition(
        jobDefinitionName="tagged", type="container", containerProperties=CONTAINER, tags={"a": "1", "b": "1"}
    )["jobDefinitionArn"]
    job = batch.run(definition="tagged", tags={"b": "2"}, propagateTags=True)
    assert job["tags"] == {"a": "1", "b": "2"}
    for resource in (arn, job["jobArn"], "arn:aws:batch:us-east-1:000000000000:job-queue/main"):
        client.tag_resource(resourceArn=resource, tags={"c": "3", "d": "x y/z"})
        client.untag_resource(resourceArn=resource, tagKeys=["c", "a"])
        tags = client.list_tags_for_resource(resourceArn=resource)["tags"]
        assert tags["d"] == "x y/z"
        assert not {"a", "c"} & set(tags)
    assert "does not exist" in refusal(client.list_tags_for_resource, resourceArn=job["jobArn"] + "0")


def test_regions_do_not_see_each_other(batch: Batch, sandbox: SandboxUnderTest) -> None:
    """State belongs to the region of the caller's signature."""
    elsewhere = sandbox.client("batch", region="ap-southeast-2")
    job_id = batch.submit("true")
    assert elsewhere.describe_jobs(jobs=[job_id])["jobs"] == []
    assert elsewhere.describe_job_queues()["jobQueues"] == []
    assert elsewhere.describe_job_definitions()["jobDefinitions"] == []
    batch.wait(job_id)


SUBMIT = {"jobName": "j", "jobQueue": "main", "jobDefinition": "plain"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"jobName": "-x"}, "jobName"),
        ({"jobName": "x" * 129}, "jobName"),
        ({"jobName": None}, "jobName"),
        ({"jobQueue": "none"}, "none does not exist"),
        ({"jobDefinition": "none"}, "none does not exist"),
        ({"jobDefinition": "plain:99"}, "plain:99 does not exist"),
        ({"jobDefinition": "a:b:c"}, "expected NAME"),
        ({"timeout": {"attemptDurationSeconds": 59}}, "at least 60"),
        ({"tags": {str(number): "" for number in range(51)}}, "at most 50"),
        ({"parameters": {"long": "x" * 31_000}}, "longer than"),
        ({"containerOverrides": {"resourceRequirements": [{"type": "MEMORY", "value": "1"}]}}, "at least 4"),
        ({"containerOverrides": {"resourceRequirements": [{"type": "MEMORY", "value": "big"}]}}, "whole number"),
        ({"dependsOn": [{"type": "SEQUENTIAL"}]}, "dependsOn[0].type SEQUENTIAL needs an array job"),
        ({"dependsOn": [{}]}, "dependsOn[0].jobId is required"),
        ({"retryStrategy": {"evaluateOnExit": [{"action": "EXIT"}]}}, "attempts is required"),
        ({"retryStrategy": {"attempts": 2, "evaluateOnExit": [{"action": "exit"}]}}, "at least one of"),
        ({"retryStrategy": {"attempts": 2, "evaluateOnExit": [{"action": "STOP", "onReason": "*"}]}}, "not one of"),
        ({"nodeOverrides": {"numNodes": 2}}, "SubmitJob.nodeOverrides is not served"),
        ({"shareIdentifier": "x"}, "shareIdentifier should be absent: job queue main has no scheduling policy"),
        ({"schedulingPriorityOverride": 1}, "schedulingPriorityOverride should be absent"),
        ({"containerOverrides": {"resourceRequirements": [{"type": "GPU", "value": "1"}]}}, "'GPU' is not served"),
        ({"containerOverrides": {"instanceType": "m5.large"}}, "containerOverrides.instanceType is not served"),
    ],
)
def test_bad_submissions_are_refused(raw: Any, batch: Batch, change: dict[str, Any], words: str) -> None:
    """A wrong or unserved submission is a ClientException that names the field."""
    request = {name: value for name, value in {**SUBMIT, **change}.items() if value is not None}
    assert words in refusal(raw.submit_job, **request)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": None}, "image"),
        ({"resourceRequirements": None}, "memory and vcpus"),
        ({"resourceRequirements": SIZES[:1]}, "memory"),
        ({"resourceRequirements": SIZES[1:]}, "vcpus"),
        ({"resourceRequirements": [{"type": "VCPU", "value": "0.5"}]}, "whole number"),
        ({"secrets": [{"name": "a", "valueFrom": "b"}]}, "secrets is not served"),
        ({"volumes": [{"name": "v"}]}, "volumes is not served"),
        ({"mountPoints": [{"sourceVolume": "v"}]}, "mountPoints is not served"),
        ({"linuxParameters": {"maxSwap": 1}}, "linuxParameters.maxSwap is not served"),
        ({"privileged": True}, "privileged = True is not served"),
        ({"fargatePlatformConfiguration": {"platformVersion": "1"}}, "not applicable for EC2"),
        ({"ephemeralStorage": {"sizeInGiB": 21}}, "not applicable for EC2"),
        ({"logConfiguration": {"logDriver": "awslogs", "options": {"mode": "x"}}}, "options.mode is not served"),
    ],
)
def test_bad_containers_are_refused(raw: Any, change: dict[str, Any], words: str) -> None:
    """A definition whose container is wrong or not served is refused by name."""
    container = {name: value for name, value in {**CONTAINER, **change}.items() if value is not None}
    request = {"jobDefinitionName": "bad", "type": "container", "containerProperties": container}
    assert words in refusal(raw.register_job_definition, **request)


FARGATE = {"image": "i", "command": ["true"], "executionRoleArn": "arn:aws:iam::000000000000:role/x"}


@pytest.mark.parametrize(
    ("size", "change", "words"),
    [
        (("1", "1024"), {}, "Fargate resource requirements (1.00 vCPU, 1024 MiB) not valid"),
        (("3", "8192"), {}, "Fargate resource requirements (3.00 vCPU, 8192 MiB) not valid"),
        (("0.1", "512"), {}, "vcpus should be at least"),
        (("0.25", "512"), {"executionRoleArn": None}, "executionRoleArn is required for Fargate"),
        (("0.25", "512"), {"linuxParameters": {"sharedMemorySize": 64}}, "not applicable for Fargate"),
        (("0.25", "512"), {"ephemeralStorage": {"sizeInGiB": 20}}, "from 21 to 200"),
    ],
)
def test_fargate_has_sizes_and_fields_of_its_own(
    raw: Any, size: tuple[str, str], change: dict[str, Any], words: str
) -> None:
    """Pairs that are not offered, fields of EC2 and a missing execution role are refused at registration."""
    sizes = [{"type": kind, "value": value} for kind, value in zip(("VCPU", "MEMORY"), size, strict=True)]
    container = {**FARGATE, "resourceRequirements": sizes, **change}
    container = {name: value for name, value in container.items() if value is not None}
    request = {"jobDefinitionName": "bad", "type": "container", "containerProperties": container}
    assert words in refusal(raw.register_job_definition, **request, platformCapabilities=["FARGATE"])


def test_unserved_operations_and_kinds_are_named(raw: Any) -> None:
    """What the sandbox does not do, it says."""
    assert "operation ListSchedulingPolicies is not served" in refusal(raw.list_scheduling_policies)
    assert "type = 'multinode' is not served" in refusal(
        raw.register_job_definition, jobDefinitionName="n", type="multinode", nodeProperties={"numNodes": 1}
    )
    assert "'UNMANAGED' is not served" in refusal(
        raw.create_compute_environment, computeEnvironmentName="f", type="UNMANAGED"
    )
    assert "multiNodeJobId is not served" in refusal(raw.list_jobs, multiNodeJobId="x")
    assert "required" in refusal(raw.list_jobs)
    assert "not one of" in refusal(raw.list_jobs, jobQueue="main", jobStatus="DONE")
    assert "nextToken" in refusal(raw.list_jobs, jobQueue="main", nextToken="forged")


def ask(
    sandbox: SandboxUnderTest, headers: dict[str, str], path: str = "/v1/describejobs", body: str = "{}"
) -> tuple[int, Any]:
    """Send a request by hand."""
    port = sandbox.sandbox.status().record.batch_port  # type: ignore[union-attr]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/batch/aws4_request, SignedHeaders=host"}


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({}, 403, "Missing Authentication Token"),
        ({"Authorization": "Bearer x"}, 403, "credential scope"),
        ({**SIGNED, "Origin": "http://example.com"}, 403, "web pages"),
        ({**SIGNED, "Host": "example.com"}, 400, "Invalid host"),
        (SIGNED, 400, "jobs"),
    ],
)
def test_strangers_are_refused(sandbox: SandboxUnderTest, headers: dict[str, str], status: int, words: str) -> None:
    """Unsigned requests, web pages and foreign host names get nothing."""
    found, text = ask(sandbox, headers)
    assert found == status
    assert words in text


def test_bodies_that_are_no_object_are_refused(sandbox: SandboxUnderTest) -> None:
    """Anything but a JSON object is a 400."""
    assert ask(sandbox, SIGNED, body="[1]")[0] == 400
    assert ask(sandbox, SIGNED, body="{")[0] == 400
    assert "not served" in json.loads(ask(sandbox, SIGNED, path="/v1/fly")[1])["message"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"containerOverrides": {"command": "true"}}, "valid types: <class 'list'>"),
        ({"containerOverrides": "x"}, "valid types: <class 'dict'>"),
        ({"colour": "red"}, "SubmitJob.colour is not served"),
        ({"tags": {"a": 1}}, "valid types: <class 'str'>"),
    ],
)
def test_shapes_are_checked(sandbox: SandboxUnderTest, change: dict[str, Any], words: str) -> None:
    """A member of the wrong type, or one Batch does not have, is refused by name."""
    status, text = ask(sandbox, SIGNED, path="/v1/submitjob", body=json.dumps({**SUBMIT, **change}))
    assert status == 400
    assert words in text


def test_own_routes_need_the_token(sandbox: SandboxUnderTest) -> None:
    """The faults switch is closed to whoever cannot read the state folder."""
    assert ask(sandbox, {"X-Recloser-Token": "guess"}, path="/_recloser/faults")[0] == 403
    assert (sandbox.state_dir / "token").stat().st_mode & 0o777 == 0o600
    assert (sandbox.state_dir / "operator.json").stat().st_mode & 0o777 == 0o600


def test_operator_is_a_real_user_with_limits(sandbox: SandboxUnderTest) -> None:
    """The product's identity is the IAM user `recloser`, which begins with no rights."""
    sts, iam = sandbox.client("sts", "recloser"), sandbox.client("iam", "recloser")
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:user/recloser"
    with pytest.raises(ClientError, match="AccessDenied"):
        iam.create_user(UserName="more")


def test_batch_is_only_at_its_own_endpoint(sandbox: SandboxUnderTest) -> None:
    """A client that forgot the Batch endpoint gets an error, not a stub that succeeds."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    client = session.client("batch", endpoint_url=sandbox.admin["AWS_ENDPOINT_URL"])
    with pytest.raises(ClientError):
        client.describe_job_queues()
    client.close()

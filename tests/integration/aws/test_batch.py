"""The Batch gateway against the sandbox's Batch endpoint."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from recloser.aws import Account, NotFound, Rejected
from recloser.values import ContainerEdits, JobSpec

pytestmark = pytest.mark.sandbox


@pytest.fixture
def queue(sandbox: Any, name: str) -> Iterator[str]:
    """A queue whose jobs never start: what they need is more than any environment has."""
    batch = sandbox.client("batch", "admin")
    batch.create_compute_environment(
        computeEnvironmentName=name, type="MANAGED", computeResources={"type": "EC2", "maxvCpus": 1}
    )
    batch.create_job_queue(
        jobQueueName=name, priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": name}]
    )
    yield name
    for job in batch.list_jobs(jobQueue=name, filters=[{"name": "JOB_NAME", "values": ["*"]}])["jobSummaryList"]:
        batch.terminate_job(jobId=job["jobId"], reason="test is over")


@pytest.fixture
def definition(sandbox: Any, name: str) -> str:
    """A job definition of one container."""
    registered = sandbox.client("batch", "admin").register_job_definition(
        jobDefinitionName=name,
        type="container",
        parameters={"case": "ieee14"},
        timeout={"attemptDurationSeconds": 600},
        tags={"team": "grid"},
        containerProperties={
            "image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/nobody:none",
            "command": ["true"],
            "environment": [{"name": "CASE", "value": "Ref::case"}],
            "resourceRequirements": [{"type": "VCPU", "value": "64"}, {"type": "MEMORY", "value": "256"}],
        },
    )
    return str(registered["jobDefinitionArn"])


def spec_of(name: str, definition: str) -> JobSpec:
    """A submission with everything in it."""
    return JobSpec(
        name=name,
        queue=name,
        definition=definition,
        environment={"TOKEN": SecretStr("hunter22")},
        memory_mib=512,
        tags={"recloser:incident": "i1"},
    )


def test_a_job_is_submitted_found_described_and_terminated(account: Account, queue: str, definition: str) -> None:
    """The whole life of a job that never runs."""
    spec = spec_of(queue, definition)
    first = account.batch.submit(spec)
    second = account.batch.submit(spec)
    assert account.batch.find(queue, spec.name) == (first, second)
    assert account.batch.find(queue, spec.name[:-1]) == ()
    job = account.batch.describe([first, "00000000-0000-0000-0000-000000000000"])[first]
    assert (job.name, job.definition_arn, job.memory_mib, job.vcpus) == (spec.name, definition, 512, 64)
    assert job.environment["TOKEN"].get_secret_value() == "hunter22"
    assert not job.state.is_terminal
    account.batch.terminate(first, "no longer wanted")
    ended = account.batch.describe([first])[first]
    assert (ended.state, ended.status_reason, ended.is_terminated) == ("FAILED", "no longer wanted", True)


def test_a_sibling_has_the_same_content_but_its_image(sandbox: Any, account: Account, definition: str) -> None:
    """It can be found by name, and is gone once it is deregistered."""
    original = account.batch.definition(definition)
    sibling = account.batch.register_sibling(
        definition, name=f"{original.name}-pinned", edits=ContainerEdits(image="optimo:v0"), tags={"by": "recloser"}
    )
    assert account.batch.definition(sibling.name) == sibling
    assert sibling.tags == {"team": "grid", "by": "recloser"}
    batch = sandbox.client("batch", "admin")
    ours, theirs = batch.describe_job_definitions(jobDefinitions=[sibling.arn, definition])["jobDefinitions"]
    for field in ("parameters", "timeout", "type"):
        assert ours[field] == theirs[field]
    image = {"image": "optimo:v0"}
    assert {**ours["containerProperties"], **image} == {**theirs["containerProperties"], **image}
    account.batch.deregister(sibling.arn)
    with pytest.raises(NotFound, match="us-east-1"):
        account.batch.definition(sibling.name)
    with pytest.raises(NotFound, match="deregistered"):
        account.batch.definition(sibling.arn)


def test_what_is_wrong_with_a_submission_is_told(account: Account, queue: str, definition: str) -> None:
    """Batch's own words reach the person."""
    spec = spec_of(queue, definition)
    with pytest.raises(Rejected, match="nowhere"):
        account.batch.submit(spec.model_copy(update={"queue": "nowhere"}))
    with pytest.raises((Rejected, NotFound), match="nothing"):
        account.batch.submit(spec.model_copy(update={"definition": "nothing:1"}))


def test_a_queue_is_checked(sandbox: Any, account: Account, queue: str) -> None:
    """A healthy one is silent, a disabled one is told."""
    account.batch.check_queue(queue)
    sandbox.client("batch", "admin").update_job_queue(jobQueue=queue, state="DISABLED")
    with pytest.raises(Rejected, match="DISABLED"):
        account.batch.check_queue(queue)


def test_many_jobs_are_described(account: Account, queue: str, definition: str) -> None:
    """More ids than one call takes."""
    job_id = account.batch.submit(spec_of(queue, definition))
    assert list(account.batch.describe([*(f"unknown-{number}" for number in range(230)), job_id])) == [job_id]

"""What the sandbox says beyond what AWS documents, and what only the sandbox can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from recloser.sandbox import Sandbox
from tests.contract.conftest import refusal
from tests.sandbox_fixture import SandboxUnderTest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.conftest import Account

pytestmark = pytest.mark.sandbox
POLICY = "arn:aws:batch:us-east-1:000000000000:scheduling-policy/fair"


@pytest.fixture(autouse=True)
def _sandbox_only(account: Account, sandbox: SandboxUnderTest) -> Iterator[None]:
    """Leave real accounts alone, and no fault behind."""
    if account.queue != "contract":
        pytest.skip("only the sandbox is asked this")
    yield
    sandbox.sandbox.faults(clear=True)


def sized(*, vcpus: int = 1, memory: int = 64) -> dict[str, Any]:
    """Overrides that ask for a size."""
    sizes = [{"type": "VCPU", "value": str(vcpus)}, {"type": "MEMORY", "value": str(memory)}]
    return {"containerOverrides": {"resourceRequirements": sizes}}


def test_words_of_arrays_and_dependents(account: Account) -> None:
    """A failed child and a failed dependency are told apart."""
    first = account.run("exit $AWS_BATCH_JOB_ARRAY_INDEX", arrayProperties={"size": 2})
    assert first["statusReason"] == "Array Child Job failed"
    second = account.run(dependsOn=[{"jobId": first["jobId"]}], arrayProperties={"size": 2})
    assert second["statusReason"] == "Dependent Job failed"
    assert account.describe(f"{second['jobId']}:1")["statusReason"] == "Dependent Job failed"


def test_an_array_over_the_limit_of_overrides_fails_whole(account: Account) -> None:
    """Every child fails at dispatch, and the parent says why."""
    long = {"environment": [{"name": "LONG", "value": "x" * 8192}]}
    job = account.run(arrayProperties={"size": 2}, containerOverrides=long)
    assert job["statusReason"] == "Container Overrides length must be at most 8192"
    assert job["arrayProperties"]["statusSummary"]["FAILED"] == 2


def test_too_many_tags_to_propagate_fail_the_job(account: Account) -> None:
    """Fifty of the job and one of the definition are one too many for a task."""
    definition = account.define(tags={"one": "more"})
    tags = {f"tag-{number}": "" for number in range(50)}
    assert account.run(jobDefinition=definition, tags=tags)["status"] == "SUCCEEDED"
    job = account.run(jobDefinition=definition, tags=tags, propagateTags=True)
    assert (job["status"], "more than 50 tags" in job["statusReason"]) == ("FAILED", True)


def test_cancelling_an_array_spares_what_runs(account: Account) -> None:
    """Children that wait are cancelled; the parent ends with the last that ran, and says why."""
    parent = account.submit("sleep 900", arrayProperties={"size": 20})
    account.until(
        lambda: account.client.list_jobs(arrayJobId=parent)["jobSummaryList"], lambda running: len(running) == 16
    )
    account.client.cancel_job(jobId=parent, reason="too many")
    summary = account.describe(parent)["arrayProperties"]["statusSummary"]
    assert (summary["RUNNING"], summary["FAILED"]) == (16, 4)
    child = account.describe(f"{parent}:19")
    assert (child["statusReason"], child["isCancelled"], child["attempts"]) == ("too many", True, [])
    account.client.terminate_jobs(jobs=[f"{parent}:{index}" for index in range(16)], reason="now")
    job = account.wait(parent)
    assert (job["status"], job["statusReason"], job["isCancelled"]) == ("FAILED", "too many", True)


def test_lost_hosts_and_failed_starts_are_retried(account: Account, sandbox: SandboxUnderTest) -> None:
    """Each is an attempt; the next one may succeed."""
    sandbox.sandbox.faults(host_loss=1)
    lost = account.run("sleep 0.2", retryStrategy={"attempts": 2})
    assert (lost["status"], len(lost["attempts"])) == ("SUCCEEDED", 2)
    assert lost["attempts"][0]["statusReason"].startswith("Host EC2")
    definition = account.define(container={"image": "nowhere:1"})
    failed = account.run(jobDefinition=definition, retryStrategy={"attempts": 2})
    assert [attempt["statusReason"] for attempt in failed["attempts"]] == ["Task failed to start"] * 2


def test_time_limits_are_not_retried(account: Account, sandbox: SandboxUnderTest) -> None:
    """A timed-out job has had its attempt."""
    sandbox.sandbox.faults(time_scale=600)
    job = account.run("sleep 900", timeout={"attemptDurationSeconds": 60}, retryStrategy={"attempts": 3})
    assert (job["statusReason"], len(job["attempts"])) == ("Job attempt duration exceeded timeout", 1)


def test_a_blocker_is_cancelled_after_its_time(account: Account, sandbox: SandboxUnderTest) -> None:
    """What can never fit blocks its queue, says why, and goes when the queue's time limit is over."""
    sandbox.sandbox.faults(time_scale=6000)
    queue = account.new_queue()
    blocker = account.submit(jobQueue=queue, **sized(vcpus=17))
    behind = account.submit(jobQueue=queue)
    reason = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
    account.until(lambda: account.describe(blocker), lambda job: job.get("statusReason", "").startswith(reason))
    assert account.describe(behind)["status"] == "RUNNABLE"
    front = account.client.get_job_queue_snapshot(jobQueue=queue)["frontOfQueue"]["jobs"]
    assert [job["jobArn"].rsplit("/", 1)[-1] for job in front] == [blocker, behind]
    action = {"reason": reason, "state": "RUNNABLE", "action": "CANCEL", "maxTimeSeconds": 600}
    account.change_queue(queue, jobStateTimeLimitActions=[action])
    job = account.wait(blocker)
    assert job["statusReason"] == f"Canceled by JobStateTimeLimit action due to reason: {reason}"
    assert job["isCancelled"]
    assert account.wait(behind)["status"] == "SUCCEEDED"


def test_what_is_bigger_than_the_host_says_so(account: Account) -> None:
    """Memory is the host's."""
    queue = account.new_queue()
    big = account.submit(jobQueue=queue, **sized(memory=100_000_000))
    reason = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
    account.until(lambda: account.describe(big), lambda job: job.get("statusReason", "").startswith(reason))
    account.end(big)


def test_shares_are_kept_where_a_policy_is(account: Account) -> None:
    """A queue with a scheduling policy wants a share identifier, shows and lists by it, and keeps its policy."""
    queue = account.new_queue(schedulingPolicyArn=POLICY)
    good = {"jobName": "fair", "jobQueue": queue, "jobDefinition": account.definition}
    assert "required" in refusal(account.client.submit_job, **good)
    assert "letters" in refusal(account.client.submit_job, **good, shareIdentifier="a/b")
    assert "9999" in refusal(account.client.submit_job, **good, shareIdentifier="a", schedulingPriorityOverride=10_000)
    job = account.run(jobQueue=queue, shareIdentifier="red*", schedulingPriorityOverride=7)
    assert (job["shareIdentifier"], job["schedulingPriority"]) == ("red*", 7)
    account.run(jobQueue=queue, shareIdentifier="blue")
    filters = [{"name": "SHARE_IDENTIFIER", "values": ["red*"]}]
    (listed,) = account.client.list_jobs(jobQueue=queue, filters=filters)["jobSummaryList"]
    assert (listed["jobId"], listed["shareIdentifier"]) == (job["jobId"], "red*")
    assert account.client.list_jobs(jobQueue=queue, filters=filters, jobStatus="FAILED")["jobSummaryList"] == []
    assert "cannot be added" in refusal(
        account.client.update_job_queue, jobQueue=account.queue, schedulingPolicyArn=POLICY
    )


def test_an_environment_with_jobs_stays(account: Account) -> None:
    """Its queue may have left it, its jobs have not."""
    client = account.client
    arns = [
        client.create_compute_environment(
            computeEnvironmentName=name, type="MANAGED", computeResources={"type": "EC2", "maxvCpus": 1}
        )["computeEnvironmentArn"]
        for name in ("old", "new")
    ]
    queue = account.new_queue()
    for arn in arns:
        account.change_queue(queue, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": arn}])
        if arn == arns[0]:
            held = account.held(jobQueue=queue)
    client.update_compute_environment(computeEnvironment="old", state="DISABLED")
    assert "1 jobs run on it" in refusal(client.delete_compute_environment, computeEnvironment="old")
    account.end(held)
    account.until(lambda: client.delete_compute_environment(computeEnvironment="old"), lambda _: True)
    assert client.describe_compute_environments(computeEnvironments=["old"])["computeEnvironments"] == []


def test_ended_jobs_are_forgotten(account: Account, tmp_path: Path) -> None:
    """A sandbox that keeps nothing forgets a job when it has ended, and refuses to depend on it."""
    sandbox = SandboxUnderTest(Sandbox(tmp_path / "state", retention_s=0))
    sandbox.sandbox.up()
    try:
        client = sandbox.client("batch")
        client.create_compute_environment(
            computeEnvironmentName="c", type="MANAGED", computeResources={"type": "EC2", "maxvCpus": 1}
        )
        client.create_job_queue(
            jobQueueName="q", priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "c"}]
        )
        sizes = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
        container = {"image": "nowhere:1", "resourceRequirements": sizes}
        client.register_job_definition(jobDefinitionName="d", type="container", containerProperties=container)
        submit = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d"}
        job_id = client.submit_job(**submit, arrayProperties={"size": 2})["jobId"]
        account.until(lambda: client.describe_jobs(jobs=[job_id, f"{job_id}:0"])["jobs"], lambda jobs: jobs == [])
        assert "does not exist" in refusal(client.submit_job, **submit, dependsOn=[{"jobId": job_id}])
    finally:
        sandbox.close()
        sandbox.sandbox.down()

"""Jobs that do not move on, on the sandbox: examined like a failure, healed where that is declared, else left."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from recloser.values import Cause, JobState, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Optimo

pytestmark = pytest.mark.sandbox
IMPATIENT = "[watch]\nrunnable_s = 1\n"


@pytest.fixture
def batch(optimo: Optimo) -> Iterator[Any]:
    """Batch as the account's owner uses it; whatever still waits afterwards is ended."""
    client: Any = optimo.sandbox.client("batch")
    optimo.declare("[watch]\n", IMPATIENT)
    yield client
    for job in client.list_jobs(jobQueue="optimo", jobStatus="RUNNABLE")["jobSummaryList"]:
        client.terminate_job(jobId=job["jobId"], reason="the test is over")


def test_a_job_that_no_environment_can_place_is_made_to_fit(optimo: Optimo, batch: Any) -> None:
    """Batch says so, the compute environment's size says so; the stuck job is ended before the next is submitted."""
    most = batch.describe_compute_environments(computeEnvironments=["optimo"])["computeEnvironments"][0][
        "computeResources"
    ]["maxvCpus"]
    optimo.declare('definition = "optimo" ', f'vcpus = {most + 1}\ndefinition = "optimo" ')
    run = optimo.heal()
    assert (run.exit_code, run.incident.verdict) == (0, Verdict.HEALED)
    stuck, healed = run.incident.attempts
    assert (stuck.state, healed.state, healed.vcpus) == (JobState.RUNNABLE, JobState.SUCCEEDED, most)
    assert stuck.diagnosis is not None
    assert stuck.diagnosis.cause is Cause.RUNNABLE_RESOURCE_REQUIREMENT
    (job,) = batch.describe_jobs(jobs=[stuck.job_id])["jobs"]
    assert (job["status"], job["isTerminated"], job["statusReason"].split(":")[0]) == (
        "FAILED",
        True,
        "Replaced by recloser",
    )
    assert [change.remedy for change in run.incident.changes] == ["clamp_resources"]


def test_a_disabled_environment_is_explained_and_the_job_left(optimo: Optimo, batch: Any) -> None:
    """Disabled may be on purpose: nothing is changed, the job goes on waiting, and the report says where."""
    before = optimo.account()
    batch.update_compute_environment(computeEnvironment="optimo", state="DISABLED")
    try:
        run = optimo.heal()
    finally:
        batch.update_compute_environment(computeEnvironment="optimo", state="ENABLED")
    assert (run.exit_code, run.incident.verdict) == (1, Verdict.LOCKED_OUT)
    (attempt,) = run.incident.attempts
    assert attempt.diagnosis is not None
    assert (attempt.diagnosis.cause, attempt.diagnosis.subject) == (Cause.COMPUTE_ENV_INVALID, "optimo")
    assert f"Job {attempt.job_id} was left as it is." in run.incident.reason
    assert optimo.account() == before


def test_a_job_behind_another_waits_its_turn(optimo: Optimo, batch: Any) -> None:
    """However long that takes: only the head of a queue is examined."""
    too_many = [{"type": "VCPU", "value": "4000"}]
    blocker = batch.submit_job(
        jobName="blocker",
        jobQueue="optimo",
        jobDefinition="optimo",
        containerOverrides={"resourceRequirements": too_many},
    )["jobId"]
    timer = threading.Timer(6, batch.terminate_job, kwargs={"jobId": blocker, "reason": "make way"})
    timer.start()
    run = optimo.heal()
    timer.join()
    assert (run.exit_code, run.incident.verdict, len(run.incident.attempts)) == (0, Verdict.HEALTHY, 1)

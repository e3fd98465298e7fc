"""What a diagnosis asks of the sandbox, with the declared rights alone: its probes, and the last good run's log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from flows.cli import assemble
from recloser.diagnosis import NOVEL
from recloser.values import Cause, Diagnosis, Verdict
from tests.integration.healing.conftest import EXECUTION_ROLE, PULL, ROLE, policy, trust

if TYPE_CHECKING:
    from recloser.values import Incident
    from tests.integration.healing.conftest import Workshop

pytestmark = pytest.mark.sandbox


def diagnosis_of(incident: Incident) -> Diagnosis:
    """That of the first attempt."""
    found = incident.attempts[0].diagnosis
    assert found is not None
    return found


def said(diagnosis: Diagnosis) -> str:
    """What the probes said."""
    return "\n".join(line.text for line in diagnosis.evidence if line.source == "probe")


def test_an_error_line_that_every_run_has_does_not_decide(workshop: Workshop) -> None:
    """After a good run with the same line the failure is unknown; what is new in its log is shown, nothing granted."""
    workshop.define("complain")
    assert workshop.heal(iterations=1).verdict is Verdict.HEALTHY
    workshop.define("complain", environment=[{"name": "WOBBLE", "value": "1"}])
    incident = workshop.heal(iterations=3)
    found = diagnosis_of(incident)
    assert (found.cause, incident.verdict, incident.changes) == (Cause.UNKNOWN, Verdict.LOCKED_OUT, ())
    assert [line.text for line in found.evidence if line.source == NOVEL] == ["the frobnicator wobbled"]
    (out,) = [item for item in found.ruled_out if item.cause is Cause.S3_PERMISSION]
    assert "also stands in the log of the last good run" in out.why

    job_id = str(incident.attempts[0].job_id)  # without a recloser.toml the good run is looked for in the queue
    run = CliRunner().invoke(assemble("diagnose"), ["diagnose", job_id, "--format", "json"])
    assert run.exit_code == 0, run.output
    live = json.loads(run.stdout)
    assert live["cause"] == "unknown"
    assert {"source": NOVEL, "text": "the frobnicator wobbled"} in live["evidence"]


def test_the_first_failure_of_all_has_nothing_to_be_compared_with(workshop: Workshop) -> None:
    """The same line decides then, as nothing says that it is usual; an unknown failure names the gap."""
    workshop.define("complain", environment=[{"name": "WOBBLE", "value": "1"}])
    assert diagnosis_of(workshop.heal(iterations=1)).cause is Cause.S3_PERMISSION


def test_a_log_group_is_looked_for(workshop: Workshop) -> None:
    """With the rights of a target that declares no group."""
    group = f"/shop/{workshop.name}"
    workshop.define(logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": group}})
    found = diagnosis_of(workshop.heal(iterations=1))
    assert found.cause is Cause.LOGS_CONFIG
    assert f"there is no log group {group}" in said(found)


def test_the_signer_of_a_refused_call_is_named(workshop: Workshop) -> None:
    """The refusal names the job role, but not the resource: that is a gap, and nothing is granted."""
    workshop.client("iam").delete_role_policy(RoleName=ROLE, PolicyName="own")
    workshop.define("read", "s3://shop-data/in.csv")
    found = diagnosis_of(workshop.heal(iterations=1))
    assert found.cause is Cause.S3_PERMISSION
    assert f"the refused call was signed by role {ROLE}" in said(found)
    assert any("does not name the resource" in gap for gap in found.not_checked)


def test_rights_before_the_start_are_simulated(workshop: Workshop) -> None:
    """The execution role may not pull, and its own policies say so too."""
    iam = workshop.client("iam")
    iam.put_role_policy(RoleName=EXECUTION_ROLE, PolicyName="own", PolicyDocument=policy(PULL[0]))
    workshop.define(executionRoleArn=workshop.arn(EXECUTION_ROLE))
    found = diagnosis_of(workshop.heal(iterations=1))
    assert found.cause is Cause.IMAGE_PULL_PERMISSION
    assert f"simulated, the policies of {EXECUTION_ROLE} do not allow ecr:BatchGetImage" in said(found)


def test_a_trust_policy_is_read(workshop: Workshop) -> None:
    """It leaves ECS tasks out."""
    workshop.client("iam").update_assume_role_policy(RoleName=ROLE, PolicyDocument=trust("lambda.amazonaws.com"))
    workshop.define("read", "s3://shop-data/in.csv")
    found = diagnosis_of(workshop.heal(iterations=1))
    assert found.cause is Cause.IAM_ROLE_TRUST
    assert f"the trust policy of role {ROLE} does not name ecs-tasks" in said(found)


def test_what_the_gateways_cannot_ask_is_named(workshop: Workshop) -> None:
    """A lost host: EC2 knows why, and the command is given."""
    workshop.sandbox.sandbox.faults(host_loss=1)
    workshop.define()
    incident = workshop.heal(iterations=2, retry={"max": 2, "base_s": 0})
    found = diagnosis_of(incident)
    assert found.cause is Cause.SPOT_INTERRUPTION
    assert "no compute environment of the queue runs on Spot capacity" in said(found)
    assert any("aws ec2 describe-instances" in gap for gap in found.not_checked)


def test_what_a_killed_task_used_is_read_where_it_was_measured(workshop: Workshop) -> None:
    """Exit 137 and no reason: without a figure it is unknown, and with one near the limit memory ran out."""
    workshop.define(command=["sh", "-c", "exit 137"])
    incident = workshop.heal(iterations=1)
    assert diagnosis_of(incident).cause is Cause.UNKNOWN
    job_id = str(incident.attempts[0].job_id)
    (job,) = workshop.client("batch").describe_jobs(jobs=[job_id])["jobs"]
    cluster, task = job["attempts"][0]["container"]["taskArn"].split(":task/")[1].split("/")
    logs, group = workshop.client("logs"), f"/aws/ecs/containerinsights/{cluster}/performance"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="FargateTelemetry")
    measured = [
        {"Type": "Container", "TaskId": task, "MemoryUtilized": 999},
        {"Type": "Task", "TaskId": "another", "MemoryUtilized": 999},
        {"Type": "Task", "TaskId": task, "MemoryUtilized": 120},
        {"Type": "Task", "TaskId": task, "MemoryUtilized": 251},
    ]
    events = [{"timestamp": job["stoppedAt"], "message": json.dumps(one)} for one in measured]
    logs.put_log_events(logGroupName=group, logStreamName="FargateTelemetry", logEvents=events)
    run = CliRunner().invoke(assemble("diagnose"), ["diagnose", job_id, "--format", "json"])
    logs.delete_log_group(logGroupName=group)
    live = json.loads(run.stdout)
    assert (live["cause"], live["remedies"][0]) == ("oom", "raise_memory")
    assert "Container Insights saw the task use 251 of 256 MiB" in {line["text"] for line in live["evidence"]}

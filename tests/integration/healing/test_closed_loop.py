"""Each remedy on jobs that really fail of it, in the sandbox, with the rights `recloser policy` names and no others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from recloser.sandbox.batch.model import NotServedError
from recloser.sandbox.batch.mounts import check_shared_memory
from recloser.values import Cause, ChangeState, Incident, Verdict
from tests.integration.healing.conftest import ELSEWHERE, PULL, policy, trust

if TYPE_CHECKING:
    from tests.integration.healing.conftest import Workshop

pytestmark = pytest.mark.sandbox

DONE = ChangeState.VERIFIED


def remedies(incident: Incident) -> list[tuple[str, ChangeState]]:
    """Every change and what became of it."""
    return [(change.remedy, change.state) for change in incident.changes]


def causes(incident: Incident) -> list[Cause]:
    """What was diagnosed, attempt by attempt."""
    return [attempt.diagnosis.cause for attempt in incident.attempts if attempt.diagnosis]


def test_memory_on_fargate_grows_pair_by_pair(workshop: Workshop) -> None:
    """0.25 vCPU has no more than 2048 MiB; the pair is valid, or Batch would refuse it."""
    workshop.define("memory", "700", vcpus="0.25", memory_mib=512, fargate=True)
    incident = workshop.heal(on="shop-fargate", memory={"max_mib": 2048})
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("raise_memory", DONE)])
    assert [attempt.memory_mib for attempt in incident.attempts] == [512, 1024]


def test_a_pair_that_fargate_refuses_is_rounded_up(workshop: Workshop) -> None:
    """The refused submission is the first attempt."""
    workshop.define(vcpus="1", memory_mib=2048, fargate=True)
    incident = workshop.heal(on="shop-fargate", job={"memory_mib": 2500}, memory={"max_mib": 4096})
    assert causes(incident) == [Cause.FARGATE_RESOURCE_COMBO]
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("round_up_fargate", DONE)])
    assert [attempt.memory_mib for attempt in incident.attempts] == [2500, 3072]


def test_when_memory_may_not_grow_the_work_at_a_time_shrinks(workshop: Workshop) -> None:
    """The second lever: half the workers, and half again."""
    environment = [{"name": "WORKERS", "value": "8"}]
    workshop.define("workers", "50", memory_mib=160, environment=environment)
    incident = workshop.heal(parallelism={"variable": "WORKERS"})
    assert incident.verdict is Verdict.HEALED
    assert remedies(incident) == [("lower_parallelism", DONE), ("lower_parallelism", DONE)]


def test_a_job_that_gets_on_with_it_gets_more_time(workshop: Workshop) -> None:
    """It wrote to its log until the limit ended it."""
    workshop.sandbox.sandbox.faults(time_scale=60)
    workshop.define("iterate", "1.4", timeout_s=60)
    incident = workshop.heal(timeout={"max_s": 600, "factor": 4})
    assert causes(incident) == [Cause.TIMEOUT]
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("raise_timeout", DONE)])


def test_a_job_that_hangs_is_not_given_more(workshop: Workshop) -> None:
    """One attempt, no change, and a person is told."""
    workshop.sandbox.sandbox.faults(time_scale=8)
    workshop.define("hang", timeout_s=60)
    incident = workshop.heal(timeout={"max_s": 600})
    assert (incident.verdict, len(incident.attempts), incident.changes) == (Verdict.LOCKED_OUT, 1, ())
    assert "hangs" in incident.reason


def test_after_two_lost_hosts_the_declared_fallback_queue_is_taken(workshop: Workshop) -> None:
    """Spot to on-demand, once the same again has had its chance."""
    workshop.sandbox.sandbox.faults(host_loss=3)
    workshop.define()
    incident = workshop.heal(queue={"fallbacks": ["shop-spare"]}, retry={"max": 2, "base_s": 0})
    assert incident.verdict is Verdict.HEALED
    assert [change.remedy for change in incident.changes] == ["retry_same", "retry_same", "switch_queue"]


def test_without_capacity_in_its_region_the_job_moves_to_the_declared_one(workshop: Workshop) -> None:
    """The job that waited is ended before the other is submitted; what it did there is watched and read there."""
    workshop.sandbox.sandbox.faults(no_capacity_in="us-east-1")
    workshop.define("iterate", "0.2")
    workshop.define("iterate", "0.2", region=ELSEWHERE)
    regions = [{"name": "eu-central-1"}, {"name": ELSEWHERE, "queue": "shop-eu"}]
    incident = workshop.heal(watch={"runnable_s": 1}, regions=regions)
    assert causes(incident) == [Cause.RUNNABLE_CAPACITY]
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("switch_region", DONE)])
    waited, moved = incident.attempts
    assert (waited.region, moved.region) == (None, ELSEWHERE)
    assert "iteration 0" in moved.log_excerpt
    (left,) = workshop.client("batch").describe_jobs(jobs=[waited.job_id])["jobs"]
    assert (left["status"], left["isTerminated"]) == ("FAILED", True)
    (there,) = workshop.client("batch", ELSEWHERE).describe_jobs(jobs=[moved.job_id])["jobs"]
    assert (there["status"], there["jobQueue"].rsplit("/", 1)[-1]) == ("SUCCEEDED", "shop-eu")
    assert "+region = eu-west-1" in incident.changes[0].diff
    assert incident.patch is not None
    assert "AWS_DEFAULT_REGION" in incident.patch.by_hand[0]


def test_a_job_too_large_for_its_queue_is_made_to_fit(workshop: Workshop) -> None:
    """Sixty-four vCPUs where there are four: the queue's time limit ends the wait, the clamp the misfit."""
    workshop.sandbox.sandbox.faults(time_scale=1200)
    workshop.define(vcpus="64")
    incident = workshop.heal(memory={"max_mib": 1024})
    assert causes(incident) == [Cause.RUNNABLE_RESOURCE_REQUIREMENT]
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("clamp_resources", DONE)])
    assert "VCPU to 4 (was 64)" in incident.changes[0].summary


def test_shared_memory_grows_until_the_array_fits(workshop: Workshop) -> None:
    """A mount of the attempt's own, through a sibling definition for each step; the original is untouched."""
    parameters: dict[str, Any] = {"sharedMemorySize": 4}
    try:
        check_shared_memory({"linuxParameters": parameters})
    except NotServedError as error:
        pytest.skip(str(error))
    workshop.define("shm", "10", linuxParameters=parameters)
    incident = workshop.heal(shared_memory={"max_mib": 64})
    assert causes(incident) == [Cause.SHM_TOO_SMALL, Cause.SHM_TOO_SMALL]
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("set_shared_memory", DONE)] * 2)
    batch = workshop.client("batch")
    (original,) = batch.describe_job_definitions(jobDefinitionName=workshop.name, status="ACTIVE")["jobDefinitions"]
    assert original["containerProperties"]["linuxParameters"] == parameters


def test_what_did_not_help_leaves_nothing_behind(workshop: Workshop) -> None:
    """Step by step up to the cap, then every sibling is deregistered and a person is told."""
    parameters: dict[str, Any] = {"sharedMemorySize": 2}
    try:
        check_shared_memory({"linuxParameters": parameters})
    except NotServedError as error:
        pytest.skip(str(error))
    workshop.define("shm", "50", linuxParameters=parameters)
    incident = workshop.heal(shared_memory={"max_mib": 8})
    assert incident.verdict is Verdict.LOCKED_OUT
    assert remedies(incident) == [("set_shared_memory", ChangeState.REVERTED)] * 2
    active = workshop.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    assert [one["jobDefinitionName"] for one in active if incident.incident_id in one["jobDefinitionName"]] == []


def test_a_missing_log_group_is_created_and_read_from(workshop: Workshop) -> None:
    """The group the definition names, with its retention; the job's lines are found in it."""
    group = f"/shop/{workshop.name}"
    workshop.define("iterate", "0.2", logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": group}})
    incident = workshop.heal(logs={"groups": [group], "create_group": True, "retention_days": 7})
    assert causes(incident) == [Cause.LOGS_CONFIG]
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("create_log_group", DONE)])
    assert "iteration 0" in incident.attempts[-1].log_excerpt
    (found,) = workshop.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["retentionInDays"] == 7


def test_log_options_are_moved_to_the_declared_group(workshop: Workshop) -> None:
    """A group that is not the target's is not created; the declared one is used."""
    group = f"/shop/{workshop.name}"
    workshop.client("logs").create_log_group(logGroupName=group)
    workshop.define("iterate", "0.2", logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": "/typo"}})
    incident = workshop.heal(logs={"groups": [group], "create_group": True, "fix_options": True})
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("fix_log_options", DONE)])
    assert "iteration 0" in incident.attempts[-1].log_excerpt


def test_static_keys_that_shadow_the_role_are_taken_out(workshop: Workshop) -> None:
    """The job's calls are signed by its role again; no key is shown anywhere."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI-not-a-real-key"}
    environment = [{"name": name, "value": value} for name, value in keys.items()]
    workshop.define("read", "s3://shop-data/in.csv", environment=environment)
    incident = workshop.heal(definition={"unset_static_keys": True})
    assert causes(incident) == [Cause.CREDENTIALS_MISSING]
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("unset_static_keys", DONE)])
    assert "wJalrXUtnFEMI" not in incident.model_dump_json()


def test_ecs_tasks_are_let_into_the_job_role_again(workshop: Workshop) -> None:
    """One statement more; who was trusted before still is."""
    workshop.client("iam").update_assume_role_policy(RoleName="shop-job", PolicyDocument=trust("lambda.amazonaws.com"))
    workshop.define("read", "s3://shop-data/in.csv")
    incident = workshop.heal(trust={"repair": True})
    assert causes(incident) == [Cause.IAM_ROLE_TRUST]
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("fix_trust", DONE)])
    document = workshop.client("iam").get_role(RoleName="shop-job")["Role"]["AssumeRolePolicyDocument"]
    assert "lambda.amazonaws.com" in json.dumps(document)


def test_the_execution_role_is_granted_the_pull_that_was_refused(workshop: Workshop) -> None:
    """The exact action on the exact repository, one refusal at a time; the job role is not touched."""
    iam = workshop.client("iam")
    iam.put_role_policy(RoleName="shop-execution", PolicyName="own", PolicyDocument=policy(PULL[0]))
    workshop.define(executionRoleArn=workshop.arn("shop-execution"))
    pulls = {
        "actions": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        "resources": ["arn:aws:ecr:*:*:repository/shop/*"],
    }
    incident = workshop.heal(permissions={"execution": pulls, "settle_s": 0})
    assert set(causes(incident)) == {Cause.IMAGE_PULL_PERMISSION}
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("grant_permission", DONE)] * 2)
    assert [name for name in iam.list_role_policies(RoleName="shop-job")["PolicyNames"] if name != "own"] == []


def test_a_pull_outside_the_boundary_is_proposed_and_not_granted(workshop: Workshop) -> None:
    """The exact policy is left for a person; nothing in the account has moved."""
    iam = workshop.client("iam")
    iam.put_role_policy(RoleName="shop-execution", PolicyName="own", PolicyDocument=policy(PULL[0]))
    workshop.define(executionRoleArn=workshop.arn("shop-execution"))
    incident = workshop.heal()
    assert (incident.verdict, len(incident.attempts)) == (Verdict.LOCKED_OUT, 1)
    proposed = [("grant_permission", ChangeState.DECLINED), ("fix_repository_policy", ChangeState.DECLINED)]
    assert remedies(incident) == proposed
    assert "ecr:BatchGetImage" in incident.changes[0].diff
    assert iam.list_role_policies(RoleName="shop-execution")["PolicyNames"] == ["own"]


def test_the_command_of_the_last_good_run_is_restored(workshop: Workshop) -> None:
    """A revision with a misspelt program, after a good run."""
    workshop.define()
    assert workshop.heal(definition={"restore_command": True}).verdict is Verdict.HEALTHY
    workshop.define(command=["pyhton", "-m", "work"])
    incident = workshop.heal(definition={"restore_command": True})
    assert causes(incident) == [Cause.ENTRYPOINT_OR_COMMAND]
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("restore_command", DONE)])


@pytest.mark.parametrize(
    "job",
    [{"name": "nightly: case 14"}, {"name": "n" * 120}, {"array_size": 1}],
    ids=["characters", "length", "array of one"],
)
def test_a_submission_that_batch_refuses_for_its_form_is_repaired(workshop: Workshop, job: dict[str, Any]) -> None:
    """Refused, repaired, accepted: two attempts."""
    workshop.define("array")
    incident = workshop.heal(job=job, request={"repair": True})
    assert causes(incident) == [Cause.INVALID_REQUEST]
    assert incident.attempts[0].refused
    assert (incident.verdict, remedies(incident)) == (Verdict.HEALED, [("repair_request", DONE)])


def test_nothing_is_repaired_without_leave(workshop: Workshop) -> None:
    """Every table that is not declared is a refusal with Batch's own words."""
    workshop.define()
    incident = workshop.heal(job={"name": "nightly: case 14"})
    assert (incident.verdict, incident.changes) == (Verdict.LOCKED_OUT, ())
    assert "jobName" in incident.reason

"""Many jobs through the gateway: a page a call, and every submission as it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from recloser.aws import BatchGateway, FleetGateway, MalformedAnswer

if TYPE_CHECKING:
    from tests.unit.aws.wire import Wire

ARN = "arn:aws:batch:us-east-1:000000000000:job-definition/optimo:3"
DEFINITION = {
    "jobDefinitionArn": ARN,
    "jobDefinitionName": "optimo",
    "revision": 3,
    "type": "container",
    "status": "ACTIVE",
    "parameters": {"case": "14"},
    "containerProperties": {
        "image": "optimo:1",
        "command": ["run", "Ref::case"],
        "environment": [{"name": "MODE", "value": "a"}, {"name": "SECRET", "value": "hunter22"}],
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "256"}],
        "volumes": [],
    },
    "tags": {"aws:cloudformation": "x", "team": "grid"},
}


def a_job(**facts: Any) -> dict[str, Any]:
    """A job submitted with one value of its own of each kind."""
    container = {
        "command": ["run", "Ref::case", "--part\n7"],
        "environment": [
            {"name": "MODE", "value": "b"},
            {"name": "SECRET", "value": "hunter22"},
            {"name": "PART", "value": "7"},
            {"name": "AWS_BATCH_JOB_ID", "value": "x"},
        ],
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
    }
    usual = {"jobId": "j", "jobName": "theirs", "jobQueue": "arn:queue", "jobDefinition": ARN, "status": "FAILED"}
    own = {"parameters": {"case": "118"}, "timeout": {"attemptDurationSeconds": 90}}
    return {**usual, "container": container, **own, **facts}


def test_a_submission_is_repeated_in_what_differs_from_its_definition(wire: Wire) -> None:
    """Word for word, line ends included; never a variable that only Batch may set."""
    wire.answer({"jobs": [a_job()]})
    wire.answer({"jobDefinitions": [DEFINITION]})
    spec = FleetGateway(wire.client("batch")).specs(["j"])["j"]
    assert (spec.queue, spec.definition, spec.timeout_s) == ("arn:queue", ARN, 90)
    assert spec.command == ("run", "Ref::case", "--part\n7")
    assert spec.parameters == {"case": "118"}
    assert (spec.memory_mib, spec.vcpus, spec.array_size) == (512, None, None)
    assert {name: value.get_secret_value() for name, value in spec.environment.items()} == {"MODE": "b", "PART": "7"}


def test_what_is_as_the_definition_says_is_not_sent(wire: Wire) -> None:
    """A later revision of the definition may change it."""
    same = DEFINITION["containerProperties"]
    wire.answer({"jobs": [a_job(container=same, parameters={"case": "14"}, timeout=None, arrayProperties={"size": 9})]})
    wire.answer({"jobDefinitions": [DEFINITION]})
    spec = FleetGateway(wire.client("batch")).specs(["j"])["j"]
    assert (spec.command, dict(spec.parameters), spec.timeout_s, dict(spec.environment)) == (None, {}, None, {})
    assert spec.array_size == 9


RULES = [{"onStatusReason": "Host EC2*", "action": "retry"}, {"onReason": "*", "action": "exit"}]


def test_how_often_and_for_whom_it_is_tried_is_repeated(wire: Wire) -> None:
    """Retry strategy, share and priority as they were; of its dependencies only the order within an array."""
    waited = [{"jobId": "gone", "type": "N_TO_N"}, {"type": "SEQUENTIAL"}]
    fair = {"shareIdentifier": "team1", "schedulingPriority": 7}
    strategy = {"attempts": 3, "evaluateOnExit": RULES}
    wire.answer({"jobs": [a_job(retryStrategy=strategy, dependsOn=waited, arrayProperties={"size": 4}, **fair)]})
    wire.answer({"jobDefinitions": [DEFINITION]})
    wire.answer({"jobId": "again"})
    gateway = FleetGateway(wire.client("batch"))
    BatchGateway(wire.client("batch"), wire.client("batch"), region="us-east-1").submit(gateway.specs(["j"])["j"])
    sent = wire.requests[-1].json
    assert sent["retryStrategy"] == {
        "attempts": 3,
        "evaluateOnExit": [{**rule, "action": str(rule["action"]).upper()} for rule in RULES],
    }
    assert (sent["shareIdentifier"], sent["schedulingPriorityOverride"]) == ("team1", 7)
    assert sent["dependsOn"] == [{"type": "SEQUENTIAL"}]


@pytest.mark.parametrize("strategy", [{}, {"attempts": 1, "evaluateOnExit": []}, {"attempts": 1}])
def test_a_single_attempt_is_no_strategy_of_its_own(wire: Wire, strategy: dict[str, Any]) -> None:
    """A later revision of the definition may bring one; what had run waits for no other job again."""
    wire.answer({"jobs": [a_job(retryStrategy=strategy, dependsOn=[{"jobId": "parent"}])]})
    wire.answer({"jobDefinitions": [DEFINITION]})
    spec = FleetGateway(wire.client("batch")).specs(["j"])["j"]
    assert (spec.retry, spec.share, spec.priority, spec.is_sequential) == (None, None, None, False)


def test_a_hundred_jobs_are_one_call(wire: Wire) -> None:
    """Two hundred and fifty are three, and one for their definitions."""
    wire.answer({"jobs": []})
    FleetGateway(wire.client("batch")).specs(f"j{n}" for n in range(250))
    assert [len(request.json["jobs"]) for request in wire.requests] == [100, 100, 50]


def test_failed_jobs_are_those_of_the_time_that_is_asked_for(wire: Wire) -> None:
    """Oldest first, over all pages; arrays are one job."""
    late, early = 1_700_000_200_000, 1_700_000_100_000
    wire.answer({"jobSummaryList": [{"jobId": "late", "jobName": "n", "stoppedAt": late}], "nextToken": "t"})
    wire.answer(
        {
            "jobSummaryList": [
                {"jobId": "array", "jobName": "n", "stoppedAt": early, "arrayProperties": {"size": 4}},
                {"jobId": "old", "jobName": "n", "stoppedAt": 1},
            ]
        }
    )
    since = datetime.fromtimestamp(1_700_000_000, UTC)
    found = FleetGateway(wire.client("batch")).failed("q", since=since)
    assert [(job.job_id, job.array_size) for job in found] == [("array", 4), ("late", None)]
    assert {request.json["jobStatus"] for request in wire.requests} == {"FAILED"}


def test_children_come_by_index_and_names_with_all_their_jobs(wire: Wire) -> None:
    """Ten after nine; a name that is there twice has both, the older first."""
    wire.answer({"jobSummaryList": [{"jobId": "p:10", "jobName": "n"}, {"jobId": "p:9", "jobName": "n"}]})
    assert FleetGateway(wire.client("batch")).failed_children("p") == ("p:9", "p:10")
    wire.answers.clear()
    twice = [{"jobId": "b", "jobName": "x-j1", "createdAt": 2}, {"jobId": "a", "jobName": "x-j1", "createdAt": 1}]
    wire.answer({"jobSummaryList": twice})
    assert FleetGateway(wire.client("batch")).named("q", "x-j") == {"x-j1": ("a", "b")}


def test_nonsense_is_one_error_of_ours(wire: Wire) -> None:
    """Not a KeyError."""
    wire.answer({"jobs": [{"jobDefinition": ARN}]})
    wire.answer({"jobDefinitions": []})
    with pytest.raises(MalformedAnswer):
        FleetGateway(wire.client("batch")).specs(["j"])


def test_a_blueprint_is_what_can_be_registered_without_a_value_of_the_environment(wire: Wire) -> None:
    """Placeholders for values, no empty fields, none of AWS's own tags."""
    wire.answer({"jobDefinitions": [DEFINITION]})
    batch = BatchGateway(wire.client("batch"), wire.client("batch"), region="us-east-1")
    text = batch.blueprint("optimo")
    assert "hunter22" not in text
    document = json.loads(text)
    assert document["containerProperties"]["environment"] == [
        {"name": "MODE", "value": "${MODE}"},
        {"name": "SECRET", "value": "${SECRET}"},
    ]
    assert (document["revision"], document["tags"]) == (3, {"team": "grid"})
    assert "volumes" not in document["containerProperties"]


def test_the_latest_success_of_a_definition_is_found_on_one_page(wire: Wire) -> None:
    """Of any revision, and of no other definition."""
    one = {"jobId": "old", "jobDefinition": ARN, "stoppedAt": 1}
    newer = {"jobId": "new", "jobDefinition": ARN.replace(":3", ":4"), "stoppedAt": 2}
    other = {"jobId": "other", "jobDefinition": ARN.replace("optimo", "optimo2"), "stoppedAt": 3}
    wire.answer({"jobSummaryList": [one, newer, other], "nextToken": "more"})
    wire.answer({"jobSummaryList": []})
    fleet = FleetGateway(wire.client("batch"))
    assert [fleet.newest_success("optimo", ARN) for _ in range(2)] == ["new", None]
    assert wire.requests[0].json["jobStatus"] == "SUCCEEDED"

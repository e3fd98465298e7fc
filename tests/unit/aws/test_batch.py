"""Batch through the gateway: what goes over the wire, and what is made of the answers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from recloser.aws import BatchGateway, MalformedAnswer, NotFound, Rejected
from recloser.values import ContainerEdits, JobSpec, JobState
from tests.unit.aws.wire import Wire

JOB = {
    "jobId": "j1",
    "jobName": "optimo-a1",
    "jobQueue": "arn:aws:batch:us-east-1:000000000000:job-queue/q",
    "jobDefinition": "arn:aws:batch:us-east-1:000000000000:job-definition/optimo:3",
    "status": "FAILED",
    "statusReason": "Essential container in task exited\x1b[2J",
    "createdAt": 1_700_000_000_000,
    "startedAt": 1_700_000_001_000,
    "stoppedAt": 1_700_000_002_500,
    "attempts": [
        {
            "container": {"exitCode": 137, "reason": "OutOfMemoryError: Container killed", "logStreamName": "s/1"},
            "startedAt": 1_700_000_001_000,
            "stoppedAt": 1_700_000_002_500,
            "statusReason": "Essential container in task exited",
        }
    ],
    "container": {
        "image": "optimo:v1",
        "jobRoleArn": "arn:aws:iam::000000000000:role/optimo-job",
        "environment": [{"name": "TOKEN", "value": "hunter22"}],
        "resourceRequirements": [{"type": "VCPU", "value": "0.5"}, {"type": "MEMORY", "value": "256"}],
        "logStreamName": "s/1",
    },
    "isTerminated": False,
    "aFieldOfTheFuture": {},
}
DEFINITION = {
    "jobDefinitionName": "optimo",
    "jobDefinitionArn": "arn:aws:batch:us-east-1:000000000000:job-definition/optimo:3",
    "revision": 3,
    "status": "ACTIVE",
    "type": "container",
    "containerOrchestrationType": "ECS",
    "parameters": {"case": "ieee14"},
    "retryStrategy": {"attempts": 1},
    "timeout": {"attemptDurationSeconds": 600},
    "tags": {"team": "grid", "aws:cloudformation:stack-name": "x"},
    "containerProperties": {
        "image": "optimo:v1",
        "command": ["solve"],
        "environment": [{"name": "CASE", "value": "ieee14"}],
        "memory": 512,
        "vcpus": 1,
    },
}


@pytest.fixture
def batch(wire: Wire) -> BatchGateway:
    """The gateway on the wire."""
    return BatchGateway(wire.client("batch"), wire.client("batch"), region="us-east-1")


def test_a_submission_carries_what_the_spec_says_and_no_more(wire: Wire, batch: BatchGateway) -> None:
    """Sizes are text, secrets are unwrapped, and what is not given is left to the definition."""
    wire.answer({"jobId": "j1", "jobName": "optimo-a1"})
    spec = JobSpec(name="optimo-a1", queue="q", definition="optimo:3")
    assert batch.submit(spec) == "j1"
    batch.submit(
        spec.model_copy(
            update={
                "environment": {"TOKEN": SecretStr("hunter22")},
                "memory_mib": 512,
                "vcpus": 1.0,
                "tags": {"a": "b"},
            }
        )
    )
    plain, full = (request.json for request in wire.requests)
    assert plain["containerOverrides"] == {}
    assert full == {
        "jobName": "optimo-a1",
        "jobQueue": "q",
        "jobDefinition": "optimo:3",
        "containerOverrides": {
            "environment": [{"name": "TOKEN", "value": "hunter22"}],
            "resourceRequirements": [{"type": "MEMORY", "value": "512"}, {"type": "VCPU", "value": "1"}],
        },
        "tags": {"a": "b"},
    }


def test_overrides_beyond_the_limit_are_refused_before_they_are_sent(wire: Wire, batch: BatchGateway) -> None:
    """Batch would accept them and fail the job at dispatch; the message names the limit, not the value."""
    spec = JobSpec(name="j", queue="q", definition="d", environment={"A": SecretStr("x" * 8150)})
    wire.answer({"jobId": "j1"})
    with pytest.raises(Rejected, match=r"at most 8192") as caught:
        batch.submit(spec.model_copy(update={"environment": {"A": SecretStr("x" * 8160)}}))
    assert "xxx" not in str(caught.value)
    assert wire.requests == []
    batch.submit(spec)


def test_a_job_is_read_with_all_that_batch_says(wire: Wire, batch: BatchGateway) -> None:
    """Times are UTC, texts are clean, the environment does not print itself."""
    wire.answer({"jobs": [JOB]})
    job = batch.describe(["j1"])["j1"]
    assert job.state is JobState.FAILED
    assert job.status_reason == "Essential container in task exited"
    assert (job.memory_mib, job.vcpus) == (256, 0.5)
    assert job.stopped_at == datetime(2023, 11, 14, 22, 13, 22, 500_000, tzinfo=UTC)
    assert job.environment["TOKEN"].get_secret_value() == "hunter22"
    assert "hunter22" not in repr(job)
    last = job.last_attempt
    assert (last.number, last.exit_code, last.container_reason, last.log_stream) == (
        1,
        137,
        "OutOfMemoryError: Container killed",
        "s/1",
    )


def test_a_job_without_optional_fields_is_read(wire: Wire, batch: BatchGateway) -> None:
    """Just after SubmitJob there is little to see."""
    bare = {name: JOB[name] for name in ("jobId", "jobName", "jobQueue", "jobDefinition")} | {"status": "SUBMITTED"}
    wire.answer({"jobs": [bare, {**bare, "jobId": "j2", "container": {"memory": 128, "vcpus": 2}}]})
    jobs = batch.describe(["j1", "j2"])
    assert jobs["j1"].memory_mib is None
    assert jobs["j1"].attempts == ()
    assert (jobs["j2"].memory_mib, jobs["j2"].vcpus) == (128, 2.0)


def test_an_end_without_recorded_attempts_keeps_the_container_s_reason(wire: Wire, batch: BatchGateway) -> None:
    """A start failure may be told on the job only; the last attempt still has it."""
    reason = "CannotPullContainerError: no such image"
    wire.answer({"jobs": [{**JOB, "attempts": [], "container": {"reason": reason}}]})
    job = batch.describe(["j1"])["j1"]
    assert job.last_attempt.container_reason == reason
    assert job.last_attempt.status_reason == job.status_reason


def test_many_jobs_are_described_a_hundred_at_a_time(wire: Wire, batch: BatchGateway) -> None:
    """Ids are asked once each; those Batch does not know are absent."""
    wire.answer({"jobs": []})
    wire.answer({"jobs": [JOB]})
    wire.answer({"jobs": []})
    assert list(batch.describe([*(f"j{number}" for number in range(250)), "j1"])) == ["j1"]
    assert [len(request.json["jobs"]) for request in wire.requests] == [100, 100, 50]


def test_nothing_is_asked_about_no_jobs(wire: Wire, batch: BatchGateway) -> None:
    """DescribeJobs without ids is an error at AWS."""
    assert batch.describe([]) == {}
    assert wire.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        {"jobs": [{**JOB, "status": "DANCING"}]},
        {"jobs": [{name: value for name, value in JOB.items() if name != "jobId"}]},
        {"jobs": [{**JOB, "startedAt": 10**18}]},
        {"jobs": [{**JOB, "container": {"resourceRequirements": [{"type": "MEMORY", "value": "much"}]}}]},
        {"jobs": [{**JOB, "attempts": "none"}]},
        {"jobs": "none"},
        {"jobs": [7]},
        {},
        [],
        "<html>It works!</html>",
        b"\xff\xfe",
        "",
    ],
)
def test_nonsense_is_a_typed_error(wire: Wire, batch: BatchGateway, answer: object) -> None:
    """An endpoint that answers something else than Batch's API is named, not trusted and no traceback."""
    wire.answer(answer)
    with pytest.raises(MalformedAnswer, match="malformed answer to batch DescribeJobs") as caught:
        batch.describe(["j1"])
    assert (caught.value.service, caught.value.operation) == ("batch", "DescribeJobs")


def test_jobs_are_found_by_their_exact_name_oldest_first(wire: Wire, batch: BatchGateway) -> None:
    """AWS's filter ignores case and pages; the name is compared again here."""
    page: list[dict[str, Any]] = [
        {"jobId": "new", "jobName": "optimo-a1", "createdAt": 30},
        {"jobId": "other", "jobName": "OPTIMO-A1", "createdAt": 20},
    ]
    wire.answer({"jobSummaryList": page, "nextToken": "more"})
    wire.answer({"jobSummaryList": [{"jobId": "old", "jobName": "optimo-a1", "createdAt": 10}]})
    assert batch.find("q", "optimo-a1") == ("old", "new")
    assert wire.requests[0].json == {"jobQueue": "q", "filters": [{"name": "JOB_NAME", "values": ["optimo-a1"]}]}
    assert wire.requests[1].json["nextToken"] == "more"


def test_termination_says_why_within_batch_s_limit(wire: Wire, batch: BatchGateway) -> None:
    """A long reason is cut, not refused."""
    wire.answer({})
    batch.terminate("j1", "r" * 2000)
    assert wire.requests[0].json == {"jobId": "j1", "reason": "r" * 1024}


@pytest.mark.parametrize("name", ["optimo", "arn:aws:batch:us-east-1:000000000000:job-definition/optimo"])
def test_a_bare_name_means_the_latest_active_revision(wire: Wire, batch: BatchGateway, name: str) -> None:
    """All pages are looked at, and revisions are compared as numbers."""
    wire.answer({"jobDefinitions": [{**DEFINITION, "revision": 9}], "nextToken": "more"})
    wire.answer({"jobDefinitions": [{**DEFINITION, "revision": 10}, DEFINITION]})
    definition = batch.definition(name)
    assert (definition.revision, definition.memory_mib, definition.vcpus) == (10, 512, 1.0)
    assert wire.requests[0].json == {"jobDefinitionName": "optimo", "status": "ACTIVE"}


@pytest.mark.parametrize("name", ["optimo:3", DEFINITION["jobDefinitionArn"]])
def test_a_revision_is_asked_for_by_itself(wire: Wire, batch: BatchGateway, name: str) -> None:
    """`name:revision` and ARNs go as they are."""
    wire.answer({"jobDefinitions": [DEFINITION]})
    assert batch.definition(name).arn == DEFINITION["jobDefinitionArn"]
    assert wire.requests[0].json == {"jobDefinitions": [name]}


def test_a_missing_definition_is_named_with_its_region(wire: Wire, batch: BatchGateway) -> None:
    """The wrong region is the usual reason."""
    wire.answer({"jobDefinitions": []})
    with pytest.raises(NotFound, match="no active job definition 'optimo' in us-east-1: is the region right"):
        batch.definition("optimo")
    wire.answers.clear()
    wire.answer({"jobDefinitions": [{**DEFINITION, "status": "INACTIVE"}]})
    with pytest.raises(NotFound, match="'optimo:3' in us-east-1: it is deregistered"):
        batch.definition("optimo:3")


def test_a_definition_that_is_not_of_one_container_is_refused(wire: Wire, batch: BatchGateway) -> None:
    """Multi-node and EKS jobs are not half understood."""
    wire.answer({"jobDefinitions": [{**DEFINITION, "containerProperties": None, "eksProperties": {}}]})
    with pytest.raises(Rejected, match="not of one container"):
        batch.definition("optimo:3")


def test_a_sibling_differs_in_its_image_only(wire: Wire, batch: BatchGateway) -> None:
    """All other content is copied; AWS's own tags cannot be set and are left out."""
    arn = "arn:aws:batch:us-east-1:000000000000:job-definition/optimo-pinned:1"
    wire.answer({"jobDefinitions": [{**DEFINITION, "status": "INACTIVE"}]})
    wire.answer({"jobDefinitionName": "optimo-pinned", "jobDefinitionArn": arn, "revision": 1})
    sibling = batch.register_sibling(
        "optimo:3", name="optimo-pinned", edits=ContainerEdits(image="optimo:v0"), tags={"by": "recloser"}
    )
    assert (sibling.arn, sibling.image, sibling.memory_mib) == (arn, "optimo:v0", 512)
    same = {name: DEFINITION[name] for name in ("type", "parameters", "retryStrategy", "timeout")}
    assert wire.requests[1].json == {
        **same,
        "jobDefinitionName": "optimo-pinned",
        "containerProperties": {**DEFINITION["containerProperties"], "image": "optimo:v0"},  # type: ignore[dict-item]
        "tags": {"team": "grid", "by": "recloser"},
    }


def test_deregistering_names_the_revision(wire: Wire, batch: BatchGateway) -> None:
    """One revision is deregistered, not a name."""
    wire.answer({})
    batch.deregister("optimo:3")
    assert wire.requests[0].json == {"jobDefinition": "optimo:3"}


def test_a_queue_that_takes_jobs_is_no_news(wire: Wire, batch: BatchGateway) -> None:
    """Checking a healthy queue says nothing."""
    wire.answer({"jobQueues": [{"jobQueueName": "q", "state": "ENABLED", "status": "VALID"}]})
    batch.check_queue("q")


@pytest.mark.parametrize(
    ("queues", "error", "message"),
    [
        ([], NotFound, "no job queue 'q' in us-east-1"),
        ([{"state": "DISABLED", "status": "VALID"}], Rejected, "DISABLED, VALID"),
        ([{"state": "ENABLED", "status": "INVALID"}], Rejected, "ENABLED, INVALID"),
    ],
)
def test_a_queue_that_takes_no_jobs_is_told_before_submission(
    wire: Wire, batch: BatchGateway, queues: list[dict[str, str]], error: type[Exception], message: str
) -> None:
    """A job in such a queue would wait for ever."""
    wire.answer({"jobQueues": queues})
    with pytest.raises(error, match=message):
        batch.check_queue("q")

"""Hundreds of jobs that failed together, on jobs that really run: one incident a cause, one change, every job once."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from recloser.aws import BatchGateway
from recloser.healing.permissions import operator_policy
from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import load_target
from recloser.values import ChangeState, Incident, JobState, Verdict
from tests.e2e.conftest import EXAMPLE, _environment
from tests.e2e.healer import fork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sandbox_fixture import SandboxUnderTest

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(600)]

REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
JOB = """
if [ -z "$GREETING" ]; then echo "environment variable GREETING is not set" >&2; exit 1; fi
if [ "$PART" = bad ]; then echo "ValueError: part $PART is no number" >&2; exit 3; fi
echo "part $PART index ${AWS_BATCH_JOB_ARRAY_INDEX:-$OWN_INDEX}" >> "$RUNS"
"""
DECLARATION = """
name = "crew"
job = { queue = "crew", definition = "crew", role = "crew-job" }
watch = { poll_s = 0.2, list_lag_s = 0.5 }
catalogue = { GREETING = { value = "hello" } }
[prices]
vcpu_hour_usd = 0.04
gib_hour_usd = 0.004
source = "made up for the test"
as_of = 2026-05-01
"""


class Crew:
    """A queue, a definition, and many jobs of it."""

    def __init__(self, sandbox: SandboxUnderTest, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.runs = folder / "runs"
        (folder / "recloser.toml").write_text(DECLARATION)
        self.batch: Any = sandbox.client("batch")

    def provision(self) -> None:
        """As its administrator."""
        iam = self.sandbox.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName="crew-job", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        policy = operator_policy(load_target(self.folder))
        iam.put_user_policy(UserName="recloser", PolicyName="crew", PolicyDocument=policy)
        self.sandbox.sandbox.build(EXAMPLE, repository="crew", tag="1")
        resources = {"type": "EC2", "maxvCpus": 64, "minvCpus": 0, "instanceTypes": ["optimal"], "subnets": ["s"]}
        resources |= {"securityGroupIds": ["sg-1"], "instanceRole": "ecsInstanceRole"}
        self.batch.create_compute_environment(
            computeEnvironmentName="crew", type="MANAGED", state="ENABLED", computeResources=resources
        )
        order = [{"order": 1, "computeEnvironment": "crew"}]
        self.batch.create_job_queue(jobQueueName="crew", state="ENABLED", priority=1, computeEnvironmentOrder=order)
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
        self.batch.register_job_definition(
            jobDefinitionName="crew",
            type="container",
            containerProperties={
                "image": f"{REGISTRY}/crew:1",
                "command": ["sh", "-c", JOB],
                "jobRoleArn": role,
                "environment": [{"name": "RUNS", "value": str(self.runs)}],
                "resourceRequirements": needs,
            },
        )

    def submit(self, part: str, *, size: int | None = None, **environment: str) -> str:
        """One failing job, or an array of them."""
        pairs = [{"name": name, "value": value} for name, value in {"PART": part, **environment}.items()]
        array = {"arrayProperties": {"size": size}} if size else {}
        overrides = {"environment": pairs}
        made = self.batch.submit_job(
            jobName=f"crew-{part}", jobQueue="crew", jobDefinition="crew", containerOverrides=overrides, **array
        )
        return str(made["jobId"])

    def until_ended(self, ids: list[str]) -> None:
        """Wait for all of them."""
        waiting = list(ids)
        deadline = time.monotonic() + 240
        while waiting:
            assert time.monotonic() < deadline, f"{len(waiting)} jobs have not ended"
            known = self.batch.describe_jobs(jobs=waiting[:100])["jobs"]
            ended = {job["jobId"] for job in known if job["status"] in {"SUCCEEDED", "FAILED"}}
            waiting = [job_id for job_id in waiting if job_id not in ended]
            if not ended:
                time.sleep(0.2)

    def heal(self, *options: str, stdin: str | None = None) -> tuple[int, list[Incident]]:
        """Run `recloser heal` in this process."""
        from flows.cli import assemble  # noqa: PLC0415 - the environment must be set before

        words = ["heal", str(self.folder), "--format", "json", *options]
        result = CliRunner().invoke(assemble("heal"), words, input=stdin)
        if not result.stdout.startswith("["):
            raise AssertionError(f"exit {result.exit_code}: {result.output}") from result.exception
        return result.exit_code, [Incident.model_validate(one) for one in json.loads(result.stdout)]

    def named(self, pattern: str) -> list[dict[str, Any]]:
        """Every job of the queue of such a name, in whatever state."""
        pages = self.batch.get_paginator("list_jobs")
        filters = [{"name": "JOB_NAME", "values": [pattern]}]
        return [job for page in pages.paginate(jobQueue="crew", filters=filters) for job in page["jobSummaryList"]]

    def ran(self) -> Counter[str]:
        """Which parts have done their work, and how often."""
        return Counter(self.runs.read_text().splitlines()) if self.runs.exists() else Counter()


@pytest.fixture(scope="module")
def provisioned(sandbox: SandboxUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """The account, set up once."""
    crew = Crew(sandbox, tmp_path_factory.mktemp("crew"))
    crew.provision()
    yield crew
    sandbox.client("iam").delete_user_policy(UserName="recloser", PolicyName="crew")


@pytest.fixture
def crew(provisioned: Crew, prefect_api: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crew:
    """A clean store and no work done."""
    _environment({**provisioned.sandbox.operator, "RECLOSER_HOME": str(tmp_path / "home")}, monkeypatch)
    provisioned.runs.unlink(missing_ok=True)
    return provisioned


def test_five_hundred_jobs_of_one_cause_are_one_incident(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    """One diagnosis, one change, 500 jobs resubmitted once each; a second cause is an incident of its own."""
    ids = [crew.submit(str(part)) for part in range(500)]
    ids += [crew.submit("bad", GREETING="hi") for _ in range(5)]
    crew.until_ended(ids)
    describes: list[int] = []
    describe = BatchGateway.describe

    def counted(gateway: BatchGateway, job_ids: Any) -> Any:
        wanted = list(job_ids)
        describes.append(len(wanted))
        return describe(gateway, wanted)

    monkeypatch.setattr(BatchGateway, "describe", counted)
    exit_code, incidents = crew.heal("--failed-on", "crew", "--since", "1h")
    assert exit_code == 1
    large, small = incidents
    assert (large.verdict, small.verdict) == (Verdict.HEALED, Verdict.LOCKED_OUT), [i.reason for i in incidents]
    assert [change.remedy for change in large.changes] == ["set_environment"]
    assert small.changes == ()
    assert large.fleet is not None
    assert small.fleet is not None
    assert (len(large.fleet.jobs), large.fleet.count(JobState.SUCCEEDED)) == (500, 500)
    assert len(small.fleet.jobs) == 5
    assert len([attempt for attempt in large.attempts if attempt.diagnosis]) == 1
    assert crew.ran() == {f"part {part} index ": 1 for part in range(500)}
    assert large.money is not None
    assert large.money.refused_retries == 3 * 500
    # A page of a hundred a look; a describe for each job would be hundreds.
    assert len(describes) < 150

    again, others = crew.heal("--failed-on", "crew", "--since", "1h")
    assert [len(other.fleet.jobs) for other in others if other.fleet] == [5]
    assert again == 1
    assert sum(crew.ran().values()) == 500


def test_a_fleet_killed_again_and_again_is_resubmitted_once(crew: Crew, tmp_path: Path) -> None:
    """`kill -9` with ever more of forty jobs on their way, then the same again: one change, each job once."""
    ids = [crew.submit(f"k{part}") for part in range(40)]
    crew.until_ended(ids)
    said, kept, before = tmp_path / "said", dict(os.environ), len(crew.named("crew-*"))
    for submitted in (1, 10, 30):
        healer = fork(crew.folder, kept, said, ",".join(ids))
        while healer.is_alive() and len(crew.named("crew-*")) < before + submitted:
            time.sleep(0.02)
        healer.kill()
        healer.join()
    healer = fork(crew.folder, kept, said, ",".join(ids))
    healer.join(120)
    assert healer.exitcode == 0, said.read_text()[-3000:]
    with Store.open(load_settings().database_url) as store:
        (incident,) = store.incidents()
    assert incident.verdict is Verdict.HEALED, incident.reason
    assert [change.remedy for change in incident.changes if change.state is ChangeState.VERIFIED] == ["set_environment"]
    assert crew.ran() == {f"part k{part} index ": 1 for part in range(40)}
    assert len(crew.named(f"crew-{incident.incident_id}-*")) == 40


def test_the_failed_children_of_an_array_are_resubmitted_alone_where_they_can_be(crew: Crew) -> None:
    """With a variable for the index each failed child runs by itself; without one the whole array does."""
    array = crew.submit("a", size=4)
    crew.until_ended([array])
    exit_code, (incident,) = crew.heal("--jobs", "-", stdin=f"{array}  # the whole array\n")
    assert (exit_code, incident.verdict) == (0, Verdict.HEALED), incident.reason
    assert incident.fleet is not None
    assert [job.whole_array for job in incident.fleet.jobs] == [True]
    assert crew.ran() == {f"part a index {index}": 1 for index in range(4)}

    declaration = crew.folder / "recloser.toml"
    declaration.write_text(DECLARATION + '[fleet]\nindex_variable = "OWN_INDEX"\n')
    array = crew.submit("b", size=4)
    crew.until_ended([array])
    exit_code, (incident,) = crew.heal("--jobs", "-", stdin=f"{array}:1\n{array}:3\n")
    declaration.write_text(DECLARATION)
    assert (exit_code, incident.verdict) == (0, Verdict.HEALED), incident.reason
    assert incident.fleet is not None
    assert [(job.source_id, job.index) for job in incident.fleet.jobs] == [(array, 1), (array, 3)]
    assert {line for line in crew.ran() if "part b" in line} == {"part b index 1", "part b index 3"}


def test_nothing_to_heal_is_said(crew: Crew) -> None:
    """No failed job: exit 0, an empty list."""
    assert crew.heal("--failed-on", "crew", "--since", "1s") == (0, [])

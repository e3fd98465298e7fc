"""The example job on the sandbox, healthy before each test, and `recloser heal` as a person runs it."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from recloser import processes
from recloser.faults import Fault, find_fault, inject
from recloser.store import Store
from recloser.target import load_target
from recloser.values import ChangeState, Incident
from tests.e2e.line import ACCOUNT, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.sandbox_fixture import SandboxUnderTest

EXAMPLE = Path(__file__).parents[2] / "examples" / "optimo"
AWS_VARIABLES = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")


@dataclass
class Run:
    """What one `recloser heal` did."""

    exit_code: int
    stdout: str
    stderr: str
    incident: Incident

    @property
    def remedies(self) -> list[tuple[str, ChangeState]]:
        """Remedy and final state of every change."""
        return [(change.remedy, change.state) for change in self.incident.changes]


class Optimo:
    """The example target in a sandbox."""

    def __init__(self, sandbox: Any, folder: Path, home: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.home = home

    def inject(self, *names: str) -> None:
        """Break it."""
        for name in names:
            self.break_with(find_fault(load_target(self.folder), name))

    def break_with(self, fault: Fault) -> None:
        """Break it in a way that it does not declare."""
        inject(fault, load_target(self.folder), self.sandbox.sandbox)

    def declare(self, find: str, replace: str) -> None:
        """Change its declaration."""
        file = self.folder / "recloser.toml"
        text = file.read_text()
        assert find in text
        file.write_text(text.replace(find, replace))

    def heal(self, *options: str) -> Run:
        """Run `recloser heal` in this process; standard output is its JSON."""
        from flows.cli import assemble  # noqa: PLC0415 - the environment must be set before

        result = CliRunner().invoke(assemble(), ["heal", str(self.folder), "--format", "json", *options])
        if result.exit_code not in {0, 1} or not result.stdout.startswith("{"):
            raise AssertionError(f"exit {result.exit_code}: {result.output}") from result.exception
        return Run(
            exit_code=result.exit_code,
            stdout=result.stdout,
            stderr=result.stderr,
            incident=Incident.model_validate_json(result.stdout),
        )

    def log(self, job_id: str) -> str:
        """All a job has written."""
        (job,) = self.sandbox.client("batch").describe_jobs(jobs=[job_id])["jobs"]
        stream = job["container"]["logStreamName"]
        events = self.sandbox.client("logs").get_log_events(
            logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True
        )["events"]
        return "\n".join(event["message"] for event in events)

    def running_job(self) -> str | None:
        """Id of a job that runs, if there is one."""
        running = self.sandbox.client("batch").list_jobs(jobQueue="optimo", jobStatus="RUNNING")["jobSummaryList"]
        return running[0]["jobId"] if running else None

    def incidents(self) -> tuple[Incident, ...]:
        """What was written down, newest first."""
        with Store.open(f"sqlite:///{self.home / 'recloser.db'}") as store:
            return store.incidents()

    def jobs(self) -> set[str]:
        """Ids of all jobs of the queue."""
        pages = self.sandbox.client("batch").list_jobs(
            jobQueue="optimo", filters=[{"name": "JOB_NAME", "values": ["*"]}]
        )
        return {job["jobId"] for job in pages["jobSummaryList"]}

    def account(self) -> Mapping[str, Any]:
        """Everything a heal could change in the account."""
        iam, batch, s3 = (self.sandbox.client(name) for name in ("iam", "batch", "s3"))
        policies = iam.list_role_policies(RoleName="optimo-job")["PolicyNames"]
        listed = s3.list_objects_v2(Bucket="optimo-data").get("Contents", [])
        return {
            "policies": {
                name: iam.get_role_policy(RoleName="optimo-job", PolicyName=name)["PolicyDocument"] for name in policies
            },
            "definitions": sorted(
                one["jobDefinitionArn"] for one in batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
            ),
            "objects": {one["Key"]: one["ETag"] for one in listed if not one["Key"].startswith("outputs/")},
            "images": self.sandbox.client("ecr").list_images(repositoryName="optimo")["imageIds"],
        }


def _environment(variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in AWS_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def provision(sandbox: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], None]:
    """Bring the account to the example's healthy state: first by the command of its README, then by the same code."""
    from recloser.healing.permissions import operator_policy  # noqa: PLC0415

    policy = tmp_path_factory.mktemp("policy") / "operator.json"
    policy.write_text(operator_policy(load_target(EXAMPLE)))
    command = [sys.executable, str(EXAMPLE / "infra" / "provision.py"), "--operator-policy", str(policy)]

    environment = {"PATH": "/usr/bin:/bin", **sandbox.admin}
    subprocess.run([*command, "--operator-user", "recloser"], env=environment, check=True, capture_output=True)

    # Most tests begin with it: no second interpreter, and no client made anew, for each of them.
    script = runpy.run_path(str(EXAMPLE / "infra" / "provision.py"))
    options = script["options"](["--operator-policy", str(policy), "--operator-user", "recloser"])
    session = SimpleNamespace(client=sandbox.client, region_name="us-east-1")
    return partial(script["provision"], options, session)


def _publish(sandbox: Any) -> None:
    for tag in ("1.4.1", "1.4.2"):
        sandbox.sandbox.build(EXAMPLE, repository="optimo", tag=tag)


@pytest.fixture(scope="session")
def images(sandbox: Any, provision: Callable[[], None]) -> None:
    """The example's two releases in the registry."""
    _publish(sandbox)


@pytest.fixture
def optimo(  # noqa: PLR0917 - each fixture is needed
    sandbox: Any,
    provision: Callable[[], None],
    images: None,
    prefect_api: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Optimo]:
    """The example, healthy, in a folder of its own; what a test broke is mended for the next."""
    folder = tmp_path / "optimo"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    home = tmp_path / "home"
    _environment({**sandbox.operator, "RECLOSER_HOME": str(home)}, monkeypatch)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    monkeypatch.setenv("RECLOSER_SANDBOX_DIR", str(sandbox.state_dir))
    provision()
    yield Optimo(sandbox, folder, home)
    _publish(sandbox)
    sandbox.sandbox.faults(host_loss=0)


def report_of(home: Path, incident: Incident) -> tuple[str, dict[str, Any]]:
    """The incident as it lies on disk."""
    folder = home / "incidents" / incident.incident_id
    return (folder / "incident.md").read_text(), json.loads((folder / "incident.json").read_text())


@pytest.fixture(scope="session")
def line(sandbox: SandboxUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """The faulty job, and the environment of whoever heals it."""
    yield from _line(sandbox, tmp_path_factory.mktemp("kill"), "kill")


@pytest.fixture
def own_line(sandbox: SandboxUnderTest, tmp_path: Path) -> Iterator[Line]:
    """The same for one test alone."""
    yield from _line(sandbox, tmp_path, f"own-{uuid.uuid4().hex[:8]}")


def _line(sandbox: SandboxUnderTest, folder: Path, name: str) -> Iterator[Line]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PREFECT_"))}
    line = Line(sandbox, folder, kept | sandbox.operator, name)
    line.provision()
    yield line
    sandbox.client("iam").delete_user_policy(UserName="recloser", PolicyName=name)


@contextmanager
def event_queue(sandbox: SandboxUnderTest, name: str) -> Iterator[str]:
    """The URL of a queue that a rule, known to the sandbox, fills with Batch's events; both are gone afterwards."""
    sqs, events = sandbox.client("sqs"), sandbox.client("events")
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    send = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**send, "Resource": arn}]})
    url = str(sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"])
    # Enabled last: a rule that the sandbox comes to know before its target would be known without it.
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.batch"]}), State="DISABLED")
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    events.enable_rule(Name=name)
    try:
        assert _knows(sandbox, rules=1)
        yield url
    finally:
        events.remove_targets(Rule=name, Ids=["queue"])
        events.delete_rule(Name=name)
        sqs.delete_queue(QueueUrl=url)
        assert _knows(sandbox, rules=0)


def _knows(sandbox: SandboxUnderTest, *, rules: int) -> bool:
    """Whether the sandbox, which looks for rules every other second, has come to know so many."""
    return processes.wait_until(lambda: sandbox.sandbox.status().events["rules"] == rules, 30)

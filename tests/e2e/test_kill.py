"""`kill -9` at random moments, then the same command again, on jobs that really run.

The job appends a line to a file each time it runs, so that a job that was submitted twice shows.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from recloser.healing.permissions import operator_policy
from recloser.store import Store
from recloser.target import load_target
from recloser.values import ChangeState, Incident, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sandbox_fixture import SandboxUnderTest

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(600)]

HEALER = Path(__file__).parent / "healer.py"
RECLOSER = Path(sys.executable).parent / "recloser"
KILLS = 50
LIMIT_S = 60
CHANGES = ["pin_image", "set_environment", "raise_memory"]
ACCOUNT = "000000000000"
REGISTRY = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"

JOB = """
import os, sys
import boto3
with open(os.environ["RUNS"], "a") as runs:
    runs.write(os.environ["AWS_BATCH_JOB_ID"] + "\\n")
if "GREETING" not in os.environ:
    sys.exit("environment variable GREETING is not set")
s3 = boto3.client("s3")
try:
    body = s3.get_object(Bucket="kill-data", Key="in/a.csv")["Body"].read()
except Exception as error:
    sys.exit(f"cannot read s3://kill-data/in/a.csv: {error}")
ballast = bytearray(160 << 20)
for page in range(0, len(ballast), 4096):
    ballast[page] = 1
s3.put_object(Bucket="kill-data", Key="out/a.csv", Body=body)
"""
DECLARATION = """
name = "kill"
job = { queue = "kill", definition = "kill", role = "kill-job" }
watch = { poll_s = 0.05, list_lag_s = 0.5 }
image = { repository = "kill", last_good = "good" }
catalogue = { GREETING = { value = "hello" } }
outputs = [{ uri = "s3://kill-data/out/a.csv" }]
inputs = [{ uri = "s3://kill-data/in/a.csv" }]
[guardrails]
memory = { max_mib = 1024 }
permissions = { actions = ["s3:GetObject"], resources = ["arn:aws:s3:::kill-data/in/*"], settle_s = 0 }
image = { pin = true }
"""


class Line:
    """A job with four faults, one behind the other, in an account of its own."""

    def __init__(self, sandbox: SandboxUnderTest, folder: Path, environment: dict[str, str]) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.runs = folder / "runs"
        self.said = folder / "said"
        self.environment = environment | {"RECLOSER_HOME": str(folder / "home")}
        self.target = folder / "target"
        self.target.mkdir()
        (self.target / "recloser.toml").write_text(DECLARATION)

    def provision(self) -> None:
        """Queue, definition, role, bucket, image and the operator's rights."""
        iam, s3, batch = (self.sandbox.client(name) for name in ("iam", "s3", "batch"))
        s3.create_bucket(Bucket="kill-data")
        s3.put_object(Bucket="kill-data", Key="in/a.csv", Body=b"x\n1\n")
        trust = _policy(Principal={"Service": "ecs-tasks.amazonaws.com"}, Action="sts:AssumeRole")
        role = iam.create_role(RoleName="kill-job", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        write = _policy(Action="s3:PutObject", Resource="arn:aws:s3:::kill-data/out/*")
        iam.put_role_policy(RoleName="kill-job", PolicyName="own", PolicyDocument=write)
        policy = operator_policy(load_target(self.target))
        iam.put_user_policy(UserName="recloser", PolicyName="kill", PolicyDocument=policy)
        self.sandbox.sandbox.build(self.target, repository="kill", tag="good")
        resources = {"type": "EC2", "maxvCpus": 4, "minvCpus": 0, "instanceTypes": ["optimal"], "subnets": ["subnet-1"]}
        resources |= {"securityGroupIds": ["sg-1"], "instanceRole": "ecsInstanceRole"}
        batch.create_compute_environment(
            computeEnvironmentName="kill", type="MANAGED", state="ENABLED", computeResources=resources
        )
        order = [{"order": 1, "computeEnvironment": "kill"}]
        batch.create_job_queue(jobQueueName="kill", state="ENABLED", priority=1, computeEnvironmentOrder=order)
        self._register(role)

    def _register(self, role: str) -> None:
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "192"}]
        self.sandbox.client("batch").register_job_definition(
            jobDefinitionName="kill",
            type="container",
            containerProperties={
                "image": f"{REGISTRY}/kill:gone",
                "command": ["python", "-c", JOB],
                "jobRoleArn": role,
                "environment": [{"name": "RUNS", "value": str(self.runs)}],
                "resourceRequirements": needs,
            },
        )

    def command(self, *words: str) -> subprocess.Popen[bytes]:
        """Begin a heal."""
        with self.said.open("ab") as said:
            return subprocess.Popen(
                words, env=self.environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )

    def incidents(self) -> tuple[Incident, ...]:
        """All that was written down, oldest first."""
        with Store.open(f"sqlite:///{self.folder / 'home' / 'recloser.db'}") as store:
            return store.incidents(limit=1000)[::-1]

    def reset(self) -> None:
        """Take away what the last incident's healing left in force."""
        iam = self.sandbox.client("iam")
        for name in iam.list_role_policies(RoleName="kill-job")["PolicyNames"]:
            if name.startswith("recloser-"):
                iam.delete_role_policy(RoleName="kill-job", PolicyName=name)

    def assert_sound(self) -> None:
        """Every incident healed by one right change an attempt, each job ran at most once, nothing is left over."""
        for incident in self.incidents():
            assert incident.verdict is Verdict.HEALED, incident.reason
            live = [change.remedy for change in incident.changes if change.state is ChangeState.VERIFIED]
            # The grant of an incident that was killed after its end is still there for the next.
            assert [remedy for remedy in live if remedy != "grant_permission"] == CHANGES
            assert len(incident.attempts) == len(live) + 1
            others = {change.state for change in incident.changes} - {ChangeState.VERIFIED}
            assert others <= {ChangeState.UNDONE}
        jobs = self._jobs()
        assert max(Counter(job["jobName"] for job in jobs).values()) == 1
        assert len(jobs) == sum(len(incident.attempts) for incident in self.incidents())
        ran = Counter(self.runs.read_text().split())
        assert max(ran.values()) == 1
        definitions = self.sandbox.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        siblings = [one for one in definitions if one["jobDefinitionName"].startswith("kill-recloser-")]
        assert len(siblings) == len(self.incidents())
        assert {one["revision"] for one in siblings} == {1}

    def _jobs(self) -> list[dict[str, Any]]:
        pages = self.sandbox.client("batch").get_paginator("list_jobs")
        filters = [{"name": "JOB_NAME", "values": ["kill-*"]}]
        return [job for page in pages.paginate(jobQueue="kill", filters=filters) for job in page["jobSummaryList"]]


def _policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


@pytest.fixture(scope="module")
def line(sandbox: SandboxUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """The faulty job, and the environment of whoever heals it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PREFECT_"))}
    line = Line(sandbox, tmp_path_factory.mktemp("kill"), kept | sandbox.operator)
    line.provision()
    yield line
    sandbox.client("iam").delete_user_policy(UserName="recloser", PolicyName="kill")


def test_killed_at_fifty_random_moments_it_resumes(line: Line) -> None:
    """No job twice, no change twice, nothing half-applied left, and every incident ends healed."""
    chance = random.Random(20261121)  # noqa: S311 - a seed makes a failure repeatable
    words = (sys.executable, str(HEALER), str(line.target))
    killed = 0
    while killed < KILLS:
        healer = line.command(*words)
        try:
            healer.wait(chance.uniform(0.9, 2.8))
        except subprocess.TimeoutExpired:
            healer.kill()
            healer.wait()
            killed += 1
        else:
            assert healer.returncode == 0
            line.reset()
    last = line.command(*words)
    assert last.wait(LIMIT_S) == 0
    line.reset()
    line.assert_sound()


def test_the_command_and_its_prefect_server_can_be_killed(line: Line, tmp_path: Path) -> None:
    """Killed while watching, with and without its server; the next command resumes and sweeps what was left."""
    line.environment["PREFECT_HOME"] = str(tmp_path / "prefect")
    before = len(line.incidents()) if (line.folder / "home" / "recloser.db").exists() else 0
    servers: list[psutil.Process] = []
    for attempts, with_server in ((1, False), (3, True)):
        heal = line.command(str(RECLOSER), "heal", str(line.target))
        _until(lambda attempts=attempts: _attempts(line, before) >= attempts, line.said)
        server = _server_of(heal)
        heal.kill()
        heal.wait()
        if with_server:
            server.send_signal(signal.SIGKILL)
        servers.append(server)
    last = line.command(str(RECLOSER), "heal", str(line.target))
    assert last.wait(LIMIT_S * 2) == 0
    assert [server for server in servers if _is_running(server)] == []
    assert len(line.incidents()) == before + 1
    line.reset()
    line.assert_sound()


def _attempts(line: Line, before: int) -> int:
    if not (line.folder / "home" / "recloser.db").exists():
        return 0
    incidents = line.incidents()
    return len(incidents[-1].attempts) if len(incidents) > before else 0


def _server_of(heal: subprocess.Popen[bytes]) -> psutil.Process:
    children = psutil.Process(heal.pid).children()
    return next(child for child in children if "prefect.server" in " ".join(child.cmdline()))


def _is_running(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _until(happened: Callable[[], bool], said: Path) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not happened():
        assert time.monotonic() < deadline, said.read_text()[-3000:]
        time.sleep(0.02)

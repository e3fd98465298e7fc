"""A quick job with four faults, one behind the other, on the sandbox: for tests that heal it many times.

The job appends a line to a file each time it runs, so that a job that was submitted twice shows.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

from recloser.healing.permissions import operator_policy
from recloser.store import Store
from recloser.target import load_target
from recloser.values import ChangeState, Incident, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sandbox_fixture import SandboxUnderTest

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
s3, bucket = boto3.client("s3"), os.environ["BUCKET"]
try:
    body = s3.get_object(Bucket=bucket, Key="in/a.csv")["Body"].read()
except Exception as error:
    sys.exit(f"cannot read s3://{bucket}/in/a.csv: {error}")
ballast = bytearray(160 << 20)
for page in range(0, len(ballast), 4096):
    ballast[page] = 1
s3.put_object(Bucket=bucket, Key="out/a.csv", Body=body)
"""
DECLARATION = """
name = "NAME"
job = { queue = "NAME", definition = "NAME", role = "NAME-job" }
watch = { poll_s = 0.05, list_lag_s = 0.5 }
image = { repository = "NAME", last_good = "good" }
catalogue = { GREETING = { value = "hello" } }
outputs = [{ uri = "s3://NAME-data/out/a.csv" }]
inputs = [{ uri = "s3://NAME-data/in/a.csv" }]
[guardrails]
memory = { max_mib = 1024 }
permissions = { actions = ["s3:GetObject"], resources = ["arn:aws:s3:::NAME-data/in/*"], settle_s = 0 }
image = { pin = true }
"""


class Line:
    """A job with four faults, one behind the other; everything it uses is named after it."""

    def __init__(self, sandbox: SandboxUnderTest, folder: Path, environment: dict[str, str], name: str) -> None:
        self.sandbox = sandbox
        self.name = name
        self.folder = folder
        self.runs = folder / "runs"
        self.said = folder / "said"
        self.environment = environment | {"RECLOSER_HOME": str(folder / "home")}
        self.target = folder / "target"
        self.target.mkdir()
        (self.target / "recloser.toml").write_text(DECLARATION.replace("NAME", name))

    def provision(self) -> None:
        """Queue, definition, role, bucket, image and the operator's rights."""
        iam, s3, batch = (self.sandbox.client(name) for name in ("iam", "s3", "batch"))
        s3.create_bucket(Bucket=f"{self.name}-data")
        s3.put_object(Bucket=f"{self.name}-data", Key="in/a.csv", Body=b"x\n1\n")
        trust = _policy(Principal={"Service": "ecs-tasks.amazonaws.com"}, Action="sts:AssumeRole")
        role = iam.create_role(RoleName=f"{self.name}-job", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        write = _policy(Action="s3:PutObject", Resource=f"arn:aws:s3:::{self.name}-data/out/*")
        iam.put_role_policy(RoleName=f"{self.name}-job", PolicyName="own", PolicyDocument=write)
        self.allow()
        self.sandbox.sandbox.build(self.target, repository=self.name, tag="good")
        resources = {"type": "EC2", "maxvCpus": 4, "minvCpus": 0, "instanceTypes": ["optimal"], "subnets": ["subnet-1"]}
        resources |= {"securityGroupIds": ["sg-1"], "instanceRole": "ecsInstanceRole"}
        batch.create_compute_environment(
            computeEnvironmentName=self.name, type="MANAGED", state="ENABLED", computeResources=resources
        )
        order = [{"order": 1, "computeEnvironment": self.name}]
        batch.create_job_queue(jobQueueName=self.name, state="ENABLED", priority=1, computeEnvironmentOrder=order)
        self._register(role)

    def declare(self, find: str, replace: str) -> None:
        """Change the declaration."""
        file = self.target / "recloser.toml"
        text = file.read_text()
        assert find in text
        file.write_text(text.replace(find, replace))

    def allow(self) -> None:
        """Give the operator what the declaration needs."""
        policy = operator_policy(load_target(self.target))
        self.sandbox.client("iam").put_user_policy(UserName="recloser", PolicyName=self.name, PolicyDocument=policy)

    def _register(self, role: str) -> None:
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "192"}]
        self.sandbox.client("batch").register_job_definition(
            jobDefinitionName=self.name,
            type="container",
            containerProperties={
                "image": f"{REGISTRY}/{self.name}:gone",
                "command": ["python", "-c", JOB],
                "jobRoleArn": role,
                "environment": [
                    {"name": "RUNS", "value": str(self.runs)},
                    {"name": "BUCKET", "value": f"{self.name}-data"},
                ],
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
        for name in self.grants():
            self.sandbox.client("iam").delete_role_policy(RoleName=f"{self.name}-job", PolicyName=name)

    def grants(self) -> list[str]:
        """The policies that healing has put on the job's role."""
        names = self.sandbox.client("iam").list_role_policies(RoleName=f"{self.name}-job")["PolicyNames"]
        return [name for name in names if name.startswith("recloser-")]

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
        self.assert_nothing_twice()
        definitions = self.sandbox.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        siblings = [one for one in definitions if one["jobDefinitionName"].startswith(f"{self.name}-recloser-")]
        assert len(siblings) == len(self.incidents())
        assert {one["revision"] for one in siblings} == {1}

    def assert_nothing_twice(self) -> None:
        """A job for each attempt and no other, and each ran at most once."""
        assert len(self.jobs()) == sum(len(incident.attempts) for incident in self.incidents())
        self.assert_runs_once()

    def assert_runs_once(self) -> None:
        """No job was submitted twice, none ran twice, and each that there is belongs to an attempt."""
        jobs = self.jobs()
        assert max(Counter(job["jobName"] for job in jobs).values()) == 1
        attempts = {attempt.job_id for incident in self.incidents() for attempt in incident.attempts}
        assert {job["jobId"] for job in jobs} <= attempts
        ran = Counter(self.runs.read_text().split())
        assert max(ran.values()) == 1

    def jobs(self) -> list[dict[str, Any]]:
        """Every job there was, newest first."""
        pages = self.sandbox.client("batch").get_paginator("list_jobs")
        filters = [{"name": "JOB_NAME", "values": [f"{self.name}-*"]}]
        return [job for page in pages.paginate(jobQueue=self.name, filters=filters) for job in page["jobSummaryList"]]


def _policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})

"""A workshop: queues, roles and an image in the sandbox, and whoever heals there with exactly the declared rights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from recloser.aws import connect
from recloser.healing import Narrator, open_healing, prepare, until_settled
from recloser.healing.permissions import operator_policy
from recloser.settings import Settings
from recloser.store import Store
from recloser.target import Target
from recloser.values import FixMode, Incident

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox_fixture import SandboxUnderTest

TASKS = "ecs-tasks.amazonaws.com"
ELSEWHERE = "eu-west-1"
ROLE, EXECUTION_ROLE, USER = "shop-job", "shop-execution", "shopkeeper"
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop-data/*"}
PULL = [
    {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
    {"Effect": "Allow", "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "Resource": "*"},
]


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(*services: str) -> str:
    """A trust policy for these services."""
    return policy({"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"})


@dataclass
class Workshop:
    """A job definition of its own for each test, and the healing of it."""

    sandbox: SandboxUnderTest
    image: str
    folder: Path
    name: str

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """The administrator's client."""
        return self.sandbox.client(service, region=region)

    def arn(self, role: str) -> str:
        """ARN of a role."""
        return str(self.client("iam").get_role(RoleName=role)["Role"]["Arn"])

    def define(self, *work: str, vcpus: str = "1", memory_mib: int = 256, fargate: bool = False, **more: Any) -> None:
        """Register the job's definition; `more` goes into its container, `timeout_s` and `region` beside it."""
        timeout_s, region = more.pop("timeout_s", None), more.pop("region", "us-east-1")
        container = {
            "image": self.image,
            "command": ["python", "-m", "work", *work],
            "jobRoleArn": self.arn(ROLE),
            "resourceRequirements": [
                {"type": "VCPU", "value": vcpus},
                {"type": "MEMORY", "value": str(memory_mib)},
            ],
            **({"executionRoleArn": self.arn(EXECUTION_ROLE)} if fargate else {}),
            **more,
        }
        self.client("batch", region).register_job_definition(
            jobDefinitionName=self.name,
            type="container",
            containerProperties={key: value for key, value in container.items() if value is not None},
            platformCapabilities=["FARGATE" if fargate else "EC2"],
            **({"timeout": {"attemptDurationSeconds": timeout_s}} if timeout_s else {}),
        )

    def heal(
        self,
        *,
        iterations: int = 5,
        on: str = "shop",
        job: dict[str, Any] | None = None,
        **rails: Any,
    ) -> Incident:
        """Heal the job with these guardrails, with the rights that `recloser policy` names and no others."""
        target = Target.model_validate(
            {
                "name": self.name,
                "folder": self.folder,
                "job": {"queue": on, "definition": self.name, "role": ROLE, "execution_role": EXECUTION_ROLE}
                | (job or {}),
                "watch": {"poll_s": 0.1, "list_lag_s": 0, "timeout_s": 60} | rails.pop("watch", {}),
                "guardrails": {"retry": {"base_s": 0}, "permissions": {"settle_s": 0}} | rails,
            }
        )
        self.client("iam").put_user_policy(UserName=USER, PolicyName="operator", PolicyDocument=operator_policy(target))
        site = prepare(target, connect(Settings()))
        with Store.open(f"sqlite:///{self.folder / 'store.db'}") as store:
            healing = open_healing(site, store, Narrator(), iterations=iterations, fix_mode=FixMode.AUTO)
            try:
                return until_settled(healing)
            finally:
                healing.release()


def open_queue(batch: Any, name: str, kind: str, vcpus: int) -> None:
    """A queue with a compute environment of its own, both of this name; it cancels what it cannot place."""
    batch.create_compute_environment(
        computeEnvironmentName=name, type="MANAGED", computeResources={"type": kind, "maxvCpus": vcpus}
    )
    batch.create_job_queue(
        jobQueueName=name,
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": name}],
        jobStateTimeLimitActions=[
            {"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"}
            for reason in (
                "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
                "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
            )
        ],
    )


@pytest.fixture(scope="session")
def shop(sandbox: SandboxUnderTest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What all workshops share: the image's name and the keys of whoever heals."""
    iam, batch = sandbox.client("iam"), sandbox.client("batch")
    for role in (ROLE, EXECUTION_ROLE):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(TASKS))
    sandbox.client("s3").create_bucket(Bucket="shop-data")
    sandbox.client("s3").put_object(Bucket="shop-data", Key="in.csv", Body=b"1")
    for name, kind, vcpus in (("shop", "EC2", 4), ("shop-spare", "EC2", 8), ("shop-fargate", "FARGATE", 16)):
        open_queue(batch, name, kind, vcpus)
    open_queue(sandbox.client("batch", region=ELSEWHERE), "shop-eu", "EC2", 4)
    context = tmp_path_factory.mktemp("work")
    (context / "work.py").write_text(Path(__file__).with_name("work.py").read_text())
    image = sandbox.sandbox.build(context, repository="shop/work", tag="1").uri
    iam.create_user(UserName=USER)
    made = iam.create_access_key(UserName=USER)["AccessKey"]
    return {"image": image, "key": made["AccessKeyId"], "secret": made["SecretAccessKey"]}


@pytest.fixture
def workshop(
    sandbox: SandboxUnderTest, shop: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workshop]:
    """A healthy shop; what a test breaks of it is mended for the next."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in sandbox.operator.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", shop["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", shop["secret"])
    iam = sandbox.client("iam")
    for role, statements in ((ROLE, [READ]), (EXECUTION_ROLE, PULL)):
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust(TASKS))
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            iam.delete_role_policy(RoleName=role, PolicyName=name)
        iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=policy(*statements))
    yield Workshop(sandbox, shop["image"], tmp_path, f"shop-{uuid4().hex[:8]}")
    sandbox.sandbox.faults(host_loss=0, spot_interruption=0, time_scale=1, no_capacity_in="")

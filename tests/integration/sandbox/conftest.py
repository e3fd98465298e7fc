"""What the tests of the sandbox share: an image, a queue, a definition, and waiting without luck."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox_fixture import SandboxUnderTest

_DEADLINE_S = 60.0
T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """Batch of the sandbox under test, with one queue and a way to run things on it."""

    client: Any
    logs: Any
    image: str
    queue: str = "main"

    def define(self, name: str, *, image: str | None = None, vcpus: int = 1, memory: int = 256, **more: Any) -> str:
        """Register a definition; `more` goes into its container."""
        container = {
            "image": image or self.image,
            "command": ["true"],
            "resourceRequirements": [
                {"type": "VCPU", "value": str(vcpus)},
                {"type": "MEMORY", "value": str(memory)},
            ],
            **more,
        }
        answer = self.client.register_job_definition(
            jobDefinitionName=name, type="container", containerProperties=container
        )
        return str(answer["jobDefinitionArn"])

    def submit(
        self, *command: str, definition: str = "plain", environment: dict[str, str] | None = None, **more: Any
    ) -> str:
        """Submit a command and return the job's id."""
        overrides: dict[str, Any] = {"command": list(command)} if command else {}
        overrides["environment"] = [{"name": name, "value": value} for name, value in (environment or {}).items()]
        answer = self.client.submit_job(
            **{"jobName": "job", "jobQueue": self.queue, "containerOverrides": overrides, **more},
            jobDefinition=definition,
        )
        return str(answer["jobId"])

    def describe(self, job_id: str) -> dict[str, Any]:
        """The job as DescribeJobs shows it."""
        found: dict[str, Any] = self.client.describe_jobs(jobs=[job_id])["jobs"][0]
        return found

    def wait(self, job_id: str, *states: str) -> dict[str, Any]:
        """Wait for one of these states, by default for the end."""
        wanted = states or ("SUCCEEDED", "FAILED")
        return until(lambda: self.describe(job_id), lambda job: job["status"] in wanted)

    def run(self, *command: str, **more: Any) -> dict[str, Any]:
        """Submit a command and wait for its end."""
        return self.wait(self.submit(*command, **more))

    def lines(self, job: dict[str, Any]) -> list[str]:
        """What the job wrote, from CloudWatch Logs."""
        page = self.logs.get_log_events(
            logGroupName="/aws/batch/job", logStreamName=job["container"]["logStreamName"], startFromHead=True
        )
        return [event["message"] for event in page["events"]]


def until(look: Callable[[], T], good: Callable[[T], bool]) -> T:
    """Look until what is seen is good."""
    deadline = time.monotonic() + _DEADLINE_S
    while not good(seen := look()):
        assert time.monotonic() < deadline, f"waited in vain; last seen: {seen}"
        time.sleep(0.01)
    return seen


def prepare(client: Any, logs: Any, image: str) -> Batch:
    """Make a compute environment, a queue and a definition."""
    client.create_compute_environment(
        computeEnvironmentName="host", type="MANAGED", computeResources={"type": "EC2", "maxvCpus": 16}
    )
    order = [{"order": 1, "computeEnvironment": "host"}]
    client.create_job_queue(jobQueueName="main", priority=1, computeEnvironmentOrder=order)
    batch = Batch(client, logs, image)
    batch.define("plain")
    return batch


@pytest.fixture(scope="session")
def image(sandbox: SandboxUnderTest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image whose folder holds the module `greeting`."""
    context = tmp_path_factory.mktemp("context")
    (context / "greeting.py").write_text("print('hello from the image')\n")
    return sandbox.sandbox.build(context, repository="tests/plain", tag="1").uri


@pytest.fixture(scope="session")
def batch(sandbox: SandboxUnderTest, image: str) -> Batch:
    """Batch with a queue, once for all tests of a session."""
    return prepare(sandbox.client("batch"), sandbox.client("logs"), image)

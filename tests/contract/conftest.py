"""Who the contract is tried on: the sandbox always, a real account when it is named.

A real account is tried when `RECLOSER_AWS_CONTRACT=1` and credentials and region are where boto3 finds them, with

- `RECLOSER_AWS_QUEUE`: a job queue that is ENABLED and VALID and has no scheduling policy;
- `RECLOSER_AWS_DEFINITION`: an ACTIVE job definition of type container whose image has `sh`; copies of it are made;
- `RECLOSER_AWS_ROLE`: ARN of the job role the copies get.

The suite submits a few dozen small jobs, makes a queue of its own on the named one's compute environments, and removes
what it made. Only `batch:*` on these and `iam:PassRole` on the role are needed.
"""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sandbox_fixture import SandboxUnderTest

T = TypeVar("T")
ENDED = ("SUCCEEDED", "FAILED")
PLACES = ["sandbox", *(["aws"] if os.environ.get("RECLOSER_AWS_CONTRACT") == "1" else [])]


@dataclass
class Account:
    """Batch of one account, a queue and a container that has `sh`."""

    client: Any
    queue: str
    container: dict[str, Any]
    deadline_s: float
    pause_s: float
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _definitions: list[str] = field(default_factory=list)
    _queues: list[str] = field(default_factory=list)

    def define(self, *, container: dict[str, Any] | None = None, **more: Any) -> str:
        """Register a copy of the definition and return its ARN."""
        properties = {**self.container, **(container or {})}
        request = {"jobDefinitionName": f"recloser-contract-{self.run_id}", "type": "container", **more}
        arn = self.client.register_job_definition(containerProperties=properties, **request)["jobDefinitionArn"]
        self._definitions.append(arn)
        return str(arn)

    def submit(self, script: str = "true", **more: Any) -> str:
        """Submit a shell script and return the job's id."""
        overrides = {"command": ["sh", "-c", script]}
        request = {"jobName": "contract", "jobQueue": self.queue, "containerOverrides": overrides, **more}
        definition = request.pop("jobDefinition", None) or self.definition
        return str(self.client.submit_job(jobDefinition=definition, **request)["jobId"])

    @cached_property
    def definition(self) -> str:
        """A copy without anything special."""
        return self.define()

    def describe(self, job_id: str) -> dict[str, Any]:
        """One job."""
        (found,) = self.client.describe_jobs(jobs=[job_id])["jobs"]
        return dict(found)

    def wait(self, job_id: str, *states: str) -> dict[str, Any]:
        """Wait for one of these states, by default for the end; a job that ends otherwise is returned too."""
        return self.until(lambda: self.describe(job_id), lambda job: job["status"] in (*states, *ENDED))

    def until(self, look: Callable[[], T], good: Callable[[T], bool]) -> T:
        """Look until what is seen is good."""
        deadline = time.monotonic() + self.deadline_s
        while not good(seen := look()):
            assert time.monotonic() < deadline, f"waited in vain; last seen: {seen}"
            time.sleep(self.pause_s)
        return seen

    def run(self, script: str = "true", **more: Any) -> dict[str, Any]:
        """Submit a script and wait for its end."""
        return self.wait(self.submit(script, **more))

    def held(self, **more: Any) -> str:
        """Submit a job that runs until it is ended, and wait until it runs."""
        job_id = self.submit("sleep 900", **more)
        assert self.wait(job_id, "RUNNING")["status"] == "RUNNING"
        return job_id

    def end(self, *ids: str) -> None:
        """Terminate jobs and wait for their ends."""
        for job_id in ids:
            self.client.terminate_job(jobId=job_id, reason="contract done")
        for job_id in ids:
            self.wait(job_id)

    def new_queue(self, **more: Any) -> str:
        """Make a queue on the compute environments of the named one, and return its name."""
        (found,) = self.client.describe_job_queues(jobQueues=[self.queue])["jobQueues"]
        name, order = f"recloser-contract-{self.run_id}-{len(self._queues)}", found["computeEnvironmentOrder"]
        self.client.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order, **more)
        self._queues.append(name)
        self._settled(name)
        return name

    def change_queue(self, name: str, **changes: Any) -> dict[str, Any]:
        """Change a queue and wait until that is done."""
        self.client.update_job_queue(jobQueue=name, **changes)
        return self._settled(name)

    def _settled(self, name: str) -> dict[str, Any]:
        def look() -> dict[str, Any]:
            (found,) = self.client.describe_job_queues(jobQueues=[name])["jobQueues"]
            return dict(found)

        return self.until(look, lambda queue: queue["status"] == "VALID")

    def close(self) -> None:
        """Remove what was made."""
        for name in self._queues:
            if self.client.describe_job_queues(jobQueues=[name])["jobQueues"]:
                self.change_queue(name, state="DISABLED")
                self.client.delete_job_queue(jobQueue=name)
        for arn in self._definitions:
            self.client.deregister_job_definition(jobDefinition=arn)
        self.client.close()


def refusal(call: Any, **request: Any) -> str:
    """The text of the ClientException a call ends in."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    response: Any = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == ("ClientException", 400)
    return str(response["Error"]["Message"])


def _on_sandbox(request: pytest.FixtureRequest) -> Account:
    sandbox: SandboxUnderTest = request.getfixturevalue("sandbox")
    folder = request.getfixturevalue("tmp_path_factory").mktemp("contract-image")
    image = sandbox.sandbox.build(folder, repository="contract", tag="1").uri
    client = sandbox.session().client(
        "batch", endpoint_url=sandbox.admin["AWS_ENDPOINT_URL_BATCH"], config=Config(parameter_validation=False)
    )
    client.create_compute_environment(
        computeEnvironmentName="contract", type="MANAGED", computeResources={"type": "EC2", "maxvCpus": 16}
    )
    order = [{"order": 1, "computeEnvironment": "contract"}]
    client.create_job_queue(jobQueueName="contract", priority=1, computeEnvironmentOrder=order)
    sizes = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
    container = {"image": image, "command": ["true"], "resourceRequirements": sizes}
    return Account(client, "contract", container, deadline_s=60, pause_s=0.02)


def _on_aws() -> Account:
    names = ("RECLOSER_AWS_QUEUE", "RECLOSER_AWS_DEFINITION", "RECLOSER_AWS_ROLE")
    queue, definition, role = (os.environ.get(name) for name in names)
    if not (queue and definition and role):
        pytest.fail(f"RECLOSER_AWS_CONTRACT=1 needs {', '.join(names)} as well")
    client: Any = boto3.client("batch", config=Config(parameter_validation=False))
    found = client.describe_job_definitions(jobDefinitions=[definition], status="ACTIVE")["jobDefinitions"]
    assert found, f"RECLOSER_AWS_DEFINITION: {definition} is not an ACTIVE job definition"
    container = {**found[0]["containerProperties"], "jobRoleArn": role}
    return Account(client, queue, container, deadline_s=1200, pause_s=5)


@pytest.fixture(scope="session", params=PLACES)
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    """Batch to try the contract on."""
    made = _on_sandbox(request) if request.param == "sandbox" else _on_aws()
    yield made
    made.close()

"""The vocabulary of the endpoint: errors, names, ARNs, states, and the job."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from recloser.sandbox.ministack import ACCOUNT

Document = dict[str, Any]

WAITING = ("SUBMITTED", "PENDING", "RUNNABLE")
UNDER_WAY = ("STARTING", "RUNNING")
TERMINAL = ("SUCCEEDED", "FAILED")


class BatchError(Exception):
    """An answer other than 200: AWS's code, its HTTP status and a text."""

    def __init__(self, message: str, *, code: str = "ClientException", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class NotServedError(BatchError):
    """A correct request that this sandbox does not serve; never accepted in silence."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not served by the Recloser sandbox")


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def arn(region: str, kind: str, name: str) -> str:
    """Name a Batch resource in full."""
    return f"arn:aws:batch:{region}:{ACCOUNT}:{kind}/{name}"


def name_in(text: str, kind: str) -> str:
    """The bare name, given a name or an ARN."""
    return text.split(f":{kind}/", 1)[-1] if text.startswith("arn:") else text


def child_id(parent: str, index: int) -> str:
    """The id of an array's child."""
    return f"{parent}:{index}"


@dataclass(slots=True, eq=False)
class Job:
    """A job before its end, as the scheduler and the runner hold it; `detail` is what DescribeJobs shows."""

    region: str
    detail: Document
    stop: Document | None = field(default=None)
    """Set once, by whoever ends the job first: what the attempt will say instead of its own end."""
    array_size: int = 0
    """Of a child: how many its array has."""
    recorded: str = ""
    """The state last written: a save that differs from it is a transition."""

    def __post_init__(self) -> None:
        """A job that is made from a document starts in the document's state."""
        self.recorded = self.recorded or str(self.detail.get("status", ""))

    @property
    def id(self) -> str:
        """The job's id."""
        return str(self.detail["jobId"])

    @property
    def queue(self) -> str:
        """ARN of the queue."""
        return str(self.detail["jobQueue"])

    @property
    def status(self) -> str:
        """The state."""
        return str(self.detail["status"])

    @property
    def parent_id(self) -> str | None:
        """Id of the array this job is a child of."""
        parent, colon, _ = self.id.rpartition(":")
        return parent if colon else None

    @property
    def index(self) -> int:
        """A child's place in its array."""
        return int(self.detail["arrayProperties"]["index"])

    @property
    def is_array(self) -> bool:
        """Whether this is the parent of an array."""
        return "size" in self.detail.get("arrayProperties", {})

    def array_variables(self) -> dict[str, str]:
        """What a child finds of its array in its environment."""
        if self.parent_id is None:
            return {}
        return {"AWS_BATCH_JOB_ARRAY_INDEX": str(self.index), "AWS_BATCH_JOB_ARRAY_SIZE": str(self.array_size)}

    @property
    def container(self) -> Document:
        """Image, command, environment, sizes; exit code and reason at the end."""
        container: Document = self.detail["container"]
        return container

    @property
    def vcpus(self) -> float:
        """Processors asked for; on Fargate a quarter is one as well."""
        return float(self.container["vcpus"])

    @property
    def memory_mib(self) -> int:
        """Memory limit."""
        return int(self.container["memory"])


def new_id() -> str:
    """A job id."""
    return str(uuid.uuid4())


def new_task_id() -> str:
    """An ECS task id."""
    return uuid.uuid4().hex

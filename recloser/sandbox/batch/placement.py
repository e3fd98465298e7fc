"""Where a job fits: the machine, its compute environments, and why a job fits nowhere."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psutil

from recloser.sandbox.batch.model import Document, Job, arn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TOO_MANY_VCPUS: Final = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - "
    "CE(s) associated with the job queue cannot meet the CPU requirement of the job"
)
TOO_BIG: Final = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - "
    "The job resource requirement is higher than that can be met by the CE(s) associated with the job queue"
)
NO_CAPACITY: Final = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - "
    "Service cannot fulfill the capacity requested for instance type [recloser.host]"
)


@dataclass(slots=True)
class Usage:
    """What running jobs take of one compute environment."""

    vcpus: float = 0
    jobs: int = 0


@dataclass(slots=True)
class Host:
    """The machine: memory is shared by all compute environments."""

    memory_mib: int = field(default_factory=lambda: psutil.virtual_memory().total // 2**20)
    memory_used_mib: int = 0


class Capacity:
    """What is taken and what is free."""

    def __init__(self, host: Host, short_of: Callable[[], str] = str) -> None:
        self._host = host
        self._short_of = short_of
        self._used: defaultdict[str, Usage] = defaultdict(Usage)

    def take(self, job: Job, environment: Document) -> None:
        """A job starts on a compute environment."""
        self._change(job, environment["computeEnvironmentArn"], 1)

    def release(self, job: Job, environment: Document) -> None:
        """Its attempt has ended."""
        self._change(job, environment["computeEnvironmentArn"], -1)

    def _change(self, job: Job, arn: str, sign: int) -> None:
        usage = self._used[arn]
        usage.vcpus += sign * job.vcpus
        usage.jobs += sign
        self._host.memory_used_mib += sign * job.memory_mib

    def jobs_on(self, arn: str) -> int:
        """How many jobs run on a compute environment."""
        return self._used[arn].jobs

    def room_for(self, job: Job, environments: Sequence[Document], taken: set[str]) -> Document | None:
        """The first compute environment with room; those in `taken` are kept for others."""
        if not self._has_memory(job) or self._is_short(job):
            return None
        return next((one for one in environments if self._has_vcpus(job, one, taken)), None)

    def obstacle(self, job: Job, environments: Sequence[Document], taken: set[str]) -> str | None:
        """Why the job at the head of a queue does not start, in AWS's words; None when it just waits its turn."""
        if (reason := self.misfit(job, environments)) is not None:
            return reason
        vcpus_free = any(self._has_vcpus(job, one, taken) for one in environments)
        return NO_CAPACITY if self._is_short(job) or (vcpus_free and not self._has_memory(job)) else None

    def misfit(self, job: Job, environments: Sequence[Document]) -> str | None:
        """Why a job will never fit as things are; None when it will."""
        if environments and all(job.vcpus > _vcpus(environment) for environment in environments):
            return TOO_MANY_VCPUS
        return TOO_BIG if job.memory_mib > self._host.memory_mib else None

    def _is_short(self, job: Job) -> bool:
        return job.region == self._short_of()

    def _has_memory(self, job: Job) -> bool:
        return self._host.memory_used_mib + job.memory_mib <= self._host.memory_mib

    def _has_vcpus(self, job: Job, environment: Document, taken: set[str]) -> bool:
        arn = environment["computeEnvironmentArn"]
        return arn not in taken and self._used[arn].vcpus + job.vcpus <= _vcpus(environment)


def enabled(queue: Document, known: Mapping[str, Document]) -> list[Document]:
    """The compute environments of a queue that take jobs, in its order."""
    order = [known.get(entry["computeEnvironment"]) for entry in queue["computeEnvironmentOrder"]]
    return [environment for environment in order if environment is not None and environment["state"] == "ENABLED"]


def _vcpus(environment: Document) -> int:
    return int(environment["computeResources"]["maxvCpus"])


def environment_of(job: Job) -> Document:
    """The compute environment of a running job, as far as capacity is concerned; it may have been deleted since."""
    name = str(job.container["taskArn"]).split(":task/")[1].rpartition("_Batch/")[0]
    return {"computeEnvironmentName": name, "computeEnvironmentArn": arn(job.region, "compute-environment", name)}

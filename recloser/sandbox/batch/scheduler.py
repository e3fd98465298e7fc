"""Who runs next: first in, first out within a queue, queues by priority, only where it fits.

It decides and records; the runner does. Used from the event loop only.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import psutil

from recloser.sandbox.batch.endings import HOST_LOST, fail, record
from recloser.sandbox.batch.model import TERMINAL, WAITING, Document, Job

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from recloser.sandbox.batch.store import Store

TOO_MANY_VCPUS = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - "
    "CE(s) associated with the job queue cannot meet the CPU requirement of the job"
)
TOO_BIG = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - "
    "The job resource requirement is higher than that can be met by the CE(s) associated with the job queue"
)
ENVIRONMENT = "compute-environment"
QUEUE = "job-queue"
QUEUE_DELETED = "Job queue was deleted"


class Runs(Protocol):
    """What carries out an attempt."""

    def run(self, job: Job, environment: str) -> Coroutine[None, None, None]:
        """Run the job's attempt on the named compute environment until the job's end is recorded."""

    def stop(self, job: Job, ending: Document, grace_s: float | None = None) -> None:
        """End the running attempt; it will say `ending`."""


@dataclass(slots=True)
class Usage:
    """What running jobs take of one compute environment."""

    vcpus: int = 0


@dataclass(slots=True)
class Host:
    """The machine: memory is shared by all compute environments."""

    memory_mib: int = field(default_factory=lambda: psutil.virtual_memory().total // 2**20)
    memory_used_mib: int = 0


class Scheduler:
    """Holds every job that has not ended."""

    def __init__(self, store: Store, runner: Runs, host: Host | None = None) -> None:
        self.live: dict[str, Job] = {}
        self._store = store
        self._runner = runner
        self._host = host or Host()
        self._waiting: defaultdict[str, deque[Job]] = defaultdict(deque)
        self._used: defaultdict[str, Usage] = defaultdict(Usage)
        self._running: set[asyncio.Task[None]] = set()
        self._fresh: list[Job] = []
        self._placing = False
        self._closed = False

    def accept(self, job: Job) -> None:
        """Take a job whose row is written."""
        self.live[job.id] = job
        self._waiting[job.queue].append(job)
        self._fresh.append(job)
        self._wake()

    def reconsider(self) -> None:
        """Judge every waiting job anew: a queue or a compute environment has changed."""
        self._fresh = [job for waiting in self._waiting.values() for job in waiting]
        self._wake()

    def _wake(self) -> None:
        # after the current call has answered, and once for all that happens until then
        if not self._placing and not self._closed:
            self._placing = True
            asyncio.get_running_loop().call_soon(self._place)

    def _place(self) -> None:
        self._placing = False
        known = {document["computeEnvironmentArn"]: document for document in self._store.every_resource(ENVIRONMENT)}
        queues = {document["jobQueueArn"]: document for document in self._store.every_resource(QUEUE)}
        environments = {arn: _enabled(queue, known) for arn, queue in queues.items()}
        fresh, self._fresh = self._fresh, []
        for job in fresh:
            if job.status in WAITING:
                self._advance(job, environments.get(job.queue, []))
        taken: set[str] = set()
        for arn in sorted(queues, key=lambda arn: -int(queues[arn]["priority"])):
            self._place_queue(self._waiting[arn], environments[arn], taken)

    def _place_queue(self, waiting: deque[Job], environments: list[Document], taken: set[str]) -> None:
        while waiting and not self._closed:
            environment = self._room_for(waiting[0], environments, taken)
            if environment is None:
                break
            self._start(waiting.popleft(), environment)
        if waiting and self._misfit(waiting[0], environments) is None:
            # The head waits for capacity: queues of lower priority must not take it away.
            taken.update(environment["computeEnvironmentArn"] for environment in environments)

    def _advance(self, job: Job, environments: list[Document]) -> None:
        reason = self._misfit(job, environments)
        if job.status == "RUNNABLE" and job.detail.get("statusReason") == reason:
            return
        job.detail["status"] = "RUNNABLE"
        job.detail.pop("statusReason", None)
        if reason is not None:
            job.detail["statusReason"] = reason
        self._store.save_job(job)

    def _misfit(self, job: Job, environments: list[Document]) -> str | None:
        if environments and all(job.vcpus > _vcpus(environment) for environment in environments):
            return TOO_MANY_VCPUS
        return TOO_BIG if job.memory_mib > self._host.memory_mib else None

    def _room_for(self, job: Job, environments: list[Document], taken: set[str]) -> Document | None:
        if self._host.memory_used_mib + job.memory_mib > self._host.memory_mib:
            return None
        for environment in environments:
            arn = environment["computeEnvironmentArn"]
            if arn not in taken and self._used[arn].vcpus + job.vcpus <= _vcpus(environment):
                return environment
        return None

    def _start(self, job: Job, environment: Document) -> None:
        usage = self._used[environment["computeEnvironmentArn"]]
        usage.vcpus += job.vcpus
        self._host.memory_used_mib += job.memory_mib
        job.detail["status"] = "STARTING"
        job.detail.pop("statusReason", None)
        self._store.save_job(job)
        task = asyncio.get_running_loop().create_task(self._run(job, environment["computeEnvironmentName"], usage))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, job: Job, environment: str, usage: Usage) -> None:
        try:
            await self._runner.run(job, environment)
        finally:
            usage.vcpus -= job.vcpus
            self._host.memory_used_mib -= job.memory_mib
            self.live.pop(job.id, None)
            self._wake()

    def cancel(self, region: str, job_id: str, reason: str) -> None:
        """End a job that waits."""
        job = self._find(region, job_id)
        if job is not None and job.status in WAITING:
            self._drop(job, {"statusReason": reason, "isCancelled": True})

    def terminate(self, region: str, job_id: str, reason: str) -> None:
        """End a job in any state."""
        job = self._find(region, job_id)
        if job is None:
            return
        ending = {"statusReason": reason, "isTerminated": True}
        if job.status in WAITING:
            self._drop(job, ending)
        else:
            self._runner.stop(job, ending)

    def drop_queue(self, queue: str) -> None:
        """End every job of a queue."""
        for job in [job for job in self.live.values() if job.queue == queue]:
            self.terminate(job.region, job.id, QUEUE_DELETED)

    def _find(self, region: str, job_id: str) -> Job | None:
        job = self.live.get(job_id)
        return job if job is not None and job.region == region else None

    def _drop(self, job: Job, ending: Document) -> None:
        self._waiting[job.queue].remove(job)
        del self.live[job.id]
        fail(job.detail, ending)
        self._store.save_job(job)

    def resume(self) -> None:
        """Take up what an earlier process left: what waited waits on; what had started lost its host."""
        for job in self._store.unfinished():
            if job.status in WAITING:
                self.accept(job)
            else:
                record(job.detail, {}, {"statusReason": HOST_LOST})
                self._store.save_job(job)

    async def close(self, grace_s: float) -> None:
        """Stop every running job and place no more."""
        self._closed = True
        for job in list(self.live.values()):
            if job.status not in (*WAITING, *TERMINAL):
                self._runner.stop(job, {"statusReason": HOST_LOST}, grace_s)
        if self._running:
            await asyncio.wait(self._running)


def _enabled(queue: Document, known: dict[str, Document]) -> list[Document]:
    order = [known.get(entry["computeEnvironment"]) for entry in queue["computeEnvironmentOrder"]]
    return [environment for environment in order if environment is not None and environment["state"] == "ENABLED"]


def _vcpus(environment: Document) -> int:
    return int(environment["computeResources"]["maxvCpus"])

"""One attempt from STARTING to its end: image, role, log stream, process, limits, last words, verdict.

Isolation is by process only: no file-system and no network isolation.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recloser.sandbox import environment as settings
from recloser.sandbox import processes
from recloser.sandbox.batch.launch import Folder, NotStartableError, Process, job_environment
from recloser.sandbox.batch.logs import Shipper, create_stream
from recloser.sandbox.batch.model import (
    CONTAINER_EXITED,
    HOST_LOST,
    NOT_STARTED,
    OUT_OF_MEMORY,
    REASON_LIMIT,
    TIMED_OUT,
    Document,
    Job,
    name_in,
    new_task_id,
    now_ms,
)
from recloser.sandbox.images import ImageNotFoundError
from recloser.sandbox.ministack import ACCOUNT

if TYPE_CHECKING:
    from recloser.sandbox.batch.credentials import Credentials
    from recloser.sandbox.batch.faults import Faults
    from recloser.sandbox.batch.memory import Guard, Limit
    from recloser.sandbox.batch.store import Store
    from recloser.sandbox.clients import Clients
    from recloser.sandbox.images import Image, Images

_LOG = logging.getLogger(__name__)


class StartError(Exception):
    """The attempt ends before its process runs; the text is the container's reason."""

    def __init__(self, reason: str, exit_code: int | None = None) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


@dataclass(slots=True)
class Attempt:
    """What belongs to one attempt while it runs."""

    task_id: str
    folder: Folder
    limit: Limit | None = None
    process: Process | None = None
    stopping: asyncio.Task[None] | None = None
    timer: asyncio.TimerHandle | None = None

    def signal(self, number: signal.Signals) -> None:
        """Signal every process of the attempt."""
        if self.process is not None:
            self.process.signal(number, self.limit.members() if self.limit is not None else [])


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where jobs find the AWS of this sandbox."""

    ministack: str
    batch: str


class Runner:
    """Carries out attempts; used from the event loop, blocking calls go to threads."""

    def __init__(
        self,
        *,
        store: Store,
        clients: Clients,
        images: Images,
        credentials: Credentials,
        guard: Guard,
        faults: Faults,
        endpoints: Endpoints,
        attempts: Path,
        stop_grace_s: float,
    ) -> None:
        self._store = store
        self._clients = clients
        self._images = images
        self._credentials = credentials
        self._guard = guard
        self._faults = faults
        self._endpoints = endpoints
        self._attempts = attempts
        self._stop_grace_s = stop_grace_s
        self._running: dict[str, Attempt] = {}

    async def run(self, job: Job, environment: str) -> None:
        """Run the job's attempt until the job's end is recorded."""
        task_id = new_task_id()
        attempt = Attempt(task_id, Folder(self._attempts / task_id))
        self._running[job.id] = attempt
        job.container["taskArn"] = f"arn:aws:ecs:{job.region}:{ACCOUNT}:task/{environment}_Batch/{task_id}"
        job.container["containerInstanceArn"] = (
            f"arn:aws:ecs:{job.region}:{ACCOUNT}:container-instance/{environment}_Batch/{uuid.uuid5(_HOSTS, environment).hex}"
        )
        try:
            ending = await self._attempt(job, attempt, environment)
        except StartError as error:
            ending = _not_started(error)
        except Exception:
            _LOG.exception("job %s", job.id)
            ending = {"statusReason": HOST_LOST}
        finally:
            del self._running[job.id]
            self._credentials.revoke(task_id)
            await self._clean(attempt)
        self._record_end(job, job.stop if job.stop is not None else ending, ending)

    async def _attempt(self, job: Job, attempt: Attempt, environment: str) -> Document:
        image = await self._image(job)
        own = {**await self._role(job, attempt), **_own_variables(job, environment)}
        attempt.folder.create()
        attempt.limit = self._guard.limit(attempt.task_id, job.memory_mib)
        stream = _stream(job, attempt.task_id)
        await asyncio.to_thread(create_stream, self._clients, job.region, stream)
        if job.stop is not None:
            return {}
        process = self._start(job, attempt, image, own)
        job.container["logStreamName"] = stream
        job.detail.update(status="RUNNING", startedAt=now_ms())
        self._store.save_job(job)
        shipper = Shipper(self._clients, job.region, stream, attempt.folder.output)
        exit_code = await self._watch(job, attempt, process)
        await shipper.finish()
        return _verdict(exit_code, out_of_memory=attempt.limit.exceeded())

    async def _image(self, job: Job) -> Image:
        name = job.container["image"]
        try:
            known = self._images.cached(name)
            return known if known is not None else await asyncio.to_thread(self._images.resolve, name)
        except ImageNotFoundError as error:
            raise StartError(
                f"CannotPullContainerError: Error response from daemon: manifest for {name} not found: "
                f"manifest unknown: Requested image not found"
            ) from error

    async def _role(self, job: Job, attempt: Attempt) -> dict[str, str]:
        role = job.container.get("jobRoleArn")
        if not role:
            return {}
        if not await asyncio.to_thread(self._credentials.trusted, role, job.region):
            raise StartError(
                f"ECS was unable to assume the role '{role}' that was provided for this task. Please verify that the "
                "role being passed has the proper trust relationship and permissions and that your IAM user has "
                "permissions to pass this role."
            )
        grant = self._credentials.grant(attempt.task_id, role, job.region)
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self._endpoints.batch}/v1/credentials/{attempt.task_id}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": grant.token,
        }

    def _start(self, job: Job, attempt: Attempt, image: Image, own: Document) -> Process:
        base = settings.endpoints(self._endpoints.ministack, self._endpoints.batch, job.region)
        variables = job_environment(image, job, attempt.folder, {**base, "AWS_EXECUTION_ENV": "AWS_ECS_EC2"}, own)
        words = [*image.entrypoint, *job.container["command"]]
        group = attempt.limit.enter() if attempt.limit is not None else ""
        try:
            attempt.process = Process.start(words, variables, attempt.folder, group)
        except NotStartableError as error:
            raise StartError(
                "CannotStartContainerError: Error response from daemon: failed to create shim task: OCI runtime create "
                f"failed: runc create failed: unable to start container process: {error}: unknown",
                error.code,
            ) from error
        if attempt.limit is not None:
            attempt.limit.watch(attempt.process.identity)
        return attempt.process

    async def _watch(self, job: Job, attempt: Attempt, process: Process) -> int:
        loop = asyncio.get_running_loop()
        limit_s = job.detail.get("timeout", {}).get("attemptDurationSeconds")
        if limit_s is not None:
            attempt.timer = loop.call_later(limit_s, self.stop, job, {"statusReason": TIMED_OUT})
        if self._faults.take_host_loss():
            self.stop(job, {"statusReason": HOST_LOST, "hostLost": True}, 0)
        exit_code = await process.ended()
        attempt.signal(signal.SIGKILL)  # stragglers end with the main process
        return exit_code

    def stop(self, job: Job, ending: Document, grace_s: float | None = None) -> None:
        """End the running attempt; it will say `ending`. Whoever asks first decides what it says."""
        if job.stop is not None:
            return
        job.stop = ending
        attempt = self._running.get(job.id)
        if attempt is not None:
            grace_s = self._stop_grace_s if grace_s is None else grace_s
            attempt.stopping = asyncio.get_running_loop().create_task(_stop(attempt, grace_s))

    async def _clean(self, attempt: Attempt) -> None:
        if attempt.timer is not None:
            attempt.timer.cancel()
        if attempt.stopping is not None:
            attempt.stopping.cancel()
        if attempt.process is not None:
            await self._sweep(attempt, attempt.process)
        if attempt.limit is not None:
            attempt.limit.close()
        if attempt.folder.root.exists():
            attempt.folder.remove()

    async def _sweep(self, attempt: Attempt, process: Process) -> None:
        # Killed processes take a moment to go, and may have forked meanwhile.
        limit = attempt.limit
        for _ in range(500):
            left = process.members(limit.members() if limit is not None else [])
            if not left:
                return
            processes.send(left, signal.SIGKILL)
            await asyncio.sleep(0.002)

    def _record_end(self, job: Job, ending: Document, own: Document) -> None:
        detail, container = job.detail, job.container
        if not ending.get("hostLost"):
            container.update({key: own[key] for key in ("exitCode", "reason") if key in own})
        stopped = now_ms()
        succeeded = job.stop is None and own.get("exitCode") == 0
        attempt = {
            "container": {key: container[key] for key in _SHOWN if key in container},
            "stoppedAt": stopped,
            "statusReason": ending["statusReason"],
            "taskProperties": [],
            **({"startedAt": detail["startedAt"]} if "startedAt" in detail else {}),
        }
        detail["attempts"].append({**attempt, "container": {**attempt["container"], "networkInterfaces": []}})
        detail.update({key: value for key, value in ending.items() if key in _FLAGS})
        detail.update(
            status="SUCCEEDED" if succeeded else "FAILED", stoppedAt=stopped, statusReason=ending["statusReason"]
        )
        self._store.save_job(job)


_HOSTS = uuid.UUID("6ba7b814-9dad-11d1-80b4-00c04fd430c8")
_SHOWN = ("containerInstanceArn", "taskArn", "exitCode", "reason", "logStreamName")
_FLAGS = ("isCancelled", "isTerminated")


async def _stop(attempt: Attempt, grace_s: float) -> None:
    if grace_s > 0:
        attempt.signal(signal.SIGTERM)
        await asyncio.sleep(grace_s)
    attempt.signal(signal.SIGKILL)


def _stream(job: Job, task_id: str) -> str:
    definition = name_in(job.detail["jobDefinition"], "job-definition").split(":")[0]
    return f"{definition[:200]}/default/{task_id}"


def _own_variables(job: Job, environment: str) -> dict[str, str]:
    return {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JOB_ATTEMPT": str(len(job.detail["attempts"]) + 1),
        "AWS_BATCH_JQ_NAME": name_in(job.queue, "job-queue"),
        "AWS_BATCH_CE_NAME": environment,
    }


def _verdict(exit_code: int, *, out_of_memory: bool) -> Document:
    ending: Document = {"statusReason": CONTAINER_EXITED, "exitCode": exit_code}
    if out_of_memory:
        ending["reason"] = OUT_OF_MEMORY
    return ending


def _not_started(error: StartError) -> Document:
    ending: Document = {"statusReason": NOT_STARTED, "reason": str(error)[:REASON_LIMIT]}
    if error.exit_code is not None:
        ending["exitCode"] = error.exit_code
    return ending

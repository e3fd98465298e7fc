"""One attempt from STARTING to its end: image, role, log stream, process, limits, last words, verdict.

Isolation is by process only: no file-system and no network isolation.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from recloser.sandbox import environment as variables
from recloser.sandbox import processes
from recloser.sandbox.batch import endings
from recloser.sandbox.batch.attempt import Attempt
from recloser.sandbox.batch.launch import Folder, NotStartableError, Process, job_environment
from recloser.sandbox.batch.logs import Shipper, create_stream
from recloser.sandbox.batch.model import Document, Job, name_in, new_task_id, now_ms
from recloser.sandbox.images import ImageNotFoundError
from recloser.sandbox.ministack import ACCOUNT

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.sandbox.batch.credentials import Credentials
    from recloser.sandbox.batch.faults import Switches
    from recloser.sandbox.batch.memory import Guard, Limit
    from recloser.sandbox.batch.store import Store
    from recloser.sandbox.clients import Clients
    from recloser.sandbox.images import Image, Images

_HOSTS = uuid.UUID("6ba7b814-9dad-11d1-80b4-00c04fd430c8")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every attempt works with."""

    store: Store
    clients: Clients
    images: Images
    credentials: Credentials
    guard: Guard
    faults: Switches
    ministack_url: str
    batch_url: str
    attempts: Path
    stop_grace_s: float


class Runner:
    """Carries out attempts; used from the event loop, blocking calls go to threads."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._at = surroundings
        self._running: dict[str, Attempt] = {}

    async def run(self, job: Job, environment: str) -> None:
        """Run the job's attempt until the job's end is recorded."""
        task_id = new_task_id()
        attempt = self._running[job.id] = Attempt(task_id, Folder(self._at.attempts / task_id))
        job.container.update(_arns(job.region, environment, task_id))
        try:
            ending = await self._attempt(job, attempt, environment)
        except endings.StartError as error:
            ending = endings.not_started(error)
        except Exception:  # noqa: BLE001 - whatever breaks here breaks one attempt, as a failing host would
            _LOG.exception("job %s", job.id)
            ending = {"statusReason": endings.HOST_LOST}
        finally:
            del self._running[job.id]
            self._at.credentials.revoke(task_id)
            await attempt.remove()
        endings.record(job.detail, ending, job.stop)
        self._at.store.save_job(job)

    async def reattach(self, job: Job) -> None:
        """An attempt of an earlier endpoint has lost its host."""
        endings.record(job.detail, {"statusReason": endings.HOST_LOST}, job.stop)
        self._at.store.save_job(job)

    async def _attempt(self, job: Job, attempt: Attempt, environment: str) -> Document:
        await self._at.faults.linger(lambda: job.stop is not None)
        image = await self._image(job.container["image"])
        own = {**await self._role(job, attempt), **_own_variables(job, environment)}
        stream = _stream(job, attempt.task_id)
        await asyncio.to_thread(create_stream, self._at.clients, job.region, stream)
        if job.stop is not None:
            return {}
        attempt.folder.create()
        attempt.limit = self._at.guard.limit(attempt.task_id, job.memory_mib)
        attempt.process = self._start(job, attempt, attempt.limit, image, own)
        shipper = Shipper(self._at.clients, job.region, stream, attempt.folder.output)
        try:
            job.container["logStreamName"] = stream
            job.detail.update(status="RUNNING", startedAt=now_ms())
            self._at.store.save_job(job)
            exit_code = await self._watch(job, attempt, attempt.process)
        finally:
            await shipper.finish()
        return endings.exited(exit_code, out_of_memory=attempt.limit.exceeded())

    async def _image(self, name: str) -> Image:
        if self._at.faults.take("image_pull_failure"):
            raise endings.cannot_pull(name, "failed to resolve reference {image}: the registry is away")
        known = self._at.images.cached(name)
        if known is not None:
            return known
        try:
            return await asyncio.to_thread(self._at.images.resolve, name)
        except ImageNotFoundError as error:
            problem = "manifest for {image} not found: manifest unknown: Requested image not found"
            raise endings.cannot_pull(name, problem) from error
        except (BotoCoreError, ClientError) as error:
            raise endings.cannot_pull(name, "failed to resolve reference {image}: the registry is away") from error

    async def _role(self, job: Job, attempt: Attempt) -> dict[str, str]:
        role = job.container.get("jobRoleArn")
        if not role:
            return {}
        grant = await asyncio.to_thread(self._at.credentials.grant, attempt.task_id, role, job.region)
        if grant is None:
            raise endings.cannot_assume(role)
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self._at.batch_url}/v1/credentials/{attempt.task_id}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": grant.token,
        }

    def _start(self, job: Job, attempt: Attempt, limit: Limit, image: Image, own: Document) -> Process:
        base = variables.endpoints(self._at.ministack_url, self._at.batch_url, job.region)
        environment = job_environment(image, job, attempt.folder, {**base, "AWS_EXECUTION_ENV": "AWS_ECS_EC2"}, own)
        words = [*image.entrypoint, *job.container["command"]]
        try:
            process = Process.start(words, environment, attempt.folder, limit.enter())
        except NotStartableError as error:
            raise endings.cannot_start(str(error), error.code) from error
        limit.watch(process.identity)
        return process

    async def _watch(self, job: Job, attempt: Attempt, process: Process) -> int:
        limit_s = job.detail.get("timeout", {}).get("attemptDurationSeconds")
        if limit_s is not None:
            loop = asyncio.get_running_loop()
            scaled_s = self._at.faults.scaled(limit_s)
            attempt.keep(loop.call_later(scaled_s, self.stop, job, {"statusReason": endings.TIMED_OUT}))
        if self._at.faults.take("host_loss"):
            self.stop(job, {"statusReason": endings.HOST_LOST}, 0)
        elif self._at.faults.take("spot_interruption"):
            self.stop(job, {"statusReason": endings.HOST_LOST})
        exit_code = await process.ended()
        processes.send(attempt.members(), signal.SIGKILL)  # stragglers end with the main process
        return exit_code

    def stop(self, job: Job, ending: Document, grace_s: float | None = None) -> None:
        """End the running attempt; it will say `ending`. Whoever asks first decides what it says."""
        attempt = self._running.get(job.id)
        if job.stop is None and attempt is not None:
            job.stop = ending
            attempt.stop(self._at.faults.scaled(self._at.stop_grace_s) if grace_s is None else grace_s)


def _arns(region: str, environment: str, task_id: str) -> dict[str, str]:
    prefix, host = f"arn:aws:ecs:{region}:{ACCOUNT}", uuid.uuid5(_HOSTS, environment).hex
    return {
        "taskArn": f"{prefix}:task/{environment}_Batch/{task_id}",
        "containerInstanceArn": f"{prefix}:container-instance/{environment}_Batch/{host}",
    }


def _stream(job: Job, task_id: str) -> str:
    definition = name_in(job.detail["jobDefinition"], "job-definition").split(":")[0]
    return f"{definition[:200]}/default/{task_id}"


def _own_variables(job: Job, environment: str) -> dict[str, str]:
    return {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JOB_ATTEMPT": str(len(job.detail["attempts"]) + 1),
        "AWS_BATCH_JQ_NAME": name_in(job.queue, "job-queue"),
        "AWS_BATCH_CE_NAME": environment,
        **job.array_variables(),
    }

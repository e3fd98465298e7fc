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

from recloser import processes
from recloser.sandbox import environment as variables
from recloser.sandbox.batch import endings
from recloser.sandbox.batch.attempt import Attempt
from recloser.sandbox.batch.launch import Folder, Note, NotStartableError, executable, job_environment
from recloser.sandbox.batch.logs import MissingGroupError, Shipper
from recloser.sandbox.batch.model import Document, Job, name_in, new_task_id, now_ms
from recloser.sandbox.batch.mounts import with_shared_memory
from recloser.sandbox.batch.shim import KILLED, Adopted, Started
from recloser.sandbox.batch.trash import Trash
from recloser.sandbox.bootstrap import LOG_GROUP
from recloser.sandbox.images import ImageNotFoundError
from recloser.sandbox.ministack import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from pathlib import Path

    from recloser.sandbox.batch.credentials import Credentials
    from recloser.sandbox.batch.faults import Switches
    from recloser.sandbox.batch.logs import LogService
    from recloser.sandbox.batch.memory import Guard
    from recloser.sandbox.batch.pulls import Pulls
    from recloser.sandbox.batch.shim import Process
    from recloser.sandbox.batch.store import Store
    from recloser.sandbox.images import Image, Images

_HOSTS = uuid.UUID("6ba7b814-9dad-11d1-80b4-00c04fd430c8")
_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105 - the name of a variable
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every attempt works with."""

    store: Store
    logs: LogService
    ready: Callable[[], Awaitable[None]]
    """Returns as soon as MiniStack serves."""
    images: Images
    credentials: Credentials
    pulls: Pulls
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
        self._trash = Trash()

    async def run(self, job: Job, environment: str) -> None:
        """Run the job's attempt until the job's end is recorded."""
        attempt = self._attempt_of(new_task_id())
        job.container.update(_arns(job.region, environment, attempt.task_id))
        await self._to_the_end(job, attempt, self._from_the_start(job, attempt, environment))

    async def reattach(self, job: Job) -> None:
        """Take up the RUNNING attempt of an earlier endpoint and see it to its end."""
        attempt = self._attempt_of(task_of(job))
        await self._to_the_end(job, attempt, self._from_the_middle(job, attempt))

    async def close(self) -> None:
        """Wait until nothing of any attempt is left."""
        await self._trash.emptied()

    def _attempt_of(self, task_id: str) -> Attempt:
        return Attempt(task_id, Folder(self._at.attempts / task_id))

    async def _to_the_end(self, job: Job, attempt: Attempt, course: Coroutine[None, None, Document]) -> None:
        self._running[job.id] = attempt
        try:
            ending = await course
        except endings.StartError as error:
            ending = endings.not_started(error)
        except Exception:  # noqa: BLE001 - whatever breaks here breaks one attempt, as a failing host would
            _LOG.exception("job %s", job.id)
            ending = {"statusReason": endings.HOST_LOST}
        finally:
            del self._running[job.id]
            self._at.credentials.revoke(attempt.task_id)
            await attempt.clear()
            self._trash.put(attempt.folder)
        endings.record(job.detail, ending, job.stop)
        self._at.store.save_job(job)

    async def _from_the_start(self, job: Job, attempt: Attempt, environment: str) -> Document:
        await self._at.faults.linger(lambda: job.stop is not None)
        await self._at.ready()
        await self._at.pulls.check(job, attempt.task_id)
        image = await self._image(job.container["image"])
        own = {**await self._role(job, attempt), **_own_variables(job, environment)}
        stream = _stream(job, attempt.task_id)
        if self._at.faults.take("log_stream_missing"):
            self._at.logs.withhold(stream)
        await self._open_log(job, stream)
        if job.stop is not None:
            return {}
        process = self._start(job, attempt, image, own)
        job.container["logStreamName"] = stream
        job.detail.update(status="RUNNING", startedAt=now_ms())
        self._at.store.save_job(job)
        await self._at.store.settled()
        process.begin()
        return await self._watch(job, attempt, process, fresh=True)

    async def _from_the_middle(self, job: Job, attempt: Attempt) -> Document:
        note = attempt.folder.read_note()
        if note is None:  # `down` has ended it, or the host did
            return {"statusReason": endings.HOST_LOST}
        attempt.limit = self._at.guard.resume(note.group, attempt.task_id, job.memory_mib)
        if processes.is_alive(note.process):
            attempt.limit.watch(note.process)
        process = attempt.process = Adopted(note.process, attempt.folder)
        if job.stop is not None:
            attempt.stop(self._grace_s())
        if note.token is not None:
            role = job.container["jobRoleArn"]
            await asyncio.to_thread(self._at.credentials.grant, attempt.task_id, role, job.region, note.token)
        return await self._watch(job, attempt, process, fresh=False)

    async def _image(self, name: str) -> Image:
        if self._at.faults.take("image_pull_failure"):
            raise endings.no_registry(name)
        try:
            return await self._at.images.find(name)
        except ImageNotFoundError as error:
            raise endings.no_image(name) from error
        except (BotoCoreError, ClientError) as error:
            raise endings.no_registry(name) from error

    async def _role(self, job: Job, attempt: Attempt) -> dict[str, str]:
        role = job.container.get("jobRoleArn")
        if not role:
            return {}
        grant = await asyncio.to_thread(self._at.credentials.grant, attempt.task_id, role, job.region)
        if grant is None:
            raise endings.cannot_assume(role)
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self._at.batch_url}/v1/credentials/{attempt.task_id}",
            _TOKEN: grant.token,
        }

    async def _open_log(self, job: Job, stream: str) -> None:
        region, group, options = _log_of(job)
        make_group = options.get("awslogs-create-group") == "true"
        try:
            await self._at.logs.create(region, stream, group, make_group=make_group)
        except MissingGroupError as error:
            raise endings.no_log_group() from error

    def _start(self, job: Job, attempt: Attempt, image: Image, own: Mapping[str, str]) -> Started:
        base = variables.endpoints(self._at.ministack_url, self._at.batch_url, job.region)
        environment = job_environment(image, job, attempt.folder, {**base, "AWS_EXECUTION_ENV": "AWS_ECS_EC2"}, own)
        words = [*image.entrypoint, *job.container["command"]]
        attempt.folder.create()
        try:
            program = executable(words, environment, attempt.folder.work)
        except NotStartableError as error:
            raise endings.cannot_start(str(error), error.code) from error
        limit = attempt.limit = self._at.guard.limit(attempt.task_id, job.memory_mib)
        command = with_shared_memory([program, *words[1:]], job.container)
        process = attempt.process = Started.start(command, environment, attempt.folder, limit.enter())
        attempt.folder.write_note(Note(process=process.identity, group=limit.group, token=own.get(_TOKEN)))
        limit.watch(process.identity)
        return process

    async def _watch(self, job: Job, attempt: Attempt, process: Process, *, fresh: bool) -> Document:
        region, group, _ = _log_of(job)
        stream = job.container["logStreamName"]
        shipper = Shipper(self._at.logs, region, stream, attempt.folder.output, group=group, fresh=fresh)
        try:
            self._limit_time(job, attempt)
            if fresh:
                self._lose_host(job)
            exit_code = await process.ended()
            processes.send(attempt.members(), signal.SIGKILL)  # stragglers end with the main process
        finally:
            await shipper.finish()
        out_of_memory = attempt.limit is not None and attempt.limit.exceeded()
        if exit_code is None:
            if job.stop is None and not out_of_memory:
                return {"statusReason": endings.HOST_LOST}
            exit_code = KILLED
        return endings.exited(exit_code, out_of_memory=out_of_memory)

    def _limit_time(self, job: Job, attempt: Attempt) -> None:
        limit_s = job.detail.get("timeout", {}).get("attemptDurationSeconds")
        if limit_s is not None:
            left_s = self._at.faults.scaled(limit_s) - (now_ms() - job.detail["startedAt"]) / 1000
            loop = asyncio.get_running_loop()
            attempt.keep(loop.call_later(left_s, self.stop, job, {"statusReason": endings.TIMED_OUT}))

    def _lose_host(self, job: Job) -> None:
        if self._at.faults.take("host_loss"):
            self.stop(job, {"statusReason": endings.HOST_LOST}, 0)
        elif self._at.faults.take("spot_interruption"):
            self.stop(job, {"statusReason": endings.HOST_LOST})

    def stop(self, job: Job, ending: Document, grace_s: float | None = None) -> None:
        """End the running attempt; it will say `ending`. Whoever asks first decides what it says."""
        attempt = self._running.get(job.id)
        if job.stop is None and attempt is not None:
            job.stop = ending
            self._at.store.save_job(job)
            attempt.stop(self._grace_s() if grace_s is None else grace_s)

    def _grace_s(self) -> float:
        return self._at.faults.scaled(self._at.stop_grace_s)


def task_of(job: Job) -> str:
    """The task of the job's current attempt."""
    return str(job.container["taskArn"]).rsplit("/", 1)[-1]


def _arns(region: str, environment: str, task_id: str) -> dict[str, str]:
    prefix, host = f"arn:aws:ecs:{region}:{ACCOUNT}", uuid.uuid5(_HOSTS, environment).hex
    return {
        "taskArn": f"{prefix}:task/{environment}_Batch/{task_id}",
        "containerInstanceArn": f"{prefix}:container-instance/{environment}_Batch/{host}",
    }


def _stream(job: Job, task_id: str) -> str:
    definition = name_in(job.detail["jobDefinition"], "job-definition").split(":")[0]
    return f"{definition[:200]}/default/{task_id}"


def _log_of(job: Job) -> tuple[str, str, Mapping[str, str]]:
    """Region and group of the job's log, and the driver's options."""
    options = (job.container.get("logConfiguration") or {}).get("options") or {}
    return options.get("awslogs-region", job.region), options.get("awslogs-group", LOG_GROUP), options


def _own_variables(job: Job, environment: str) -> dict[str, str]:
    return {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JOB_ATTEMPT": str(len(job.detail["attempts"]) + 1),
        "AWS_BATCH_JQ_NAME": name_in(job.queue, "job-queue"),
        "AWS_BATCH_CE_NAME": environment,
        **job.array_variables(),
    }

"""An account that lives in a few sets and dictionaries: what diagnosis and remedies ask, answered in memory."""

from __future__ import annotations

import json
from collections.abc import Callable  # noqa: TC003 - a dataclass reads its annotations
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - as above
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import SecretStr

from recloser.aws import AccessRefused, Account, JobEvent, NotFound, ObjectInfo, Unreachable
from recloser.healing.site import Site
from recloser.target import Target
from recloser.values import (
    Capacity,
    ComputeEnvironment,
    ContainerEdits,
    Evidence,
    JobAttempt,
    JobDefinition,
    JobQueue,
    JobSnapshot,
    JobSpec,
    JobState,
    LogLine,
    LogTail,
    OutputCheck,
    utc_now,
)

T = TypeVar("T")
ROLE_ARN = "arn:aws:iam::000000000000:role/optimo-job"
DEFINITION_ARN = "arn:aws:batch:us-east-1:000000000000:job-definition/optimo:3"
REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com"


@dataclass
class FakeIam:
    """Allows what is in `allowed`; a granted inline policy adds to it."""

    allowed: set[tuple[str, str]] = field(default_factory=set)
    policies: dict[str, str] = field(default_factory=dict)
    trust: dict[str, str] = field(default_factory=dict)
    granted_to: list[str] = field(default_factory=list)

    def role_arn(self, role: str) -> str:
        return f"arn:aws:iam::000000000000:role/{role}"

    def trust_policy(self, role: str) -> str:
        if role not in self.trust:
            raise NotFound(f"no role {role}", service="iam", operation="GetRole")
        return self.trust[role]

    def put_trust_policy(self, role: str, document: str) -> None:
        self.trust[role] = document

    def allows(self, role_arn: str, action: str, resource: str) -> bool:
        return (action, resource) in self.allowed

    def put_inline_policy(self, role: str, policy: str, document: str) -> None:
        self.policies[policy] = document
        self.granted_to.append(role)

    def delete_inline_policy(self, role: str, policy: str) -> None:
        self.policies.pop(policy, None)


@dataclass
class FakeObjects:
    """Objects by URI."""

    bodies: dict[str, bytes] = field(default_factory=dict)

    def head(self, uri: str) -> ObjectInfo | None:
        body = self.bodies.get(uri)
        return None if body is None else ObjectInfo(size_bytes=len(body), etag="", modified_at=utc_now())

    def read(self, uri: str, limit_bytes: int) -> bytes:
        return self.bodies[uri][:limit_bytes]

    def put(self, uri: str, body: bytes | Path) -> None:
        self.bodies[uri] = body.read_bytes() if isinstance(body, Path) else body

    def delete(self, uri: str) -> None:
        self.bodies.pop(uri, None)


@dataclass
class FakeImages:
    """Tags of the one repository, and what each of them is built for."""

    tags: set[str] = field(default_factory=set)
    built_for: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def architectures(self, repository: str, named: str) -> tuple[str, ...]:
        return self.built_for.get(named, ())

    def digest(self, repository: str, tag: str) -> str | None:
        return f"sha256:{tag}" if tag in self.tags else None

    def delete_tag(self, repository: str, tag: str) -> None:
        self.tags.discard(tag)


@dataclass
class FakeBatch:
    """Job definitions by name, and jobs that end as `play` says of their submission."""

    definitions: dict[str, JobDefinition] = field(default_factory=dict)
    play: Callable[[JobSpec], Evidence] = lambda spec: failed()
    submitted: list[JobSpec] = field(default_factory=list)
    lost_answers: int = 0
    """How many of the next submissions are accepted without an answer."""
    closed: set[str] = field(default_factory=set)
    """Queues that do not exist."""
    terminated: set[str] = field(default_factory=set)

    def terminate(self, job_id: str, reason: str) -> None:
        self.terminated.add(job_id)

    def submit(self, spec: JobSpec) -> str:
        self.submitted.append(spec)
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unreachable("no answer in time", service="batch", operation="SubmitJob")
        return f"job-{len(self.submitted)}"

    def find(self, queue: str, job_name: str) -> tuple[str, ...]:
        return tuple(
            f"job-{n}" for n, spec in enumerate(self.submitted, 1) if (spec.queue, spec.name) == (queue, job_name)
        )

    def describe(self, job_ids: list[str]) -> dict[str, JobSnapshot]:
        return {job_id: self._end(job_id) for job_id in job_ids}

    def _end(self, job_id: str) -> JobSnapshot:
        spec = self.submitted[int(job_id.removeprefix("job-")) - 1]
        job = self.play(spec).job
        if job_id in self.terminated:
            job = job.model_copy(update={"state": JobState.FAILED, "is_terminated": True})
        memory_mib = spec.memory_mib or job.memory_mib
        return job.model_copy(update={"job_id": job_id, "log_stream": job_id, "memory_mib": memory_mib})

    def check_queue(self, name: str) -> None:
        if name in self.closed:
            raise NotFound(f"no job queue {name}", service="batch", operation="DescribeJobQueues")

    def definition(self, name: str) -> JobDefinition:
        for definition in self.definitions.values():
            if name in {definition.name, definition.arn}:
                return definition
        raise NotFound(f"no job definition {name}", service="batch", operation="DescribeJobDefinitions")

    def blueprint(self, name: str) -> str:
        short = name.rsplit("/", 1)[-1]
        container = {
            "image": f"{REGISTRY}/optimo:1.4.2",
            "command": ["run"],
            "jobRoleArn": ROLE_ARN,
            "environment": [{"name": "TOKEN", "value": "${TOKEN}"}],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "256"}],
        }
        document = {"jobDefinitionName": short.split(":")[0], "type": "container", "containerProperties": container}
        return json.dumps({**document, "tags": {}, "revision": 3})

    def register_sibling(
        self, definition_arn: str, *, name: str, edits: ContainerEdits, tags: dict[str, str]
    ) -> JobDefinition:
        edited = edits.model_dump(exclude_none=True, exclude={"unset_environment"})
        made = JobDefinition(arn=f"arn:{name}:1", name=name, revision=1, tags=tags, **edited)
        self.definitions[name] = made
        return made

    def deregister(self, definition_arn: str) -> None:
        self.definitions = {n: d for n, d in self.definitions.items() if d.arn != definition_arn}


@dataclass
class FakeSuccesses:
    """The latest success of the one definition, if its queue lists one."""

    newest: str | None = None

    def newest_success(self, queue: str, definition_arn: str) -> str | None:
        return self.newest


@dataclass
class FakeCapacity:
    """What each queue can place; unknown by default."""

    queues: dict[str, Capacity] = field(default_factory=dict)
    shown: JobQueue | None = None
    """The one queue as Batch describes it."""
    ahead: tuple[str, ...] = ()
    launches: tuple[str, ...] = ()
    quota: float | None = None
    silent: set[str] = field(default_factory=set)
    """Questions that may not be asked."""

    def of_queue(self, queue: str) -> Capacity:
        return self.queues.get(queue, Capacity())

    def queue(self, name: str) -> JobQueue | None:
        return self._answer("queue", self.shown)

    def front(self, queue: str) -> tuple[str, ...]:
        return self._answer("front", self.ahead)

    def failed_launches(self, environment: ComputeEnvironment) -> tuple[str, ...]:
        return self._answer("failed_launches", self.launches)

    def vcpu_quota(self, environment: ComputeEnvironment) -> float | None:
        return self._answer("vcpu_quota", self.quota)

    def _answer(self, question: str, answer: T) -> T:
        if question in self.silent:
            raise AccessRefused("no right to ask", service="batch", operation=question)
        return answer


@dataclass
class FakeBuilds:
    """A CodeBuild that publishes the tag it is asked for, unless it is to fail."""

    images: FakeImages
    failure: str | None = None
    asked: list[str] = field(default_factory=list)

    def run(self, project: str, *, variables: dict[str, str], token: str, timeout_s: float) -> str | None:
        self.asked.append(project)
        if self.failure is None:
            self.images.tags.add(variables["IMAGE_TAG"])
        return self.failure


@dataclass
class FakeLogGroups:
    """Groups by name, with their tags; those in `used` hold a stream."""

    groups: dict[str, dict[str, str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def exists(self, group: str) -> bool:
        return group in self.groups

    def create(self, group: str, *, retention_days: int, tags: dict[str, str]) -> None:
        self.groups.setdefault(group, {**tags, "retention": str(retention_days)})

    def delete_if_unused(self, group: str, *, tag: tuple[str, str]) -> bool:
        if group in self.used or self.groups.get(group, {}).get(tag[0]) != tag[1]:
            return False
        del self.groups[group]
        return True


@dataclass
class FakeInsights:
    """What the one task was seen to use."""

    peak_mib: float | None = None

    def peak_memory_mib(self, task_arn: str, *, since: datetime, until: datetime) -> float | None:
        return self.peak_mib


@dataclass
class FakeEvents:
    """Events by a script: one tuple a look; the last is repeated."""

    script: list[tuple[JobEvent, ...]] = field(default_factory=lambda: [()])
    forgotten: list[str] = field(default_factory=list)

    def receive(self, queue_url: str, *, wait_s: float) -> tuple[JobEvent, ...]:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def forget(self, queue_url: str, events: list[JobEvent]) -> None:
        self.forgotten += [event.receipt for event in events]


@dataclass
class FakeLogs:
    """Each job's log, in a stream of its own name."""

    batch: FakeBatch
    gone: set[str] = field(default_factory=set)
    """Streams whose retention is over."""

    def tail(self, stream: str, *, lines: int, redact: Callable[[str], str], group: str) -> LogTail:
        if stream in self.gone:
            return LogTail(stream=stream, note=f"the log stream {stream} does not exist (yet) in {group}")
        spec = self.batch.submitted[int(stream.removeprefix("job-")) - 1]
        shown = self.batch.play(spec).log.lines[-lines:]
        return LogTail(stream=stream, lines=tuple(LogLine(at=line.at, text=redact(line.text)) for line in shown))

    def window(self, stream: str, pattern: object, **bounds: object) -> tuple[LogLine, ...]:
        return ()


@dataclass
class FakeAccount:
    """The gateways a probe or a remedy may ask."""

    iam: FakeIam = field(default_factory=FakeIam)
    objects: FakeObjects = field(default_factory=FakeObjects)
    images: FakeImages = field(default_factory=FakeImages)
    batch: FakeBatch = field(default_factory=FakeBatch)
    events: FakeEvents = field(default_factory=FakeEvents)
    insights: FakeInsights = field(default_factory=FakeInsights)
    capacity: FakeCapacity = field(default_factory=FakeCapacity)
    fleet: FakeSuccesses = field(default_factory=FakeSuccesses)
    log_groups: FakeLogGroups = field(default_factory=FakeLogGroups)
    account_id: str = "000000000000"
    region: str = "us-east-1"
    identity_arn: str = "arn:aws:iam::000000000000:user/recloser"

    others: dict[str, FakeAccount] = field(default_factory=dict)
    """The account in other regions; of any other region nothing is there."""

    def __post_init__(self) -> None:
        self.logs = FakeLogs(self.batch)
        self.builds = FakeBuilds(self.images)

    def elsewhere(self, region: str) -> FakeAccount:
        nothing = FakeAccount(region=region, batch=FakeBatch(closed={"optimo"}))
        there = self.others.get(region, nothing)
        there.others = self.others
        return there


def a_target(folder: Path, **tables: Any) -> Target:
    """A target with one job, and whatever tables are given."""
    declared = {
        "name": "optimo",
        "folder": folder,
        "job": {"queue": "optimo", "definition": "optimo", "role": "optimo-job"},
    }
    return Target.model_validate(declared | tables)


def a_site(target: Target, account: FakeAccount) -> Site:
    """A target in the fake account."""
    return Site(target=target, account=cast("Account", account))


def failed(
    *log: str,
    exit_code: int | None = 1,
    container_reason: str | None = None,
    status_reason: str | None = "Essential container in task exited",
    environment: dict[str, str] | None = None,
    memory_mib: int = 256,
    image: str = f"{REGISTRY}/optimo:1.4.2",
    outputs: tuple[OutputCheck, ...] = (),
    **job: Any,
) -> Evidence:
    """Evidence of a failed attempt."""
    attempt = JobAttempt(number=1, exit_code=exit_code, container_reason=container_reason, status_reason=status_reason)
    facts = {
        "job_id": "job-1",
        "name": "optimo-1",
        "state": JobState.FAILED,
        "queue": "optimo",
        "definition_arn": DEFINITION_ARN,
        "job_role_arn": ROLE_ARN,
        "memory_mib": memory_mib,
        "image": image,
        "environment": {name: SecretStr(value) for name, value in (environment or {}).items()},
        "log_stream": "stream",
        "attempts": (attempt,),
    }
    lines = tuple(LogLine(at=utc_now(), text=text) for text in log)
    return Evidence(
        job=JobSnapshot.model_validate(facts | job),
        log=LogTail(stream="stream", lines=lines),
        outputs=outputs,
        collected_at=utc_now(),
    )


def succeeded(**job: Any) -> Evidence:
    """Evidence of an attempt that exited 0."""
    return failed(exit_code=0, state=JobState.SUCCEEDED, **job)

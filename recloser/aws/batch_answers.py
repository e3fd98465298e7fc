"""From Batch's answers to our values: tolerant of what is missing, strict about what makes no sense."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from recloser.redaction import clean
from recloser.values import JobAttempt, JobDefinition, JobSnapshot, JobState, Platform

Answer = Mapping[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def snapshot_of(job: Answer) -> JobSnapshot:
    """One entry of DescribeJobs.

    Raises:
        KeyError, TypeError, ValueError: The entry is not what the API promises.
    """
    container = job.get("container") or {}
    attempts = _attempts_of(job, container)
    return JobSnapshot(
        job_id=clean(job["jobId"]),
        name=clean(job["jobName"]),
        state=JobState(job["status"]),
        status_reason=_text(job.get("statusReason")),
        queue=clean(job["jobQueue"]),
        definition_arn=clean(job["jobDefinition"]),
        timeout_s=(job.get("timeout") or {}).get("attemptDurationSeconds"),
        **_container(container, job),
        log_stream=_text(container.get("logStreamName")) or (attempts[-1].log_stream if attempts else None),
        attempts=attempts,
        retry_limit=(job.get("retryStrategy") or {}).get("attempts"),
        tags={clean(name): clean(value) for name, value in (job.get("tags") or {}).items()},
        array_size=(job.get("arrayProperties") or {}).get("size"),
        is_cancelled=bool(job.get("isCancelled")),
        is_terminated=bool(job.get("isTerminated")),
        created_at=_time(job.get("createdAt")),
        started_at=_time(job.get("startedAt")),
        stopped_at=_time(job.get("stoppedAt")),
    )


def definition_of(definition: Answer) -> JobDefinition:
    """One entry of DescribeJobDefinitions; only definitions of one container are known here.

    Raises:
        KeyError, TypeError, ValueError: The entry is not what the API promises.
    """
    container = definition["containerProperties"]
    return JobDefinition(
        arn=definition["jobDefinitionArn"],
        name=definition["jobDefinitionName"],
        revision=definition["revision"],
        **_container(container, definition),
        tags=definition.get("tags") or {},
    )


def _container(container: Answer, around: Answer) -> dict[str, Any]:
    """What a job and a job definition say of their container in the same words."""
    logs = container.get("logConfiguration") or {}
    return {
        "image": _text(container.get("image")),
        "command": tuple(clean(word) for word in container.get("command") or ()),
        "job_role_arn": _text(container.get("jobRoleArn")),
        "execution_role_arn": _text(container.get("executionRoleArn")),
        "platform": Platform.FARGATE if "FARGATE" in (around.get("platformCapabilities") or ()) else Platform.EC2,
        "memory_mib": _memory_mib(container),
        "vcpus": _vcpus(container),
        "gpus": int(asked) if (asked := _requirement(container, "GPU")) else None,
        "shared_memory_mib": (container.get("linuxParameters") or {}).get("sharedMemorySize"),
        "ephemeral_gib": (container.get("ephemeralStorage") or {}).get("sizeInGiB"),
        "cpu_architecture": (container.get("runtimePlatform") or {}).get("cpuArchitecture"),
        "log_options": {clean(name): clean(value) for name, value in (logs.get("options") or {}).items()},
        "environment": _environment(container),
    }


def _attempts_of(job: Answer, container: Answer) -> tuple[JobAttempt, ...]:
    """The recorded attempts, or what the job itself says of its end where Batch recorded none."""
    recorded = job.get("attempts") or []
    if not recorded and JobState(job["status"]).is_terminal and container.keys() & {"exitCode", "reason"}:
        recorded = [{**job, "container": container}]
    return tuple(_attempt(number, attempt) for number, attempt in enumerate(recorded, start=1))


def _attempt(number: int, attempt: Answer) -> JobAttempt:
    container = attempt.get("container") or {}
    return JobAttempt(
        number=number,
        exit_code=container.get("exitCode"),
        container_reason=_text(container.get("reason")),
        status_reason=_text(attempt.get("statusReason")),
        log_stream=_text(container.get("logStreamName")),
        task_arn=_text(container.get("taskArn")),
        started_at=_time(attempt.get("startedAt")),
        stopped_at=_time(attempt.get("stoppedAt")),
    )


def _environment(container: Answer) -> dict[str, SecretStr]:
    pairs: Iterable[Answer] = container.get("environment") or []
    return {pair["name"]: SecretStr(pair.get("value") or "") for pair in pairs}


def _requirement(container: Answer, kind: str) -> str | None:
    requirements: Iterable[Answer] = container.get("resourceRequirements") or []
    return next((entry["value"] for entry in requirements if entry["type"] == kind), None)


def _memory_mib(container: Answer) -> int | None:
    asked = _requirement(container, "MEMORY") or container.get("memory")
    return int(asked) if asked else None


def _vcpus(container: Answer) -> float | None:
    asked = _requirement(container, "VCPU") or container.get("vcpus")
    return float(asked) if asked else None


def _text(value: str | None) -> str | None:
    return clean(value) if value else None


def _time(milliseconds: int | None) -> datetime | None:
    return _EPOCH + timedelta(milliseconds=milliseconds) if milliseconds else None

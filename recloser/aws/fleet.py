"""Many jobs at a time: which have failed, what they were submitted with, and which of a name are there.

Every call here answers for a page of jobs; none is made once a job.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from recloser.aws.translation import sensible, translated
from recloser.values import FailedJob, JobSpec, RetryRule, RetryStrategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_batch import BatchClient

_PER_CALL = 100
_RESERVED = "AWS_BATCH"
_SIZES = {"MEMORY": ("memory_mib", int), "VCPU": ("vcpus", float), "GPU": ("gpus", int)}


class FleetGateway:
    """Reads of many Batch jobs."""

    def __init__(self, client: BatchClient) -> None:
        self._client = client

    def failed(self, queue: str, *, since: datetime) -> tuple[FailedJob, ...]:
        """The jobs of a queue that have failed since a moment, arrays as one job, oldest first."""
        found = [_failed(job) for job in self._listed(jobQueue=queue, jobStatus="FAILED")]
        recent = [job for job in found if job.stopped_at is None or job.stopped_at >= since]
        return tuple(sorted(recent, key=lambda job: job.stopped_at or since))

    @translated("batch", "ListJobs")
    def newest_success(self, queue: str, definition_arn: str) -> str | None:
        """The id of the latest job of a definition, of any revision, that succeeded; one page of jobs is looked at."""
        answer = self._client.list_jobs(jobQueue=queue, jobStatus="SUCCEEDED", maxResults=_PER_CALL)
        with sensible("batch", "ListJobs"):
            wanted = _definition_name(definition_arn)
            same = [job for job in answer["jobSummaryList"] if _definition_name(job.get("jobDefinition", "")) == wanted]
            newest = max(same, key=lambda job: job.get("stoppedAt", 0), default=None)
            return newest["jobId"] if newest else None

    def failed_children(self, parent_id: str) -> tuple[str, ...]:
        """Ids of the children of an array that have failed, by index."""
        ids = [job["jobId"] for job in self._listed(arrayJobId=parent_id, jobStatus="FAILED")]
        return tuple(sorted(ids, key=lambda child: int(child.rpartition(":")[2])))

    def named(self, queue: str, prefix: str) -> dict[str, tuple[str, ...]]:
        """Ids of all jobs whose names begin so, by name, oldest first."""
        jobs = list(self._listed(jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [f"{prefix}*"]}]))
        by_name: dict[str, list[str]] = defaultdict(list)
        for job in sorted(jobs, key=lambda job: job.get("createdAt", 0)):
            by_name[job["jobName"]].append(job["jobId"])
        return {name: tuple(ids) for name, ids in by_name.items()}

    def specs(self, job_ids: Iterable[str]) -> dict[str, JobSpec]:
        """What jobs were submitted with, so that they can be submitted again: only what differs from their definition.

        Batch's own variables are left out: no submission may set them. So are dependencies on other jobs: what has run
        had what it depended on. That an array's children wait for each other still holds.
        """
        jobs = list(self._described(list(dict.fromkeys(job_ids))))
        definitions = self._definitions({job["jobDefinition"] for job in jobs})
        with sensible("batch", "DescribeJobs"):
            return {job["jobId"]: _spec(job, definitions.get(job["jobDefinition"], {})) for job in jobs}

    def _listed(self, **request: Any) -> Iterator[Mapping[str, Any]]:
        with translated("batch", "ListJobs"):
            for page in self._client.get_paginator("list_jobs").paginate(**request):
                yield from page.get("jobSummaryList", [])

    def _described(self, job_ids: list[str]) -> Iterator[Mapping[str, Any]]:
        for start in range(0, len(job_ids), _PER_CALL):
            with translated("batch", "DescribeJobs"):
                yield from self._client.describe_jobs(jobs=job_ids[start : start + _PER_CALL])["jobs"]

    def _definitions(self, arns: set[str]) -> dict[str, Mapping[str, Any]]:
        known: dict[str, Mapping[str, Any]] = {}
        wanted = sorted(arns)
        for start in range(0, len(wanted), _PER_CALL):
            with translated("batch", "DescribeJobDefinitions"):
                answer = self._client.describe_job_definitions(jobDefinitions=wanted[start : start + _PER_CALL])
            known.update((one["jobDefinitionArn"], one) for one in answer["jobDefinitions"])
        return known


def _definition_name(definition: str) -> str:
    return definition.rpartition("/")[2].partition(":")[0]


def _failed(job: Mapping[str, Any]) -> FailedJob:
    with sensible("batch", "ListJobs"):
        stopped = job.get("stoppedAt")
        return FailedJob(
            job_id=job["jobId"],
            stopped_at=datetime.fromtimestamp(stopped / 1000, UTC) if stopped else None,
            array_size=(job.get("arrayProperties") or {}).get("size"),
        )


def _spec(job: Mapping[str, Any], definition: Mapping[str, Any]) -> JobSpec:
    container, own = job.get("container") or {}, definition.get("containerProperties") or {}
    given: dict[str, Any] = {}
    if container.get("command") and container["command"] != own.get("command"):
        given["command"] = tuple(container["command"])
    if job.get("parameters") and job["parameters"] != definition.get("parameters"):
        given["parameters"] = job["parameters"]
    if job.get("timeout") and job["timeout"] != definition.get("timeout"):
        given["timeout_s"] = job["timeout"]["attemptDurationSeconds"]
    if size := (job.get("arrayProperties") or {}).get("size"):
        given["array_size"] = size
    given["is_sequential"] = any(one.get("type") == "SEQUENTIAL" for one in job.get("dependsOn") or ())
    if (strategy := _strategy(job)) != _strategy(definition):
        given["retry"] = strategy
    if share := job.get("shareIdentifier"):
        given["share"] = share
        priority = job.get("schedulingPriority")
        given["priority"] = None if priority == definition.get("schedulingPriority") else priority
    return JobSpec(
        name=job["jobName"],
        queue=job["jobQueue"],
        definition=job["jobDefinition"],
        environment=_environment(container, own),
        **_sizes(container, own),
        **given,
    )


def _strategy(document: Mapping[str, Any]) -> RetryStrategy:
    """Of a job or a definition; without one Batch tries once."""
    strategy = document.get("retryStrategy") or {}
    return RetryStrategy(
        attempts=strategy.get("attempts") or 1,
        rules=tuple(
            RetryRule(
                action=rule["action"].upper(),
                on_status_reason=rule.get("onStatusReason"),
                on_reason=rule.get("onReason"),
                on_exit_code=rule.get("onExitCode"),
            )
            for rule in strategy.get("evaluateOnExit") or ()
        ),
    )


def _environment(container: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, SecretStr]:
    default = {pair["name"]: pair.get("value") for pair in own.get("environment") or ()}
    return {
        pair["name"]: SecretStr(pair.get("value") or "")
        for pair in container.get("environment") or ()
        if not pair["name"].startswith(_RESERVED)
        and (pair["name"] not in default or default[pair["name"]] != pair.get("value"))
    }


def _sizes(container: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    default = {entry["type"]: entry["value"] for entry in own.get("resourceRequirements") or ()}
    return {
        _SIZES[entry["type"]][0]: _SIZES[entry["type"]][1](entry["value"])
        for entry in container.get("resourceRequirements") or ()
        if entry["type"] in _SIZES and default.get(entry["type"]) != entry["value"]
    }

"""AWS Batch as Recloser needs it: submit, look up, describe, terminate, and sibling job definitions.

Throttling happens below: every request of the two clients, retries included, takes a token of the process's limiter.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recloser.aws.batch_answers import definition_of, snapshot_of
from recloser.aws.batch_requests import given_of
from recloser.aws.errors import NotFound, Rejected
from recloser.aws.siblings import blueprint_of, sibling_of
from recloser.aws.translation import sensible, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.type_defs import (
        ContainerOverridesTypeDef,
        JobDefinitionTypeDef,
        ResourceRequirementTypeDef,
    )

    from recloser.values import ContainerEdits, JobDefinition, JobSnapshot, JobSpec

IDS_PER_DESCRIBE = 100
MAX_OVERRIDES = 8192
"""Characters of serialised container overrides; a longer submission fails at dispatch."""
MAX_REASON = 1024


class BatchGateway:
    """Calls to AWS Batch.

    Args:
        client: For every call that may be repeated.
        submitter: For SubmitJob only: it must not retry, because a repeated SubmitJob may make a second job.
        region: Named in messages.
    """

    def __init__(self, client: BatchClient, submitter: BatchClient, *, region: str) -> None:
        self._client = client
        self._submitter = submitter
        self._region = region

    def submit(self, spec: JobSpec) -> str:
        """Submit one job, once; whoever repeats it looks the name up with `find` first.

        Returns:
            The job's id.

        Raises:
            Rejected: The overrides are longer than Batch takes, or Batch refuses the submission.
        """
        overrides = _overrides_of(spec)
        with translated("batch", "SubmitJob"):
            answer = self._submitter.submit_job(
                jobName=spec.name,
                jobQueue=spec.queue,
                jobDefinition=spec.definition,
                containerOverrides=overrides,
                tags=dict(spec.tags),
                **given_of(spec),
            )
        with sensible("batch", "SubmitJob"):
            return str(answer["jobId"])

    @translated("batch", "ListJobs")
    def find(self, queue: str, job_name: str) -> tuple[str, ...]:
        """The ids of all jobs of exactly this name in a queue, in any state, oldest first."""
        pages = self._client.get_paginator("list_jobs").paginate(
            jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [job_name]}]
        )
        found = [job for page in pages for job in page.get("jobSummaryList", [])]
        with sensible("batch", "ListJobs"):
            named = [job for job in found if job["jobName"] == job_name]
            return tuple(job["jobId"] for job in sorted(named, key=lambda job: job.get("createdAt", 0)))

    def describe(self, job_ids: Iterable[str]) -> dict[str, JobSnapshot]:
        """What Batch knows of these jobs; those it does not know (yet, or any more) are absent."""
        known: dict[str, JobSnapshot] = {}
        wanted = list(dict.fromkeys(job_ids))
        for start in range(0, len(wanted), IDS_PER_DESCRIBE):
            with translated("batch", "DescribeJobs"):
                answer = self._client.describe_jobs(jobs=wanted[start : start + IDS_PER_DESCRIBE])
            with sensible("batch", "DescribeJobs"):
                known.update((snapshot.job_id, snapshot) for snapshot in map(snapshot_of, answer["jobs"]))
        return known

    @translated("batch", "TerminateJob")
    def terminate(self, job_id: str, reason: str) -> None:
        """Ask Batch to end a job, whatever its state; believe only its state afterwards."""
        self._client.terminate_job(jobId=job_id, reason=reason[:MAX_REASON])

    def definition(self, name: str) -> JobDefinition:
        """An active job definition.

        Args:
            name: Name (then its latest active revision), `name:revision`, or ARN.

        Raises:
            NotFound: There is none, or the revision is no longer active.
            Rejected: It is not a definition of one container.
        """
        found = self._definition(name)
        if found.get("status") == "INACTIVE":
            raise self._no_definition(name, "it is deregistered")
        return _value_of(found)

    def register_sibling(
        self, definition_arn: str, *, name: str, edits: ContainerEdits, tags: Mapping[str, str]
    ) -> JobDefinition:
        """Register a definition with the same content as another, but for some edits.

        Args:
            definition_arn: The definition to copy, active or not.
            name: Name of the new definition.
            edits: In what its container differs.
            tags: Added to the copied definition's own.

        Raises:
            NotFound: There is no definition to copy.
            Rejected: It is not a definition of one container.
        """
        original = self._definition(definition_arn)
        _value_of(original)
        request = sibling_of(original, name=name, edits=edits, tags=tags)
        with translated("batch", "RegisterJobDefinition"):
            answer = self._client.register_job_definition(**request)
        with sensible("batch", "RegisterJobDefinition"):
            return definition_of({**request, **answer})

    def blueprint(self, name: str) -> str:
        """A definition as RegisterJobDefinition would take it, as JSON with its `revision`, without environment values.

        Args:
            name: Name (then its latest active revision), `name:revision`, or ARN.

        Raises:
            NotFound: There is none.
            Rejected: It is not a definition of one container.
        """
        original = self._definition(name)
        _value_of(original)
        return json.dumps(blueprint_of(original))

    @translated("batch", "DeregisterJobDefinition")
    def deregister(self, definition_arn: str) -> None:
        """Make a job definition unusable for new jobs; repeating it does no harm."""
        self._client.deregister_job_definition(jobDefinition=definition_arn)

    @translated("batch", "DescribeJobQueues")
    def check_queue(self, name: str) -> None:
        """Make sure that a queue takes jobs.

        Raises:
            NotFound: There is no such queue in this region.
            Rejected: It is disabled or invalid; the message says which.
        """
        queues = self._client.describe_job_queues(jobQueues=[name]).get("jobQueues", [])
        about = {"service": "batch", "operation": "DescribeJobQueues"}
        if not queues:
            raise NotFound(f"no job queue {name!r} in {self._region}: is the region right?", **about)
        state, status = queues[0].get("state"), queues[0].get("status")
        if state != "ENABLED" or status not in {"VALID", "UPDATING", "CREATING"}:
            raise Rejected(f"job queue {name!r} in {self._region} takes no jobs: it is {state}, {status}", **about)

    def _definition(self, name: str) -> JobDefinitionTypeDef:
        with translated("batch", "DescribeJobDefinitions"):
            found = list(self._definitions(name))
        if not found:
            raise self._no_definition(name, "is the region right?")
        with sensible("batch", "DescribeJobDefinitions"):
            return max(found, key=lambda definition: definition["revision"])

    def _definitions(self, name: str) -> Iterator[JobDefinitionTypeDef]:
        bare = name.rpartition("/")[2]
        paginator = self._client.get_paginator("describe_job_definitions")
        pages = (
            paginator.paginate(jobDefinitions=[name])
            if ":" in bare
            else paginator.paginate(jobDefinitionName=bare, status="ACTIVE")
        )
        for page in pages:
            yield from page.get("jobDefinitions", [])

    def _no_definition(self, name: str, why: str) -> NotFound:
        return NotFound(
            f"no active job definition {name!r} in {self._region}: {why}",
            service="batch",
            operation="DescribeJobDefinitions",
        )


def _overrides_of(spec: JobSpec) -> ContainerOverridesTypeDef:
    """The container overrides; the only place where environment values are unwrapped."""
    overrides: ContainerOverridesTypeDef = {}
    if spec.environment:
        overrides["environment"] = [
            {"name": name, "value": value.get_secret_value()} for name, value in spec.environment.items()
        ]
    asked: list[ResourceRequirementTypeDef] = []
    if spec.memory_mib is not None:
        asked.append({"type": "MEMORY", "value": str(spec.memory_mib)})
    if spec.vcpus is not None:
        asked.append({"type": "VCPU", "value": f"{spec.vcpus:g}"})
    if spec.gpus is not None:
        asked.append({"type": "GPU", "value": str(spec.gpus)})
    if asked:
        overrides["resourceRequirements"] = asked
    if spec.command is not None:
        overrides["command"] = list(spec.command)
    _check_length(overrides, spec.name)
    return overrides


def _check_length(overrides: ContainerOverridesTypeDef, job_name: str) -> None:
    length = len(json.dumps(overrides, ensure_ascii=False, separators=(",", ":")))
    if length > MAX_OVERRIDES:
        raise Rejected(
            f"job {job_name!r}: Container Overrides length must be at most {MAX_OVERRIDES}; its command, environment "
            f"and sizes take {length} characters: pass large values through S3",
            service="batch",
            operation="SubmitJob",
        )


def _value_of(definition: Mapping[str, Any]) -> JobDefinition:
    if "containerProperties" not in definition:
        raise Rejected(
            f"job definition {definition.get('jobDefinitionName')!r} is not of one container; only those are supported",
            service="batch",
            operation="DescribeJobDefinitions",
        )
    with sensible("batch", "DescribeJobDefinitions"):
        return definition_of(definition)

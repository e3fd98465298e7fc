"""A submission that Batch did not take, as the job that failed it is to the rest of the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.aws import AwsError
from recloser.values import Container, JobSnapshot, JobState, utc_now

if TYPE_CHECKING:
    from recloser.healing.site import Site
    from recloser.values import AttemptRecord, JobSpec

_NO_JOB = "none"


def as_failed_job(site: Site, attempt: AttemptRecord, spec: JobSpec | None) -> JobSnapshot | None:
    """A refused submission as a job that failed: what it would have been, and Batch's words; None if it was taken."""
    if spec is None or not attempt.refused:
        return None
    container = _container(site, spec.definition)
    asked = {"memory_mib": spec.memory_mib, "vcpus": spec.vcpus, "gpus": spec.gpus, "command": spec.command}
    return JobSnapshot.model_validate(
        {name: getattr(container, name) for name in Container.model_fields}
        | {name: value for name, value in asked.items() if value is not None}
        | {
            "job_id": _NO_JOB,
            "name": spec.name,
            "state": JobState.FAILED,
            "status_reason": attempt.status_reason,
            "queue": spec.queue,
            "definition_arn": spec.definition,
            "environment": {**container.environment, **spec.environment},
            "timeout_s": spec.timeout_s,
            "stopped_at": utc_now(),
        }
    )


def _container(site: Site, definition: str) -> Container:
    try:
        return site.account.batch.definition(definition)
    except AwsError:
        return Container()

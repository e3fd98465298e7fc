"""Why a job does not move on: read-only questions about its queue, its compute environments and the account.

A job that is stuck has no log and no exit code, so it is not read but examined. The checks come in the order of AWS's
guide to jobs stuck in RUNNABLE; a quota is asked about before capacity, because the remedies are opposite. What cannot
be asked is named as a gap, and without a finding the answer is that nothing was found, never a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recloser.aws import AwsError
from recloser.healing.diagnosis import diagnose
from recloser.healing.remedies.limits import limits
from recloser.values import Cause, Diagnosis, Evidence, EvidenceLine, JobQueue, JobState, Value, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.healing.site import Site
    from recloser.values import ComputeEnvironment, JobSnapshot

_SEEN: Final = 0.97
"""Confidence in what the account itself says."""
_REMEDIES: Final = {
    Cause.RUNNABLE_QUOTA: ("request_quota", "switch_queue", "switch_region"),
    Cause.RUNNABLE_CAPACITY: ("switch_queue", "switch_region"),
    Cause.RUNNABLE_RESOURCE_REQUIREMENT: ("clamp_resources", "switch_queue"),
    Cause.COMPUTE_ENV_INVALID: ("fix_compute_environment", "switch_queue"),
}
"""What may be done about what keeps a job from being placed, and the order in which texts are believed."""


class _Finding(Value):
    """What one check has found."""

    cause: Cause
    summary: str
    said: str
    source: str = "probe"
    confidence: float = _SEEN
    subject: str = ""


def waits_its_turn(site: Site, job: JobSnapshot) -> bool:
    """Whether a RUNNABLE job is merely behind others; a queue that does not say counts as no."""
    if job.state is not JobState.RUNNABLE:
        return False
    try:
        front = site.account.capacity.front(job.queue)
    except AwsError:
        return False
    return bool(front) and front[0] != job.job_id


def examine(site: Site, evidence: Evidence) -> Diagnosis:
    """Name what holds a stuck job up, or say that nothing was found and what could not be asked.

    Args:
        site: The target in its account.
        evidence: A job that has not ended, and for how long it has not moved.
    """
    job = evidence.job
    waited = f"it has been {job.state} for {job.stuck_s or 0:.0f} s"
    if job.state is not JobState.RUNNABLE:
        return _unmoved(evidence, waited)
    gaps = list(evidence.gaps)
    queue = _queue(site, job, gaps)
    if queue is not None:
        for check in (_invalid, _launches, _told, _too_large, _beyond_quota):
            try:
                finding = check(site, job, queue)
            except AwsError as error:
                gaps.append(f"{(check.__doc__ or '').rstrip('.?').lower()}: {error}")
                continue
            if finding is not None:
                return _conclude(finding, waited, evidence, gaps)
    return Diagnosis(
        cause=Cause.RUNNABLE_UNDETERMINED,
        signature="doctor",
        subject=job.queue,
        summary=f"{waited}, and neither the queue, its compute environments nor its size explains it",
        confidence=_SEEN,
        evidence=_shown(evidence),
        not_checked=(*gaps, "whether instances joined the cluster, and their way out of the network"),
    )


def _queue(site: Site, job: JobSnapshot, gaps: list[str]) -> JobQueue | None:
    try:
        queue = site.account.capacity.queue(job.queue)
    except AwsError as error:
        gaps.append(f"the queue: {error}")
        return None
    return queue or JobQueue(name=job.queue, state="deleted", status="INVALID")


def _invalid(site: Site, job: JobSnapshot, queue: JobQueue) -> _Finding | None:
    """Whether queue and compute environments take jobs."""
    del site, job
    if not queue.takes_jobs:
        return _Finding(
            cause=Cause.COMPUTE_ENV_INVALID,
            subject=queue.name,
            summary=f"the job queue {queue.name} takes no jobs: it is {queue.state}, {queue.status}",
            said=f"queue {queue.name}: {queue.state}, {queue.status} {queue.reason}".strip(),
        )
    if any(one.takes_jobs for one in queue.environments):
        return None
    named = ", ".join(one.name for one in queue.environments) or "none"
    said = "; ".join(_environment_words(one) for one in queue.environments) or "the queue has no compute environment"
    return _Finding(
        cause=Cause.COMPUTE_ENV_INVALID,
        subject=named,
        summary=f"no compute environment of queue {queue.name} takes jobs ({named})",
        said=said,
    )


def _environment_words(one: ComputeEnvironment) -> str:
    return f"compute environment {one.name}: {one.state}, {one.status} {one.reason}".strip()


def _launches(site: Site, job: JobSnapshot, queue: JobQueue) -> _Finding | None:
    """What became of the last launches of instances."""
    said = [
        message
        for one in _usable(queue)
        if not one.is_fargate
        for message in site.account.capacity.failed_launches(one)
    ]
    return _read(site, job, said, source="scaling activity")


def _told(site: Site, job: JobSnapshot, queue: JobQueue) -> _Finding | None:
    """What Batch gives as the reason."""
    reasons = [job.status_reason or "", *(one.reason for one in _usable(queue))]
    return _read(site, job, reasons, source="status reason")


def _read(site: Site, job: JobSnapshot, texts: list[str], *, source: str) -> _Finding | None:
    """The first of the causes that hold jobs up which a text names, by the catalogue of signatures."""
    found: dict[Cause, tuple[Diagnosis, str]] = {}
    for text in filter(None, texts):
        told = job.model_copy(update={"status_reason": text, "attempts": ()})
        diagnosis = diagnose(site, Evidence(job=told, collected_at=utc_now()))
        found.setdefault(diagnosis.cause, (diagnosis, text))
    for cause in _REMEDIES:
        if cause in found:
            diagnosis, text = found[cause]
            return _Finding(
                cause=cause,
                subject=job.queue,
                summary=diagnosis.summary,
                said=text,
                source=source,
                confidence=diagnosis.confidence,
            )
    return None


def _too_large(site: Site, job: JobSnapshot, queue: JobQueue) -> _Finding | None:
    """Whether the job fits the largest instance."""
    capacity = site.account.capacity.of_queue(queue.name)
    room_mib = None if capacity.max_memory_mib is None else limits().placeable_mib(capacity.max_memory_mib)
    too_many = capacity.max_vcpus is not None and (job.vcpus or 0) > capacity.max_vcpus
    too_much = room_mib is not None and (job.memory_mib or 0) > room_mib
    if not (too_many or too_much):
        return None
    asked = f"{job.vcpus or 0:g} vCPU" if too_many else f"{job.memory_mib} MiB"
    most = f"{capacity.max_vcpus:g} vCPU" if too_many else f"{room_mib} MiB"
    return _Finding(
        cause=Cause.RUNNABLE_RESOURCE_REQUIREMENT,
        subject=queue.name,
        summary=f"the job asks for {asked}; queue {queue.name} can place {most} at the most",
        said=f"the job asks for {asked}, the compute environments hold {most}",
    )


def _beyond_quota(site: Site, job: JobSnapshot, queue: JobQueue) -> _Finding | None:
    """Whether the account's quota of vCPUs allows it."""
    quotas = {one.name: site.account.capacity.vcpu_quota(one) for one in _usable(queue)}
    known = [quota for quota in quotas.values() if quota is not None]
    if not known or (job.vcpus or 0) <= max(known):
        return None
    return _Finding(
        cause=Cause.RUNNABLE_QUOTA,
        subject=queue.name,
        summary=f"the job asks for {job.vcpus:g} vCPU; the account's quota is {max(known):g}",
        said=f"Service Quotas: {max(known):g} vCPUs",
    )


def _usable(queue: JobQueue) -> Iterator[ComputeEnvironment]:
    return (one for one in queue.environments if one.takes_jobs)


def _conclude(finding: _Finding, waited: str, evidence: Evidence, gaps: list[str]) -> Diagnosis:
    return Diagnosis(
        cause=finding.cause,
        signature="doctor",
        subject=finding.subject,
        summary=f"{finding.summary}; {waited}",
        confidence=finding.confidence,
        evidence=(*_shown(evidence), EvidenceLine(source=finding.source, text=finding.said)),
        not_checked=tuple(gaps),
        remedies=_REMEDIES[finding.cause],
    )


def _unmoved(evidence: Evidence, waited: str) -> Diagnosis:
    """A job that starts or runs and shows nothing: a hang looks like slow work from outside."""
    job = evidence.job
    what = (
        "without a new log line or heartbeat: it hangs, or works in silence"
        if job.state is JobState.RUNNING
        else "before its container runs: the image, the network or the agent of the host holds it up"
    )
    return Diagnosis(
        cause=Cause.UNKNOWN,
        signature="doctor",
        subject=job.state.value,
        summary=f"{waited} {what}",
        confidence=0.0,
        evidence=_shown(evidence),
        not_checked=(*evidence.gaps, "what the job does at the moment"),
    )


def _shown(evidence: Evidence) -> tuple[EvidenceLine, ...]:
    reason = evidence.job.status_reason
    told = (EvidenceLine(source="status reason", text=reason),) if reason else ()
    return (*told, *(EvidenceLine(source="log", text=line.text) for line in evidence.log.lines[-3:]))

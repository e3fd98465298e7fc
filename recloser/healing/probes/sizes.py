"""What the attempt was given and how long it ran, as Batch describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recloser.healing.probes.answer import Probed, confirmed, not_checked, refuted, undecided
from recloser.healing.remedies.limits import limits
from recloser.values import Platform

if TYPE_CHECKING:
    from recloser.diagnosis import Match
    from recloser.healing.site import Site
    from recloser.values import Evidence

_NEAR: Final = 0.95
"""Share of a limit, of time or memory, from which on an attempt counts as ended by it (batch-failures S112)."""


def time_limit_reached(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Did the attempt run as long as its limit allows, and was it still at work?"""
    del site, match
    job, last = evidence.job, evidence.job.last_attempt
    started, stopped = last.started_at or job.started_at, last.stopped_at or job.stopped_at
    if job.timeout_s is None or started is None or stopped is None:
        return not_checked("how long the attempt ran: Batch does not say when it started and ended, or its limit")
    ran_s = (stopped - started).total_seconds()
    said = f"it ran {ran_s:.0f} s of {job.timeout_s} s"
    if evidence.log.lines:
        quiet_s = max((stopped - evidence.log.lines[-1].at).total_seconds(), 0)
        said += f"; its last line of log came {quiet_s:.0f} s before the end"
    return confirmed(said) if ran_s >= _NEAR * job.timeout_s else undecided(said)


def memory_reason(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Does the container's reason name memory, or only the program's own words?"""
    del site, match
    job = evidence.job
    given = f"the container has {job.memory_mib} MiB" if job.memory_mib else "Batch names no memory limit"
    if job.last_attempt.container_reason is None:
        return undecided(f"{given}, and its reason names no memory: this is the program's own word")
    return undecided(given)


def memory_at_limit(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Was the task seen to use as much memory as it was given?"""
    job, last = evidence.job, evidence.job.last_attempt
    if last.task_arn is None or last.started_at is None or last.stopped_at is None or not job.memory_mib:
        return undecided()
    peak = site.account.insights.peak_memory_mib(last.task_arn, since=last.started_at, until=last.stopped_at)
    if peak is None:
        return undecided("Container Insights has measured nothing of the task's memory")
    said = f"Container Insights saw the task use {peak:.0f} of {job.memory_mib} MiB"
    if peak < _NEAR * job.memory_mib:
        return undecided(f"{said}, once a minute: a short peak is not in it")
    measured = (f"{peak:.0f}",)
    if "raise_memory" in match.signature.remedies:
        return confirmed(said, peak_mib=measured)
    return refuted(said, instead="S006", peak_mib=measured)  # such a text alone is no ground for another size


def shared_memory_given(site: Site, match: Match, evidence: Evidence) -> Probed:
    """How much shared memory does the definition give?"""
    del site, match
    job = evidence.job
    if job.platform is Platform.FARGATE:
        return undecided("the job runs on Fargate, where /dev/shm cannot be enlarged")
    if job.shared_memory_mib is None:
        return undecided(f"no sharedMemorySize is set: /dev/shm has {limits().shared_memory.default_mib} MiB")
    return undecided(f"the definition gives /dev/shm {job.shared_memory_mib} MiB")


def scratch_given(site: Site, match: Match, evidence: Evidence) -> Probed:
    """How much scratch does the definition give a Fargate task?"""
    del site, match
    job = evidence.job
    if job.platform is not Platform.FARGATE:
        return not_checked("how much room the host's volume has: the launch template's owner knows")
    return undecided(f"the task has {job.ephemeral_gib or limits().ephemeral_storage.default_gib} GiB of scratch")


def gpu_not_requested(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Was no GPU asked for?"""
    del site, match
    if evidence.job.gpus is None:
        return confirmed("Batch describes the job without a GPU in its resourceRequirements")
    return undecided(f"the job asks for {evidence.job.gpus} GPU: the host or its driver does not fit")


def fargate_pair_unoffered(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Does Fargate not offer this pair of vCPU and memory?"""
    del site, match
    job = evidence.job
    if job.vcpus is None or job.memory_mib is None:
        return not_checked("the pair of vCPU and memory that was asked for")
    pair = f"{job.vcpus:g} vCPU with {job.memory_mib} MiB"
    offered = any(
        (one.vcpus, one.memory_mib) == (job.vcpus, job.memory_mib) for row in limits().fargate for one in row.pairs()
    )
    return refuted(f"Fargate offers {pair}") if offered else confirmed(f"Fargate does not offer {pair}")

"""Where the job was to run: its definition, its queue, its compute environments, and the account's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.aws import NotFound, is_region
from recloser.diagnosis import Symptoms, catalogue, matches
from recloser.healing.probes.answer import Probed, confirmed, not_checked, refuted, undecided
from recloser.healing.remedies.limits import limits
from recloser.values import Cause

if TYPE_CHECKING:
    from recloser.diagnosis import Match
    from recloser.healing.site import Site
    from recloser.values import ComputeEnvironment, Evidence


def definition_absent(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Is there no active definition, or no queue, of this name in this region?"""
    if match.field == "log":
        return not_checked("the job definition or queue that the program itself asked for")
    job = evidence.job
    try:
        site.account.batch.definition(job.definition_arn)
        site.account.batch.check_queue(job.queue)
    except NotFound as error:
        return confirmed(str(error))
    return undecided(f"definition {job.definition_arn} and queue {job.queue} are there in {site.account.region}")


def region_wrong(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Did the client ask for Batch in a region that does not exist?"""
    del site, evidence
    named = match.captures.get("region", ())
    if not named:
        return not_checked("which region the client asked for: the text does not name it")
    unknown = [region for region in named if not is_region(region)]
    if unknown:
        return confirmed(f"there is no region {', '.join(unknown)}")
    said = f"{', '.join(named)} is the name of a region: its endpoint could not be reached"
    return refuted(said, instead="aws-endpoint-unreachable")


def stop_requested(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Does Batch itself say that a request ended the job?"""
    del site, match
    if evidence.job.is_terminated or evidence.job.is_cancelled:
        return confirmed("Batch describes the job as ended by a request")
    return undecided("Batch does not describe the job as ended by a request")


def host_is_spot(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Do the queue's compute environments run on Spot capacity?"""
    del match
    environments = _environments(site, evidence)
    if not environments:
        return not_checked(f"on what kind of capacity queue {evidence.job.queue} runs")
    spot = [one.name for one in environments if "SPOT" in one.kind]
    if spot:
        return confirmed(f"compute environment {', '.join(spot)} of the queue runs on Spot capacity")
    return undecided("no compute environment of the queue runs on Spot capacity: the host was lost for another reason")


def environment_invalid(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Does a compute environment of the queue take no jobs?"""
    del match
    environments = _environments(site, evidence)
    unfit = [
        f"{one.name}: {one.state}, {one.status} {one.reason}".strip() for one in environments if not one.takes_jobs
    ]
    if unfit:
        return confirmed(f"compute environment {'; '.join(unfit)}")
    if not environments:
        return not_checked(f"the compute environments of queue {evidence.job.queue}")
    return undecided("every compute environment of the queue is enabled and valid")


def too_large_for_queue(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Does the job ask for more than any compute environment of its queue can place?"""
    del match
    job, most = evidence.job, site.account.capacity.of_queue(evidence.job.queue)
    room_mib = None if most.max_memory_mib is None else limits().placeable_mib(most.max_memory_mib)
    if most.max_vcpus is None and room_mib is None:
        return not_checked(f"what queue {job.queue} can place")
    if most.max_vcpus is not None and (job.vcpus or 0) > most.max_vcpus:
        return confirmed(f"the job asks for {job.vcpus:g} vCPU, the queue can place {most.max_vcpus:g}")
    if room_mib is not None and (job.memory_mib or 0) > room_mib:
        return confirmed(f"the job asks for {job.memory_mib} MiB, the queue can place {room_mib}")
    return undecided("by what Batch describes, the job fits the queue")


def quota_before_capacity(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Is it the account's own limit that says no? The remedies of quota and capacity are opposite."""
    del match
    environments = [one for one in _environments(site, evidence) if one.takes_jobs]
    if not environments:
        return not_checked(f"the quota of what queue {evidence.job.queue} runs on")
    for one in environments:
        quota = site.account.capacity.vcpu_quota(one)
        if quota is not None and (evidence.job.vcpus or 0) > quota:
            return refuted(f"the account's quota is {quota:g} vCPU, and the job asks for more", instead="S062")
        said = "" if one.is_fargate else _quota_said(site.account.capacity.failed_launches(one))
        if said:
            return refuted(f"the last launch of {one.name} failed with {said}", instead="S062")
    return confirmed("neither the account's quota nor the last launches name a limit")


def _quota_said(messages: tuple[str, ...]) -> str:
    """The first message that names a limit of the account, by the catalogue of signatures."""
    for message in messages:
        if any(one.signature.cause is Cause.RUNNABLE_QUOTA for one in matches(Symptoms(message), catalogue())):
            return message
    return ""


def _environments(site: Site, evidence: Evidence) -> tuple[ComputeEnvironment, ...]:
    queue = site.account.capacity.queue(evidence.job.queue)
    return queue.environments if queue else ()

"""Another region of the account, where the declared one cannot run the job and the owner has named an alternative.

The move is one of the submission: what is in the region that is left stays as it is, and the next submission without
the override goes back. Only what has answered can be left: whether a job still runs in a region that is silent cannot
be asked, and two must never run, so an outage of Batch itself is waited out and then reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.aws import AwsError
from recloser.healing.errors import Refused
from recloser.healing.remedies.override import Asked, Override, override
from recloser.healing.remedies.queue import lacks_room
from recloser.values import ChangeState

if TYPE_CHECKING:
    from recloser.healing.remedies.change import Case
    from recloser.healing.site import Site
    from recloser.values import JobDefinition

_LEFT_BEHIND = frozenset(
    {"create_log_group", "fix_log_options", "grow_disk", "pin_image", "rebuild_image"}
    | {"set_job_role", "set_platform", "set_shared_memory", "unset_static_keys"}
)
"""Remedies whose effect is in one region."""


def switch_region(case: Case) -> Override:
    """Plan to submit in the next declared region that has the job's queue and definition, and room for it."""
    regions = [one.name for one in case.site.target.guardrails.regions]
    if not regions:
        raise Refused("the target declares no other region ([[guardrails.regions]])")
    _leaves_nothing(case)
    now = case.site.account.region
    problems = []
    for region in regions[regions.index(now) + 1 :] if now in regions else regions:
        try:
            there = case.site.at(region)
            return _to(case, there, _fit(case, there), steps=len(regions))
        except (AwsError, Refused) as problem:
            problems.append(f"{region}: {problem}")
    raise Refused("; ".join(problems) or "every declared region has been tried")


def _leaves_nothing(case: Case) -> None:
    live = (ChangeState.APPLIED, ChangeState.VERIFIED)
    stays = [one.summary for one in case.incident.changes if one.remedy in _LEFT_BEHIND and one.state in live]
    if stays:
        raise Refused(f"what the job needs is in this region alone: {'; '.join(stays)}")


def _fit(case: Case, there: Site) -> JobDefinition:
    """The definition there.

    Raises:
        Refused: The job as it was submitted last cannot run on it.
        AwsError: Queue or definition is not there, or cannot be asked for.
    """
    job, account = case.evidence.job, there.account
    account.batch.check_queue(there.target.job.queue)
    found = account.batch.definition(there.target.job.definition)
    if job.image is not None and found.platform is not job.platform:
        raise Refused(f"the definition there runs on {found.platform}, the job on {job.platform}")
    role = account.iam.role_arn(there.target.job.role)
    if found.job_role_arn not in {role, job.job_role_arn}:
        raise Refused(f"the definition there runs as {found.job_role_arn}, the job as {role}")
    problem = lacks_room(job, account.capacity.of_queue(there.target.job.queue))
    if problem:
        raise Refused(problem)
    return found


def _to(case: Case, there: Site, found: JobDefinition, *, steps: int) -> Override:
    here, job, region = case.site.account.region, there.target.job, there.account.region
    return override(
        "switch_region",
        Asked(region=region, queue=job.queue, definition=job.definition),
        summary=f"submit in the declared region {region}, to queue {job.queue} and definition {job.definition}",
        changes={
            "region": (here, region),
            "jobQueue": (case.spec.queue, job.queue),
            "jobDefinition": (case.evidence.job.definition_arn, found.arn),
            "image": (case.evidence.job.image, found.image),
        },
        permanent=(
            f"If {here} stays without capacity, make {region} the target's region (AWS_DEFAULT_REGION, or `region` in "
            f"the profile), with queue {job.queue} and definition {job.definition} in [job]."
        ),
        steps=steps,
    )

"""What the container was given, as Batch describes it: variables, static keys, a job role. Values are never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.healing.probes.answer import Probed, confirmed, refuted, undecided

if TYPE_CHECKING:
    from recloser.diagnosis import Match
    from recloser.healing.site import Site
    from recloser.values import Evidence, JobSnapshot

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_REGIONS = ("AWS_DEFAULT_REGION", "AWS_REGION")


def variable_unset(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Was the variable really absent from the container's environment?"""
    del site
    named = match.captures.get("variable", ())
    unset = tuple(name for name in named if name not in evidence.job.environment)
    if unset:
        said = f"the container's environment as Batch describes it does not hold {', '.join(unset)}"
        return confirmed(said, variable=unset)
    return refuted(
        f"Batch describes {', '.join(named)} as set in this container, so it was set when the program started"
    )


def region_unset(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Does the container's environment name no region?"""
    del site, match
    given = [name for name in _REGIONS if name in evidence.job.environment]
    if given:
        return undecided(f"Batch describes {', '.join(given)} as set in this container; this SDK may read another name")
    return confirmed(f"the container's environment as Batch describes it holds neither {' nor '.join(_REGIONS)}")


def static_keys_set(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Does the definition or the submission give the container static keys, which shadow the job role?"""
    del site, match
    if given := static_keys(evidence.job):
        return confirmed(f"the container's environment holds {', '.join(given)} (values not shown)")
    return undecided("the container's environment holds no static keys: they come from the image or from a file")


def job_role_absent(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Does the job run without a role of its own?"""
    del site, match
    role = evidence.job.job_role_arn
    if role is None:
        return confirmed("Batch describes the job without a job role")
    return undecided(f"the job has a role, {role}: its credentials did not reach the program")


def static_keys(job: JobSnapshot) -> tuple[str, ...]:
    """Names of the static keys in a container's environment."""
    return tuple(name for name in _KEYS if name in job.environment)

"""Is the log group there? The words of the log driver do not tell an absent group from an absent route or right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.aws import LOG_GROUP, is_region
from recloser.healing.probes.answer import Probed, confirmed, not_checked, refuted, undecided
from recloser.healing.probes.rights import start_role

if TYPE_CHECKING:
    from recloser.diagnosis import Match
    from recloser.healing.site import Site
    from recloser.values import Evidence

_NO_WAY = "cannot find the amazon cloudwatch log group"


def log_group_absent(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Is the group that the definition names really absent?"""
    group, region = _named(site, evidence)
    if region != site.account.region:
        return _elsewhere(group, region)
    if not site.account.log_groups.exists(group):
        return confirmed(f"there is no log group {group} in {region}")
    said = f"log group {group} is there, in {region}"
    if any(_NO_WAY in line.lower() for _, line in match.found):
        return refuted(f"{said}: the task has no way to CloudWatch Logs", instead="S021")
    return undecided(said)


def log_group_present(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Is the group there, so that the way to it is what is missing?"""
    del match
    group, region = _named(site, evidence)
    if region != site.account.region:
        return _elsewhere(group, region)
    if site.account.log_groups.exists(group):
        return confirmed(f"log group {group} is there, in {region}")
    return refuted(f"there is no log group {group} in {region}", instead="S022")


def log_region_wrong(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Does the definition log to a region that does not exist?"""
    del match
    _, region = _named(site, evidence)
    if not is_region(region):
        return confirmed(f"the definition logs to {region}, and there is no such region")
    return undecided(f"the definition logs to {region}, which is a region")


def log_stream_denied(site: Site, match: Match, evidence: Evidence) -> Probed:
    """May the role that starts the container write to the group?"""
    del match
    group, region = _named(site, evidence)
    role = start_role(site, evidence)
    if role is None:
        return not_checked("the rights of the host's instance role, which starts the container and is not declared")
    stream = f"arn:aws:logs:{region}:{site.account.account_id}:log-group:{group}:log-stream:*"
    if site.account.iam.allows(role, "logs:CreateLogStream", stream):
        return undecided(f"simulated, the own policies of {role.rsplit('/', 1)[-1]} allow logs:CreateLogStream")
    said = f"simulated, the policies of {role.rsplit('/', 1)[-1]} do not allow logs:CreateLogStream on {stream}"
    return confirmed(said)


def _named(site: Site, evidence: Evidence) -> tuple[str, str]:
    options = evidence.job.log_options
    return options.get("awslogs-group", LOG_GROUP), options.get("awslogs-region", site.account.region)


def _elsewhere(group: str, region: str) -> Probed:
    return not_checked(f"log group {group}: the definition logs to region {region}, and this is another")

"""Who made the refused call, and do that identity's own policies allow it? Simulated, never tried."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from recloser.aws import AwsError, NotFound
from recloser.healing.denials import denials, listed, signing_roles, signing_users
from recloser.healing.probes.answer import Probed, confirmed, not_checked, refuted, undecided
from recloser.healing.probes.environment import static_keys
from recloser.healing.signatures import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recloser.diagnosis import Match
    from recloser.healing.denials import Denial
    from recloser.healing.site import Site
    from recloser.values import Evidence

_TAKE_NO_RESOURCE = frozenset({"ecr:GetAuthorizationToken", "batch:DescribeJobs", "batch:ListJobs"})
"""Actions that are allowed on `*` or not at all (Service Authorization Reference)."""
_TASKS = "ecs-tasks.amazonaws.com"
_ASSUMED = re.compile(r"arn:(?P<partition>aws[\w-]*):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/")


def role_denied(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Do the policies of the role that signed lack the action on the resource?"""
    del match
    lines = texts(evidence, "log")
    refused = denials(lines, account_id=site.account.account_id, region=site.account.region)
    facts = {"denied": (listed(refused),)}
    if not any(denial.resource for denial in refused):
        return not_checked("the log does not name the resource of the call", **facts)
    named = signing_roles(lines)
    role = _signer(site, evidence, named)
    if role is None:
        who = f"{', '.join(named)}, which signed the call and is no role of this target" if named else "who called"
        return not_checked(f"the policies of {who}", **facts)
    return _simulated(site, role, refused, facts)


def start_role_denied(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Do the policies of the role that starts the container lack the action?"""
    del match
    lines = (*texts(evidence, "container_reason"), *texts(evidence, "status_reason"))
    refused = denials(lines, account_id=site.account.account_id, region=site.account.region)
    role = start_role(site, evidence)
    if role is None:
        return not_checked("the rights of the host's instance role, which starts the container and is not declared")
    if not _askable(refused):
        return not_checked(f"the rights of {_short(role)}: the reason does not name the call and its resource")
    return _simulated(site, role, refused, {})


def submitter_denied(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Do our own policies lack the action on the resource? Whoever submits is who heals."""
    if match.field == "log":
        return not_checked("the rights of whoever the program calls Batch as")
    refused = denials(texts(evidence, "status_reason"), account_id=site.account.account_id, region=site.account.region)
    if not _askable(refused):
        return not_checked("our own rights: the refusal does not name the call and its resource")
    found = _ASSUMED.match(site.account.identity_arn)
    own = "arn:{partition}:iam::{account}:role/{role}".format(**found.groupdict()) if found else None
    return _simulated(site, own or site.account.identity_arn, refused, {})


def signed_by_another(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Did another identity than the job role sign the refused call? Static keys come before the role in every SDK."""
    del site
    lines = [line for _, line in match.found]
    job, roles, users = evidence.job, signing_roles(lines), signing_users(lines)
    keys = static_keys(job)
    own = _short(job.job_role_arn) if job.job_role_arn else None
    if roles:
        others = [role for role in roles if role != own]
        return undecided(f"the refused call was signed by role {', '.join(others or roles)}")
    if not users and not keys:
        return not_checked("who signed the refused call: the text does not name an identity")
    who = f"user {', '.join(users)}" if users else f"the static keys in its environment ({', '.join(keys)})"
    if own is None:
        return undecided(f"the refused call was signed by {who}, and the job has no role of its own")
    return refuted(f"the refused call was signed by {who}, which come before job role {own}", instead="S097")


def trust_lacks_tasks(site: Site, match: Match, evidence: Evidence) -> Probed:
    """Does the trust policy of the job's roles leave ECS tasks out?"""
    named = {_short(arn) for arn in match.captures.get("role", ())}
    given = {_short(arn) for arn in (evidence.job.job_role_arn, evidence.job.execution_role_arn) if arn}
    roles = sorted(named & given)
    if not roles:
        return not_checked("the trust policy of the role that may not be assumed: it is none of the job's own roles")
    open_to = []
    for role in roles:
        try:
            document = site.account.iam.trust_policy(role)
        except NotFound:
            return confirmed(f"there is no role {role}")
        entry = _lets_tasks_in(document)
        if entry is None:
            return confirmed(f"the trust policy of role {role} does not name {_TASKS}")
        open_to.append(entry)
    if all(open_to):
        return refuted(f"the trust policy of role {', '.join(roles)} names {_TASKS} without a condition")
    return undecided(f"the trust policy of role {', '.join(roles)} names {_TASKS} under a condition")


def start_role(site: Site, evidence: Evidence) -> str | None:
    """ARN of the role that pulls the image and sets up the log; None if it is the host's and not declared."""
    declared = site.target.job.instance_role
    return evidence.job.execution_role_arn or (site.account.iam.role_arn(declared) if declared else None)


def _signer(site: Site, evidence: Evidence, named: tuple[str, ...]) -> str | None:
    """ARN of the role that signed: the one the text names, where it is one of ours; else the job role."""
    job, instance = evidence.job, site.target.job.instance_role
    if not named:
        return job.job_role_arn
    own = {_short(arn): arn for arn in (job.job_role_arn, job.execution_role_arn) if arn}
    found = next((own[name] for name in named if name in own), None)
    return found or (site.account.iam.role_arn(instance) if instance in named and instance else None)


def _simulated(site: Site, role: str, refused: Iterable[Denial], facts: Mapping[str, tuple[str, ...]]) -> Probed:
    try:
        lacking = [d for d in _askable(refused) if not site.account.iam.allows(role, d.action, d.resource or "")]
    except AwsError as error:
        return not_checked(f"the policies of {_short(role)}: {error}", **facts)
    if lacking:
        said = f"simulated, the policies of {_short(role)} do not allow {listed(lacking)}"
        return confirmed(said, **facts)
    said = (
        f"simulated, the own policies of {_short(role)} allow the call: a resource policy, a boundary or other keys "
        "deny it"
    )
    return undecided(said, **facts)


def _askable(refused: Iterable[Denial]) -> tuple[Denial, ...]:
    """The refused calls whose resource is known, or that take none."""
    whole = (d.model_copy(update={"resource": "*"}) if d.action in _TAKE_NO_RESOURCE else d for d in refused)
    return tuple(denial for denial in whole if denial.resource)


def _lets_tasks_in(document: str) -> bool | None:
    """Whether a trust policy lets ECS tasks in without a condition; None if it does not let them in at all."""
    policy: dict[str, Any] = json.loads(document)
    stated = policy.get("Statement", [])
    statements: list[dict[str, Any]] = stated if isinstance(stated, list) else [stated]
    named = [one for one in statements if _TASKS in json.dumps(one.get("Principal", ""))]
    allowed = [one for one in named if one.get("Effect") == "Allow"]
    if not allowed:
        return None
    return len(allowed) == len(named) and any("Condition" not in one for one in allowed)


def _short(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]

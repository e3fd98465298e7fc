"""A missing permission of the job role: exactly the refused actions on exactly the named resources.

`within_boundary` is the one place where a grant is allowed or refused.
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from recloser.healing.denials import Denial, denials, listed
from recloser.healing.errors import ChangeFailed, Refused
from recloser.healing.remedies.change import Case, Wording, unified
from recloser.healing.signatures import texts
from recloser.target import NEVER_GRANTED, PermissionGuardrails
from recloser.values import AutonomyLevel, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site

_WILDCARDS = frozenset("*?$")


def within_boundary(boundary: PermissionGuardrails, denial: Denial) -> bool:
    """Whether the target allows this exact grant.

    The action must be declared by name, the resource must be one exact ARN that a declared pattern covers, and
    nothing that widens rights by itself is ever allowed, whatever is declared.
    """
    resource = denial.resource
    if resource is None or _WILDCARDS & set(denial.action + resource):
        return False
    if denial.action.lower().startswith(NEVER_GRANTED):
        return False
    declared = denial.action in boundary.actions
    return declared and any(_covers(pattern, resource) for pattern in boundary.resources)


def _covers(pattern: str, arn: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), arn, re.DOTALL) is not None


class GrantPermission(Value):
    """One inline policy on the job role, named after the incident."""

    kind: Literal["grant_permission"] = "grant_permission"
    role: str
    role_arn: str
    policy: str
    grants: tuple[Denial, ...] = Field(min_length=1)
    settle_s: float
    level: AutonomyLevel = AutonomyLevel.APPROVAL
    steps: int = 1

    def document(self) -> str:
        """The policy, one statement an action."""
        by_action = groupby(sorted(self.grants, key=lambda grant: grant.action), key=lambda grant: grant.action)
        statements = [
            {"Effect": "Allow", "Action": action, "Resource": [grant.resource for grant in grants]}
            for action, grants in by_action
        ]
        return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)

    def wording(self, site: Site) -> Wording:
        """The whole policy, which is the diff."""
        del site
        actions = ", ".join(dict.fromkeys(grant.action for grant in self.grants))
        named = "1 resource" if len(self.grants) == 1 else f"{len(self.grants)} resources"
        return Wording(
            summary=f"allow role {self.role} {actions} on exactly {named} that the error named",
            diff=unified(f"iam/role/{self.role}/{self.policy}", [], self.document().splitlines()),
            permanent=f"Move the statements of inline policy {self.policy} into the role's own policy, then delete it.",
            undo=f"aws iam delete-role-policy --role-name {self.role} --policy-name {self.policy}",
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """The submission stays as it is."""
        del site
        return spec

    def apply(self, site: Site) -> None:
        """Put the inline policy."""
        site.account.iam.put_inline_policy(self.role, self.policy, self.document())

    def verify(self, site: Site) -> None:
        """Simulate every grant."""
        for grant in self.grants:
            if not site.account.iam.allows(self.role_arn, grant.action, grant.resource or ""):
                raise ChangeFailed(
                    f"policy {self.policy} is on role {self.role}, but simulated the role still may not {grant}: "
                    "look for an explicit deny or a permissions boundary"
                )

    def revert(self, site: Site) -> None:
        """Delete the inline policy."""
        site.account.iam.delete_inline_policy(self.role, self.policy)


def grant_permission(case: Case) -> GrantPermission:
    """Plan a grant of what the log says was refused, if it all lies inside the boundary."""
    site, job = case.site, case.evidence.job
    log = texts(case.evidence, "log")
    refused = denials(log, account_id=site.account.account_id, region=site.account.region)
    role = site.target.job.role
    if job.job_role_arn is None or job.job_role_arn.rsplit("/", 1)[-1] != role:
        raise Refused(f"the job did not run as the declared role {role}")
    boundary = site.target.guardrails.permissions
    outside = [denial for denial in refused if not within_boundary(boundary, denial)]
    if outside or not refused:
        raise Refused(
            f"{listed(outside) or 'the refused call'} lies outside the target's permission boundary; "
            "whoever owns the role must decide"
        )
    lacking = tuple(d for d in refused if not site.account.iam.allows(job.job_role_arn, d.action, d.resource or ""))
    if not lacking:
        raise Refused("the role's own policies already allow the call; a grant cannot help against an explicit deny")
    return GrantPermission(
        role=role,
        role_arn=job.job_role_arn,
        policy=f"recloser-{case.incident.incident_id}-{len(case.incident.changes) + 1}",
        grants=lacking,
        settle_s=boundary.settle_s,
    )

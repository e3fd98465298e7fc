"""A missing permission: exactly the refused actions on exactly the named resources, for the role that was refused.

The submitter's rights are Recloser's own, so they are only ever proposed: nobody extends himself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal, Never

from pydantic import Field

from recloser.healing.denials import Denial, denials, listed, signing_roles
from recloser.healing.errors import ChangeFailed, Proposed, Refused
from recloser.healing.remedies.boundary import is_grantable, within_boundary
from recloser.healing.remedies.change import Case, Wording, unified
from recloser.healing.remedies.proposal import propose
from recloser.healing.signatures import texts
from recloser.values import AutonomyLevel, Cause, JobSpec, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recloser.healing.site import Site
    from recloser.target import Boundary

Whose = Literal["job", "execution", "instance"]

_BEFORE_THE_START = frozenset({Cause.IMAGE_PULL_PERMISSION, Cause.SECRET_RESOLUTION, Cause.LOGS_CONFIG})
"""Refused to the execution role, or on EC2 without one to the instance's, while the container is set up."""


class GrantPermission(Value):
    """One inline policy on the refused role, named after the incident."""

    kind: Literal["grant_permission"] = "grant_permission"
    whose: Whose = "job"
    role: str
    role_arn: str
    policy: str
    grants: tuple[Denial, ...] = Field(min_length=1)
    approved: str = ""
    """Id of the change that a person has approved outside the boundary; it covers no other."""
    settle_s: float
    level: AutonomyLevel = AutonomyLevel.APPROVAL
    steps: int = 1

    def document(self) -> str:
        """The policy, one statement an action."""
        return policy_of(self.grants)

    def wording(self, site: Site) -> Wording:
        """The whole policy, which is the diff."""
        del site
        actions = ", ".join(dict.fromkeys(grant.action for grant in self.grants))
        named = "1 resource" if len(self.grants) == 1 else f"{len(self.grants)} resources"
        return Wording(
            summary=f"allow {self.whose} role {self.role} {actions} on exactly {named} that the error named",
            diff=unified(f"iam/role/{self.role}/{self.policy}", [], self.document().splitlines()),
            permanent=f"Move the statements of inline policy {self.policy} into the role's own policy, then delete it.",
            undo=f"aws iam delete-role-policy --role-name {self.role} --policy-name {self.policy}",
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """The submission stays as it is."""
        del site
        return spec

    def apply(self, site: Site) -> None:
        """Put the inline policy; the boundary is asked again, because a plan may come from the store."""
        outside = self.outside(site)
        if outside and not self._is_approved:
            raise ChangeFailed(f"{listed(outside)} lies outside the target's permission boundary; nothing was granted")
        site.account.iam.put_inline_policy(self.role, self.policy, self.document())

    def outside(self, site: Site) -> list[Denial]:
        """What of it lies outside the declared boundary, so that only a person may allow it."""
        return [grant for grant in self.grants if not within_boundary(boundary_of(site, self.whose), grant)]

    @property
    def _is_approved(self) -> bool:
        """Whether a person has approved this very policy; a right over rights is granted with no one's approval."""
        named = bool(self.approved) and self.policy == policy_name(self.approved)
        return named and all(is_grantable(grant) for grant in self.grants)

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


def policy_name(change_id: str) -> str:
    """The inline policy that one change puts."""
    return f"recloser-{change_id}"


def policy_of(grants: Iterable[Denial]) -> str:
    """A policy that allows exactly these calls."""
    by_action = groupby(sorted(grants, key=lambda grant: grant.action), key=lambda grant: grant.action)
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": [grant.resource for grant in of_action]}
        for action, of_action in by_action
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def boundary_of(site: Site, whose: Whose) -> Boundary:
    """What the target lets this role be granted."""
    permissions = site.target.guardrails.permissions
    return {"job": permissions, "execution": permissions.execution, "instance": permissions.instance}[whose]


@dataclass(frozen=True, slots=True)
class _Concerned:
    """The role whose right is missing."""

    whose: Whose
    role: str
    arn: str


def grant_permission(case: Case) -> GrantPermission:
    """Plan a grant of what the error says was refused, if it all lies inside the boundary.

    Raises:
        Proposed: It lies outside, and is exact enough to be shown to a person.
        Refused: It names no exact call of the declared role, or a grant cannot help.
    """
    site = case.site
    said = _said(case)
    refused = denials(said, account_id=site.account.account_id, region=site.account.region)
    if case.diagnosis.cause is Cause.SUBMIT_PERMISSION:
        _propose_for_the_submitter(case, refused)
    concerned = _concerned(case, said)
    boundary = boundary_of(site, concerned.whose)
    outside = [denial for denial in refused if not within_boundary(boundary, denial)]
    reason = (
        f"{listed(outside) or 'the refused call'} lies outside the target's permission boundary; "
        "whoever owns the role must decide"
    )
    if not refused or not all(is_grantable(denial) for denial in refused):
        raise Refused(reason)
    lacking = tuple(d for d in refused if not site.account.iam.allows(concerned.arn, d.action, d.resource or ""))
    if not lacking:
        raise Refused("the role's own policies already allow the call; a grant cannot help against an explicit deny")
    grant = GrantPermission(
        whose=concerned.whose,
        role=concerned.role,
        role_arn=concerned.arn,
        policy=policy_name(f"{case.incident.incident_id}-{len(case.incident.changes) + 1}"),
        grants=lacking,
        settle_s=site.target.guardrails.permissions.settle_s,
    )
    if outside:
        raise Proposed(reason, grant)
    return grant


def _said(case: Case) -> tuple[str, ...]:
    """The lines that name the refusal: of the submission, of the container's start, or of the program."""
    if case.diagnosis.cause is Cause.SUBMIT_PERMISSION:
        return texts(case.evidence, "status_reason")
    if case.diagnosis.cause in _BEFORE_THE_START:
        return texts(case.evidence, "container_reason")
    return texts(case.evidence, "log")


def _concerned(case: Case, said: tuple[str, ...]) -> _Concerned:
    """The role that made the refused call, which must be the one the target declares."""
    job, declared = case.evidence.job, case.site.target.job
    signers = set(signing_roles(said))
    if case.diagnosis.cause in _BEFORE_THE_START and job.execution_role_arn is not None:
        found = _Concerned("execution", declared.execution_role or "", job.execution_role_arn)
    elif case.diagnosis.cause in _BEFORE_THE_START or (declared.instance_role and signers == {declared.instance_role}):
        role = declared.instance_role or ""
        found = _Concerned("instance", role, case.site.account.iam.role_arn(role) if role else "")
    else:
        found = _Concerned("job", declared.role, job.job_role_arn or "")
    if not found.role or found.arn.rsplit("/", 1)[-1] != found.role:
        raise Refused(f"the call was not made as the declared {found.whose} role {found.role or '(none is declared)'}")
    if signers - {found.role}:
        raise Refused(f"the refused call was signed by {', '.join(sorted(signers))}, not by {found.role}")
    return found


def _propose_for_the_submitter(case: Case, refused: tuple[Denial, ...]) -> Never:
    who = case.site.account.identity_arn
    reason = f"{listed(refused) or 'the submission'} was refused to {who}, which Recloser runs as and never extends"
    grantable = [denial for denial in refused if is_grantable(denial)]
    if not grantable or len(grantable) < len(refused):
        raise Refused(reason)
    propose(
        "grant_permission",
        reason,
        level=AutonomyLevel.APPROVAL,
        summary=f"allow the submitter {who} what the error named",
        diff=unified(f"policy of {who}", [], policy_of(grantable).splitlines()),
        undo="remove the statement again",
    )

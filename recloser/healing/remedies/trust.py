"""A role that ECS tasks may not assume: let them in again, and keep the old document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from recloser.healing.errors import ChangeFailed, Proposed, Refused
from recloser.healing.remedies.change import Case, Wording, unified
from recloser.values import AutonomyLevel, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site

PRINCIPAL = "ecs-tasks.amazonaws.com"
_SID = "RecloserEcsTasks"


class FixTrust(Value):
    """One statement more in a role's trust policy."""

    kind: Literal["fix_trust"] = "fix_trust"
    role: str
    before: str
    """The old document, as canonical JSON."""
    after: str
    settle_s: float
    level: AutonomyLevel = AutonomyLevel.APPROVAL
    steps: int = 1

    def wording(self, site: Site) -> Wording:
        """Both documents."""
        del site
        return Wording(
            summary=f"let ECS tasks of this account assume role {self.role}",
            diff=unified(f"iam/role/{self.role}/trust", self.before.splitlines(), self.after.splitlines()),
            permanent="It is permanent. Add the statement to whatever describes the role.",
            undo=f"aws iam update-assume-role-policy --role-name {self.role} with the document before the change",
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """The submission stays as it is."""
        del site
        return spec

    def apply(self, site: Site) -> None:
        """Put the new document, if nobody has changed the old one meanwhile."""
        now = site.account.iam.trust_policy(self.role)
        if now not in {self.before, self.after}:
            raise ChangeFailed(f"the trust policy of role {self.role} was changed meanwhile; nothing was written")
        site.account.iam.put_trust_policy(self.role, self.after)

    def verify(self, site: Site) -> None:
        """Read it back."""
        if site.account.iam.trust_policy(self.role) != self.after:
            raise ChangeFailed(f"the trust policy of role {self.role} is not the one that was written")

    def revert(self, site: Site) -> None:
        """Put the old document back, unless somebody has written another since."""
        if site.account.iam.trust_policy(self.role) == self.after:
            site.account.iam.put_trust_policy(self.role, self.before)


def fix_trust(case: Case) -> FixTrust:
    """Plan to add ECS tasks, and nobody else, to the trust policy of the declared role that they may not assume.

    Raises:
        Proposed: The target gives no leave to change a trust policy.
        Refused: It is another role, or the policy is not what keeps the tasks out.
    """
    site, job = case.site, case.evidence.job
    declared = {role for role in (site.target.job.role, site.target.job.execution_role) if role}
    named = {arn.rsplit("/", 1)[-1] for arn in case.diagnosis.facts.get("role", ())}
    named &= {(arn or "").rsplit("/", 1)[-1] for arn in (job.job_role_arn, job.execution_role_arn)}
    if not named or not named <= declared:
        raise Refused(f"the error does not name one of the declared roles {', '.join(sorted(declared))}")
    role = min(named)
    before = site.account.iam.trust_policy(role)
    change = FixTrust(
        role=role,
        before=before,
        after=_with_tasks(before, site.account.account_id),
        settle_s=site.target.guardrails.permissions.settle_s,
    )
    if not site.target.guardrails.trust.repair:
        raise Proposed("the target gives no leave to change a trust policy (guardrails.trust.repair)", change)
    return change


def _with_tasks(document: str, account: str) -> str:
    policy: dict[str, Any] = json.loads(document)
    listed = policy.get("Statement", [])
    statements: list[dict[str, Any]] = listed if isinstance(listed, list) else [listed]
    named = [one for one in statements if PRINCIPAL in json.dumps(one.get("Principal", ""))]
    if any(one.get("Effect") == "Deny" for one in named):
        raise Refused("the trust policy denies ECS tasks explicitly: someone meant it")
    if any(one.get("Effect") == "Allow" and "Condition" not in one for one in named):
        raise Refused("the trust policy lets ECS tasks in already; the role is refused for another reason")
    added = {
        "Sid": _SID,
        "Effect": "Allow",
        "Principal": {"Service": PRINCIPAL},
        "Action": "sts:AssumeRole",
        # Whoever passes the role must be of this account: the confused deputy (IAM user guide).
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    # What Recloser added before and is not enough is replaced, not repeated.
    others = [one for one in statements if one.get("Sid") != _SID]
    return json.dumps({**policy, "Statement": [*others, added]}, indent=2, sort_keys=True)

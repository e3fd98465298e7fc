"""The log driver has no group to write to: create the one the definition names, or name one that can work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from recloser.aws import LOG_GROUP
from recloser.healing.errors import ChangeFailed, Refused
from recloser.healing.remedies.catalogue import remedy_facts
from recloser.healing.remedies.change import Case, Wording, unified
from recloser.healing.remedies.revision import INCIDENT_TAG, Revision, sibling
from recloser.values import AutonomyLevel, ContainerEdits, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site


class CreateLogGroup(Value):
    """The group that `awslogs-group` names, with a retention and the incident's tag."""

    kind: Literal["create_log_group"] = "create_log_group"
    group: str
    retention_days: int
    incident_id: str
    level: AutonomyLevel = AutonomyLevel.REVERSIBLE
    steps: int = 1
    settle_s: float = 0

    def wording(self, site: Site) -> Wording:
        """Name, retention and region."""
        after = [f"log group {self.group} in {site.account.region}", f"retention: {self.retention_days} days"]
        return Wording(
            summary=f"create log group {self.group}",
            diff=unified("logs", [], after),
            permanent="It is permanent. Add the group to whatever describes the job's infrastructure.",
            undo=f"aws logs delete-log-group --log-group-name {self.group}",
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """The submission stays as it is."""
        del site
        return spec

    def apply(self, site: Site) -> None:
        """Create it."""
        site.account.log_groups.create(
            self.group, retention_days=self.retention_days, tags={INCIDENT_TAG: self.incident_id}
        )

    def verify(self, site: Site) -> None:
        """It is there."""
        if not site.account.log_groups.exists(self.group):
            raise ChangeFailed(f"log group {self.group} was created, and is not there")

    def revert(self, site: Site) -> None:
        """Delete it, unless it is somebody else's or holds lines by now."""
        site.account.log_groups.delete_if_unused(self.group, tag=(INCIDENT_TAG, self.incident_id))


def create_log_group(case: Case) -> CreateLogGroup:
    """Plan to create the group that the definition names and that is not there."""
    guard, options = case.site.target.guardrails.logs, case.evidence.job.log_options
    if not guard.create_group:
        raise Refused("the target gives no leave to create a log group (guardrails.logs.create_group)")
    group, region = options.get("awslogs-group", LOG_GROUP), options.get("awslogs-region", case.site.account.region)
    if group not in guard.groups:
        raise Refused(f"log group {group} is not one that the target declares (guardrails.logs.groups)")
    if region != case.site.account.region:
        raise Refused(f"the definition logs to {region}, and this account is looked at in {case.site.account.region}")
    if case.site.account.log_groups.exists(group):
        raise Refused(f"log group {group} is there; what is missing is the right, or the way, to write to it")
    return CreateLogGroup(group=group, retention_days=guard.retention_days, incident_id=case.incident.incident_id)


def fix_log_options(case: Case) -> Revision:
    """Plan the declared group and this region for a definition whose log options cannot work."""
    guard, job = case.site.target.guardrails.logs, case.evidence.job
    if not guard.fix_options:
        raise Refused("the target gives no leave to change log options (guardrails.logs.fix_options)")
    group = guard.groups[0]
    wanted = {"awslogs-group": group, "awslogs-region": case.site.account.region}
    wrong = {name: value for name, value in wanted.items() if job.log_options.get(name) != value}
    if not wrong:
        raise Refused("the definition's log options are the declared ones")
    if not case.site.account.log_groups.exists(group):
        raise Refused(f"the declared log group {group} is not there")
    before = tuple(f"{name}: {job.log_options.get(name, 'not set')}" for name in wrong)
    after = tuple(f"{name}: {value}" for name, value in wrong.items())
    made = sibling(case, "fix_log_options", "logs", ContainerEdits(log_options=wrong), before=before, after=after)
    return Revision(
        kind="fix_log_options",
        sibling=made,
        summary=f"log to {group}, through job definition {made.name}",
        permanent=f"Register a revision of {case.site.target.job.definition} with {'; '.join(after)}.",
        level=remedy_facts()["fix_log_options"].level,
    )

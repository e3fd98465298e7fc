"""What no override can carry: a sibling job definition that differs in one stated thing.

Nobody who submits by the old name is affected: the old revision stays active, the sibling has a name of its own and
carries the incident's id as a tag. It is promoted by a person, after success.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from recloser.aws import NotFound
from recloser.healing.errors import ChangeFailed
from recloser.healing.remedies.change import Case, Wording, unified
from recloser.values import AutonomyLevel, ChangeState, ContainerEdits, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site

RevisionKind = Literal[
    "pin_image",
    "set_shared_memory",
    "grow_disk",
    "fix_log_options",
    "unset_static_keys",
    "set_job_role",
    "set_platform",
]
_IN_FORCE = frozenset({ChangeState.APPLIED, ChangeState.VERIFIED})
INCIDENT_TAG = "recloser:incident"


class Sibling(Value):
    """A job definition like another, but for a few edits."""

    definition_arn: str
    name: str
    edits: ContainerEdits
    before: tuple[str, ...]
    after: tuple[str, ...]
    incident_id: str

    def diff(self) -> str:
        """What differs."""
        return unified(f"job-definition/{self.name}", list(self.before), list(self.after))

    @property
    def undo(self) -> str:
        """How a person takes it back."""
        return f"aws batch deregister-job-definition --job-definition {self.name}:1"

    def register(self, site: Site) -> None:
        """Register it; the tag says for which incident."""
        tags = {INCIDENT_TAG: self.incident_id}
        site.account.batch.register_sibling(self.definition_arn, name=self.name, edits=self.edits, tags=tags)

    def verify(self, site: Site) -> None:
        """It is there, and every edit is in force.

        Raises:
            ChangeFailed: It is not.
        """
        try:
            wrong = site.account.batch.definition(self.name).differs_from(self.edits)
        except NotFound:
            raise ChangeFailed(f"job definition {self.name} was registered, and is not there") from None
        if wrong:
            raise ChangeFailed(f"job definition {self.name} does not have the new {', '.join(wrong)}")

    def deregister(self, site: Site) -> None:
        """Deregister all its revisions."""
        # A registration whose answer was lost and that was sent again has left two revisions.
        with suppress(NotFound):
            while True:
                site.account.batch.deregister(site.account.batch.definition(self.name).arn)


class Revision(Value):
    """The submission moves to a sibling job definition."""

    kind: RevisionKind
    sibling: Sibling
    summary: str
    permanent: str
    level: AutonomyLevel
    steps: int = 1
    settle_s: float = 0

    def wording(self, site: Site) -> Wording:
        """The edit before and after."""
        del site
        return Wording(summary=self.summary, diff=self.sibling.diff(), permanent=self.permanent, undo=self.sibling.undo)

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """Submit on the sibling."""
        del site
        return spec.model_copy(update={"definition": self.sibling.name})

    def apply(self, site: Site) -> None:
        """Register the sibling."""
        self.sibling.register(site)

    def verify(self, site: Site) -> None:
        """The sibling is there with its edits."""
        self.sibling.verify(site)

    def revert(self, site: Site) -> None:
        """Deregister the sibling."""
        self.sibling.deregister(site)


def sibling(
    case: Case, remedy: str, why: str, edits: ContainerEdits, *, before: tuple[str, ...], after: tuple[str, ...]
) -> Sibling:
    """A sibling of the definition that the failed attempt used, itself a sibling or not.

    Args:
        case: The failed attempt.
        remedy: For which remedy.
        why: One word at the end of its name.
        edits: In what it differs.
        before: The same for a person, as it was.
        after: As it will be.
    """
    incident = case.incident
    # A further step of the same remedy needs a name of its own, because the earlier ones are still in force.
    steps = sum(change.remedy == remedy and change.state in _IN_FORCE for change in incident.changes)
    return Sibling(
        definition_arn=case.evidence.job.definition_arn,
        name=f"{case.site.target.name}-recloser-{incident.incident_id}-{why}{steps + 1 if steps else ''}",
        edits=edits,
        before=before,
        after=after,
        incident_id=incident.incident_id,
    )

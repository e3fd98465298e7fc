"""Out of memory: the next size, never above the declared limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from recloser.healing.errors import Refused
from recloser.healing.remedies.change import Case, Wording, unified
from recloser.values import AutonomyLevel, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site


class RaiseMemory(Value):
    """A larger memory limit for the submission."""

    kind: Literal["raise_memory"] = "raise_memory"
    before_mib: int
    after_mib: int
    definition: str
    steps: int
    level: AutonomyLevel = AutonomyLevel.REVERSIBLE
    settle_s: float = 0

    def wording(self, site: Site) -> Wording:
        """Both sizes, in MiB."""
        del site
        before, after = ([f"MEMORY = {mib} MiB"] for mib in (self.before_mib, self.after_mib))
        return Wording(
            summary=f"raise the memory limit from {self.before_mib} to {self.after_mib} MiB",
            diff=unified("containerOverrides/resourceRequirements", before, after),
            permanent=f"Set MEMORY to {self.after_mib} in a new revision of job definition {self.definition}.",
            undo="Nothing persists: the next submission without the override has the old limit.",
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """Ask for the larger size."""
        del site
        return spec.model_copy(update={"memory_mib": self.after_mib})

    def apply(self, site: Site) -> None:
        """Nothing is written to the account."""

    def verify(self, site: Site) -> None:
        """Nothing to read back; the next attempt shows it."""

    def revert(self, site: Site) -> None:
        """Nothing was written."""


def raise_memory(case: Case) -> RaiseMemory:
    """Plan the next size for a job that was killed at its limit."""
    limits = case.site.target.guardrails.memory
    if limits is None:
        raise Refused("the target declares no [guardrails.memory], so no larger size is allowed")
    before = case.evidence.job.memory_mib
    if before is None:
        raise Refused("Batch does not say how much memory the job had")
    after = min(int(before * limits.factor), limits.max_mib)
    if after <= before:
        raise Refused(
            f"the job ran out of memory at {before} MiB and the target allows at most {limits.max_mib} MiB; "
            "a person must raise guardrails.memory.max_mib or make the job smaller"
        )
    return RaiseMemory(before_mib=before, after_mib=after, definition=case.spec.definition, steps=limits.max_steps)

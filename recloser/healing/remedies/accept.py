"""The work is done although Batch says FAILED: take the outputs for what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from recloser.healing.errors import ChangeFailed, Refused
from recloser.healing.outputs import check_outputs
from recloser.healing.remedies.change import Case, Wording
from recloser.values import AutonomyLevel, JobSnapshot, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site


class AcceptOutput(Value):
    """Declared outputs that are complete and younger than the attempt."""

    kind: Literal["accept_output"] = "accept_output"
    job: JobSnapshot
    """The failed job, without its environment."""
    uris: tuple[str, ...]
    level: AutonomyLevel = AutonomyLevel.RETRY
    steps: int = 1
    settle_s: float = 0

    def wording(self, site: Site) -> Wording:
        """Name the outputs."""
        del site
        return Wording(
            summary=f"accept the {len(self.uris)} declared outputs of job {self.job.job_id}: the work was done",
            diff="",
            permanent="Batch shows the job as FAILED: submit again whatever depends on it.",
            undo="Nothing was changed.",
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """There is no further submission."""
        del site
        return spec

    def apply(self, site: Site) -> None:
        """Nothing is written to the account."""

    def verify(self, site: Site) -> None:
        """Look at the outputs again."""
        wrong = [check.uri for check in check_outputs(site, self.job) if not check.ok]
        if wrong:
            raise ChangeFailed(f"{', '.join(wrong)} is not there any more, or not as declared")

    def revert(self, site: Site) -> None:
        """Nothing was written."""


def accept_output(case: Case) -> AcceptOutput:
    """Plan to accept the outputs of a job whose container ended well and whose end was lost."""
    job = case.evidence.job
    checks = check_outputs(case.site, job)
    if not checks:
        raise Refused("the target declares no outputs, so whether the work was done cannot be checked")
    wrong = [f"{check.uri} {check.detail}" for check in checks if not check.ok]
    if wrong:
        raise Refused(f"the work was not done: {'; '.join(wrong)}")
    if job.last_attempt.exit_code not in {None, 0}:
        raise Refused(f"the container itself ended with {job.last_attempt.exit_code}")
    if job.started_at is None:
        raise Refused("Batch does not say when the job started, so the outputs may be of an earlier run")
    return AcceptOutput(job=job.model_copy(update={"environment": {}}), uris=tuple(check.uri for check in checks))

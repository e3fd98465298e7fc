"""A failure that may not come again: the same once more, after a pause. A doomed retry is refused."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Literal

from recloser.healing.errors import Refused
from recloser.healing.outputs import check_outputs
from recloser.healing.remedies.change import Case, Wording
from recloser.healing.remedies.limits import limits
from recloser.values import AutonomyLevel, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site

RetryKind = Literal["retry_same", "retry_backoff", "retry_other_host", "retry_after_output_check"]

_WHY: dict[RetryKind, str] = {
    "retry_same": "",
    "retry_backoff": ", when the service has had time",
    "retry_other_host": ", on whatever host the scheduler picks",
    "retry_after_output_check": ", its outputs not being there",
}


class Retry(Value):
    """The unchanged submission once more."""

    kind: RetryKind
    number: int
    steps: int
    settle_s: float
    level: AutonomyLevel = AutonomyLevel.RETRY

    def wording(self, site: Site) -> Wording:
        """Nothing changes."""
        del site
        again = f"submit the same job again after {self.settle_s:.1f} s{_WHY[self.kind]}"
        return Wording(
            summary=f"{again} (retry {self.number} of {self.steps})",
            diff="",
            permanent='Nothing to keep. `retryStrategy` with `{"onStatusReason": "Host EC2*", "action": "RETRY"}` '
            "lets Batch do this by itself.",
            undo="Nothing was changed.",
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """The submission stays as it is."""
        del site
        return spec

    def apply(self, site: Site) -> None:
        """Nothing is written to the account."""

    def verify(self, site: Site) -> None:
        """Nothing to read back."""

    def revert(self, site: Site) -> None:
        """Nothing was written."""


def retry_same(case: Case) -> Retry:
    """Plan an unchanged retry with full jitter, as often in a row as cause and target allow."""
    return _retry(case, "retry_same")


def retry_backoff(case: Case) -> Retry:
    """Plan an unchanged retry where a service asked for a pause."""
    return _retry(case, "retry_backoff")


def retry_other_host(case: Case) -> Retry:
    """Plan an unchanged retry where a host was at fault; the scheduler picks the next one."""
    return _retry(case, "retry_other_host")


def retry_after_output_check(case: Case) -> Retry:
    """Plan a retry of a job that may have done its work, once its outputs are seen not to be there."""
    checks = check_outputs(case.site, case.evidence.job)
    if not checks:
        raise Refused("the target declares no outputs, so whether the work was done cannot be checked")
    if all(check.ok for check in checks):
        raise Refused("the outputs are all there: the work was done")
    if any(check.detail.startswith("not verified") for check in checks):
        raise Refused("the outputs could not be checked, and the work may have been done")
    return _retry(case, "retry_after_output_check")


def _retry(case: Case, kind: RetryKind) -> Retry:
    guard, cause = case.site.target.guardrails.retry, case.diagnosis.cause
    most = limits().retries.most(cause, kind)
    if most == 0:
        raise Refused(f"a retry is doomed: {cause} ({cause.cause_class}) would fail the same way again")
    most = min(most, guard.max)
    if case.seen > most:
        raise Refused(f"it was retried {most} times and failed the same way each time")
    ceiling_s = min(guard.cap_s, guard.base_s * 2 ** (case.seen - 1))
    # Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"); not a cryptographic use.
    pause_s = random.uniform(0, ceiling_s)  # noqa: S311
    return Retry(kind=kind, number=case.seen, steps=max(most, 1), settle_s=round(pause_s, 2))

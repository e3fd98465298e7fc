"""A transient failure: the same again, after a pause."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Literal

from recloser.healing.errors import Refused
from recloser.healing.remedies.change import Case, Wording
from recloser.values import AutonomyLevel, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site


class RetrySame(Value):
    """The unchanged submission once more."""

    kind: Literal["retry_same"] = "retry_same"
    number: int
    steps: int
    settle_s: float
    level: AutonomyLevel = AutonomyLevel.RETRY

    def wording(self, site: Site) -> Wording:
        """Nothing changes."""
        del site
        return Wording(
            summary=f"submit the same job again after {self.settle_s:.1f} s (retry {self.number} of {self.steps})",
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


def retry_same(case: Case) -> RetrySame:
    """Plan an unchanged retry with full jitter, as often in a row as the target allows."""
    limits = case.site.target.guardrails.retry
    if case.seen > limits.max:
        raise Refused(f"it was retried {limits.max} times and failed the same way each time")
    ceiling_s = min(limits.cap_s, limits.base_s * 2 ** (case.seen - 1))
    # Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"); not a cryptographic use.
    pause_s = random.uniform(0, ceiling_s)  # noqa: S311
    return RetrySame(number=case.seen, steps=max(limits.max, 1), settle_s=round(pause_s, 2))

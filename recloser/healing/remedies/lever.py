"""Less work at a time: the declared number of workers, halved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.healing.errors import Refused
from recloser.healing.remedies.memory import proven
from recloser.healing.remedies.override import Asked, Override, override

if TYPE_CHECKING:
    from recloser.healing.remedies.change import Case

_STEPS = 3


def lower_parallelism(case: Case) -> Override:
    """Plan half the workers, never below the declared minimum."""
    lever = case.site.target.guardrails.parallelism
    if lever is None:
        raise Refused("the target declares no [guardrails.parallelism], so there is no lever to lower")
    value = case.spec.environment.get(lever.variable) or case.evidence.job.environment.get(lever.variable)
    if value is None:
        raise Refused(f"{lever.variable} is not set, and how many workers the job starts by itself is not known")
    try:
        before = int(value.get_secret_value())
    except ValueError:
        raise Refused(f"{lever.variable} is no whole number") from None
    after = max(before // 2, lever.minimum)
    if after >= before:
        raise Refused(f"{lever.variable} is {before}, and the target allows no fewer than {lever.minimum}")
    lowered = override(
        "lower_parallelism",
        Asked(numbers={lever.variable: after}),
        summary=f"lower {lever.variable} from {before} to {after}",
        changes={lever.variable: (before, after)},
        permanent=f"Set {lever.variable} to {after} in a new revision of job definition {case.spec.definition}.",
        steps=_STEPS,
    )
    return proven(case, lowered)

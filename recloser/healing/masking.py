"""One fault hides another: a job dies of the first it meets, and the next shows only when that one is cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.values import AttemptRecord, Cause, Diagnosis


def masked_by(earlier: Sequence[AttemptRecord], latest: AttemptRecord, diagnosis: Diagnosis) -> Cause | None:
    """The cause that hid a newly found one.

    A job that was running before and does not even start now has come less far than before: that fault was not
    hidden, it was made.

    Args:
        earlier: The incident's attempts before, oldest first, each with its diagnosis.
        latest: The attempt that failed now.
        diagnosis: What it failed of.

    Returns:
        The cause of the failure just before, if that was another problem and this one was not seen yet; else None.
    """
    failures = [(attempt, attempt.diagnosis) for attempt in earlier if attempt.diagnosis and not attempt.without]
    if not failures or any(seen.problem == diagnosis.problem for _, seen in failures):
        return None
    before, seen = failures[-1]
    came_less_far = before.started_at is not None and latest.started_at is None
    return None if came_less_far else seen.cause

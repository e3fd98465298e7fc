"""Ended by its time limit: more time, if the job was still getting on with its work."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from recloser.healing.errors import Refused
from recloser.healing.remedies.limits import limits
from recloser.healing.remedies.override import Asked, Override, override

if TYPE_CHECKING:
    from recloser.healing.remedies.change import Case


def raise_timeout(case: Case) -> Override:
    """Plan a longer time limit for a job that wrote to its log until the end."""
    guard = case.site.target.guardrails.timeout
    if guard is None:
        raise Refused("the target declares no [guardrails.timeout], so no longer limit is allowed")
    before = case.spec.timeout_s or case.evidence.job.timeout_s
    if before is None:
        raise Refused("Batch does not say which time limit the job had")
    _made_progress(case, before)
    after = min(int(before * guard.factor), guard.max_s)
    if after <= before:
        raise Refused(f"the job was ended after {before} s and the target allows at most {guard.max_s} s")
    return override(
        "raise_timeout",
        Asked(timeout_s=after),
        summary=f"raise the time limit of an attempt from {before} to {after} s",
        changes={"timeout.attemptDurationSeconds": (before, after)},
        permanent=f"Set timeout.attemptDurationSeconds to {after} in a new revision of {case.spec.definition}.",
        steps=guard.max_steps,
    )


def _made_progress(case: Case, limit_s: int) -> None:
    attempt, rule = case.evidence.job.last_attempt, limits().progress
    if attempt.started_at is None or attempt.stopped_at is None:
        raise Refused("Batch does not say how long the job ran, so its progress cannot be judged")
    due = attempt.started_at + timedelta(seconds=limit_s)
    said = [line.at for line in case.evidence.log.lines if line.at <= due and not rule.last_words.search(line.text)]
    if not said:
        raise Refused("nothing shows that the job was still making progress: it may hang, and more time would not help")
    ran = attempt.stopped_at - attempt.started_at
    silent = min(attempt.stopped_at, due) - said[-1]
    if silent > min(ran * rule.share, timedelta(seconds=rule.most_s)):
        raise Refused(
            f"the job wrote nothing in the last {silent.total_seconds():.0f} of its {ran.total_seconds():.0f} s: "
            "it hangs, and more time would not help"
        )

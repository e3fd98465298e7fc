"""Out of memory: the next size, never above the declared limit nor above what the queue can place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.aws import AwsError
from recloser.healing.errors import Proposed, Refused
from recloser.healing.remedies.limits import Pair, limits
from recloser.healing.remedies.override import Asked, Override, override
from recloser.healing.remedies.proof import ran_out_of_memory
from recloser.values import Cause, Platform

if TYPE_CHECKING:
    from recloser.healing.remedies.change import Case
    from recloser.healing.remedies.override import OverrideKind
    from recloser.target import MemoryGuardrails


def raise_memory(case: Case) -> Override:
    """Plan the next size for a job that was killed at its limit.

    Raises:
        Proposed: Only the log speaks of memory, and it does not prove it.
        Refused: No larger size is allowed or can be placed.
    """
    guard = guardrails(case)
    job = case.evidence.job
    if job.memory_mib is None:
        raise Refused("Batch does not say how much memory the job had")
    before = Pair(memory_mib=job.memory_mib, vcpus=job.vcpus or 1)
    after = _next_pair(before, guard) if job.platform is Platform.FARGATE else _next_size(case, before, guard)
    if after is None:
        raise Refused(
            f"the job ran out of memory at {before.memory_mib} MiB and {_ceiling(case, guard)}; "
            "a person must raise guardrails.memory.max_mib or make the job smaller"
        )
    return proven(case, resized("raise_memory", case, before, after, steps=guard.max_steps))


def proven(case: Case, change: Override) -> Override:
    """Let the change of a size pass where memory is proven to have run out; else it is a person's to decide.

    Raises:
        Proposed: The log says so, and nothing else does.
    """
    if case.diagnosis.cause is Cause.OOM and not ran_out_of_memory(case):
        raise Proposed(
            "the log speaks of memory, but Batch names no such reason, nothing was killed, and the program did not "
            "end with it: that memory ran out is not proven",
            change,
        )
    return change


def guardrails(case: Case) -> MemoryGuardrails:
    """The declared limits of size.

    Raises:
        Refused: There are none.
    """
    guard = case.site.target.guardrails.memory
    if guard is None:
        raise Refused("the target declares no [guardrails.memory], so no other size is allowed")
    return guard


def resized(kind: OverrideKind, case: Case, before: Pair, after: Pair, *, steps: int = 1) -> Override:
    """The override from one size to another; only what differs is asked for."""
    changes: dict[str, tuple[object, object]] = {}
    if after.memory_mib != before.memory_mib:
        changes["MEMORY (MiB)"] = (before.memory_mib, after.memory_mib)
    if after.vcpus != before.vcpus:
        changes["VCPU"] = (f"{before.vcpus:g}", f"{after.vcpus:g}")
    said = ", ".join(f"{name} to {new} (was {old})" for name, (old, new) in changes.items())
    return override(
        kind,
        Asked(
            memory_mib=after.memory_mib if after.memory_mib != before.memory_mib else None,
            vcpus=after.vcpus if after.vcpus != before.vcpus else None,
        ),
        summary=f"set {said}",
        changes=changes,
        permanent=f"Set {said} in a new revision of job definition {case.spec.definition}.",
        steps=steps,
    )


def _next_size(case: Case, before: Pair, guard: MemoryGuardrails) -> Pair | None:
    wanted = min(int(before.memory_mib * guard.factor), guard.max_mib, placeable_mib(case) or guard.max_mib)
    return before.model_copy(update={"memory_mib": wanted}) if wanted > before.memory_mib else None


def _next_pair(before: Pair, guard: MemoryGuardrails) -> Pair | None:
    """The smallest Fargate pair with the wanted memory, else the largest that is allowed."""
    wanted = before.memory_mib * guard.factor
    larger = [
        pair
        for pair in limits().fargate_pairs()
        if before.memory_mib < pair.memory_mib <= guard.max_mib
        and before.vcpus <= pair.vcpus <= (guard.max_vcpus or before.vcpus)
    ]
    enough = [pair for pair in larger if pair.memory_mib >= wanted]
    if enough:
        return enough[0]
    most = max((pair.memory_mib for pair in larger), default=0)
    return next((pair for pair in larger if pair.memory_mib == most), None)


def placeable_mib(case: Case) -> int | None:
    """The most memory a job can have on the queue's instances; None when the account does not say.

    Before a memory step this is a courtesy: an unplaceable size would only wait in RUNNABLE.
    """
    try:
        capacity = case.site.account.capacity.of_queue(case.spec.queue)
    except AwsError:
        return None
    return None if capacity.max_memory_mib is None else limits().placeable_mib(capacity.max_memory_mib)


def _ceiling(case: Case, guard: MemoryGuardrails) -> str:
    most = placeable_mib(case)
    if most is not None and most < guard.max_mib:
        return f"the queue's largest instance can place {most} MiB"
    return f"the target allows at most {guard.max_mib} MiB"

"""A size that cannot be placed, or a pair that Fargate does not offer: the nearest one that can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.healing.errors import Refused
from recloser.healing.remedies.limits import Pair, limits
from recloser.healing.remedies.memory import guardrails, resized
from recloser.values import Cause

if TYPE_CHECKING:
    from recloser.healing.remedies.change import Case
    from recloser.healing.remedies.override import Override


def clamp_resources(case: Case) -> Override:
    """Plan the largest size that the queue can place, where the job asked for more."""
    guard = guardrails(case)
    before = _asked(case)
    capacity = case.site.account.capacity.of_queue(case.spec.queue)
    room = guard.max_mib if capacity.max_memory_mib is None else limits().placeable_mib(capacity.max_memory_mib)
    after = Pair(
        memory_mib=min(before.memory_mib, guard.max_mib, room),
        vcpus=min(before.vcpus, capacity.max_vcpus or before.vcpus),
    )
    if after == before:
        raise Refused(f"the job asks for no more than the queue {case.spec.queue} is known to place")
    _not_below_the_peak(case, after.memory_mib)
    return resized("clamp_resources", case, before, after)


def round_up_fargate(case: Case) -> Override:
    """Plan the smallest pair that Fargate offers and that holds what was asked for."""
    guard = guardrails(case)
    before = _asked(case)
    for pair in limits().fargate_pairs():
        if pair.memory_mib >= before.memory_mib and pair.vcpus >= before.vcpus:
            if pair == before:
                raise Refused(f"Fargate offers {pair.vcpus:g} vCPU with {pair.memory_mib} MiB as it is")
            if pair.memory_mib > guard.max_mib or pair.vcpus > (guard.max_vcpus or before.vcpus):
                raise Refused(
                    f"the next pair Fargate offers is {pair.vcpus:g} vCPU with {pair.memory_mib} MiB, "
                    "more than guardrails.memory allows"
                )
            return resized("round_up_fargate", case, before, pair)
    raise Refused(f"Fargate offers no pair that holds {before.vcpus:g} vCPU and {before.memory_mib} MiB")


def _asked(case: Case) -> Pair:
    """The size the job was submitted with; of a submission that Batch refused, the definition's."""
    job, spec = case.evidence.job, case.spec
    memory_mib, vcpus = spec.memory_mib or job.memory_mib, spec.vcpus or job.vcpus
    if memory_mib is None or vcpus is None:
        definition = case.site.account.batch.definition(spec.definition)
        memory_mib, vcpus = memory_mib or definition.memory_mib, vcpus or definition.vcpus
    if memory_mib is None or vcpus is None:
        raise Refused("Batch does not say how much memory and how many vCPUs the job asks for")
    return Pair(memory_mib=memory_mib, vcpus=vcpus)


def _not_below_the_peak(case: Case, memory_mib: int) -> None:
    """A size at which this job was already killed for memory is no answer."""
    peaks = [
        attempt.memory_mib or 0
        for attempt in case.incident.attempts
        if attempt.diagnosis and attempt.diagnosis.cause is Cause.OOM
    ]
    if peaks and memory_mib <= max(peaks):
        raise Refused(
            f"the queue can place {memory_mib} MiB, and the job was killed for memory at {max(peaks)} MiB; "
            "it needs a queue with larger instances, or less work at a time"
        )

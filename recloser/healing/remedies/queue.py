"""Another queue, where the declared one has no capacity, loses its hosts or cannot place the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.aws import AwsError
from recloser.healing.errors import Refused
from recloser.healing.remedies.override import Asked, Override, override

if TYPE_CHECKING:
    from recloser.healing.remedies.change import Case
    from recloser.values import Capacity, JobSnapshot


def switch_queue(case: Case) -> Override:
    """Plan to submit to the next declared fallback that takes jobs."""
    guard = case.site.target.guardrails.queue
    if guard is None:
        raise Refused("the target declares no [guardrails.queue] with fallbacks")
    problems = []
    for queue in _further(guard.fallbacks, case.spec.queue):
        problem = _unfit(case, queue)
        if problem is None:
            return _to(case, queue, steps=len(guard.fallbacks))
        problems.append(f"{queue}: {problem}")
    raise Refused("; ".join(problems) or "every declared fallback has been tried")


def _further(fallbacks: tuple[str, ...], now: str) -> tuple[str, ...]:
    """The fallbacks that come after the queue the job is in: each is tried once, in the declared order."""
    return fallbacks[fallbacks.index(now) + 1 :] if now in fallbacks else fallbacks


def _unfit(case: Case, queue: str) -> str | None:
    """Why the job cannot run there, None when nothing speaks against it."""
    account = case.site.account
    try:
        account.batch.check_queue(queue)
        return lacks_room(case.evidence.job, account.capacity.of_queue(queue))
    except AwsError as error:
        return str(error)


def lacks_room(job: JobSnapshot, capacity: Capacity) -> str | None:
    """Why a queue cannot place a job, None when nothing speaks against it."""
    if capacity.platform is not job.platform:
        return f"it runs on {capacity.platform}, the job on {job.platform}"
    if capacity.max_vcpus is not None and (job.vcpus or 0) > capacity.max_vcpus:
        return f"it has at most {capacity.max_vcpus:g} vCPUs, the job asks for {job.vcpus:g}"
    return None


def _to(case: Case, queue: str, *, steps: int) -> Override:
    return override(
        "switch_queue",
        Asked(queue=queue),
        summary=f"submit to the declared fallback queue {queue}",
        changes={"jobQueue": (case.spec.queue, queue)},
        permanent=f"If {case.spec.queue} stays short of capacity, make {queue} the target's queue ([job] queue).",
        steps=steps,
    )

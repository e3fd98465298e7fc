"""What attempts cost, and what was not spent on retries that could not have helped; pure arithmetic.

A retry is doomed when the cause is one that an unchanged repetition cannot clear: anything but a transient fault or
a want of capacity. Those are never made, and what they would have cost is told by a stated rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from recloser.values import CauseClass, Money, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recloser.target import Prices, Rate
    from recloser.values import AttemptRecord, Fleet, JobSnapshot

_HOUR_S = 3600
_MIB_PER_GIB = 1024
_DIGITS = 6
_WORTH_REPEATING = frozenset({CauseClass.TRANSIENT, CauseClass.CAPACITY, CauseClass.NETWORK})


def ran_s(job: JobSnapshot) -> float | None:
    """How long the containers of a job ran, in seconds; None where Batch tells no times.

    An attempt that never started has run no time, and costs none.
    """
    times = [(attempt.started_at, attempt.stopped_at) for attempt in job.attempts] or [(job.started_at, job.stopped_at)]
    known = [(stop - start).total_seconds() for start, stop in times if start and stop]
    never_started = all(start is None for start, _ in times)
    if not known:
        return 0.0 if never_started else None
    return round(max(sum(known), 0.0), 3)


def price(attempt: AttemptRecord, prices: Prices | None, queue: str) -> float | None:
    """What an attempt cost in US dollars: vCPU-hours and GiB-hours, less the queue's spot discount.

    Args:
        attempt: With its size and its running time.
        prices: The target's table; None if it declares none.
        queue: Where it ran.

    Returns:
        None where no price is declared, or size or time are not known.
    """
    size = _Size(attempt.vcpus, attempt.memory_mib)
    return None if prices is None else _price(size, attempt.ran_s, attempt.tries, prices.rate(queue))


def price_job(job: JobSnapshot, prices: Prices | None) -> float | None:
    """What a job cost in US dollars, by the same rule as `price`; an array's parent tells no time, and has no price."""
    if prices is None or job.array_size is not None:
        return None
    tries = max(len(job.attempts), 1)
    return _price(_Size(job.vcpus, job.memory_mib), ran_s(job), tries, prices.rate(job.queue))


def booked(attempt: AttemptRecord, job: JobSnapshot, prices: Prices | None) -> AttemptRecord:
    """An attempt with what its job tells at its end, and with what that cost."""
    last = job.last_attempt
    told = {
        "state": job.state,
        "definition": job.definition_arn.rsplit("/", 1)[-1],
        "image": job.image,
        "memory_mib": job.memory_mib,
        "vcpus": job.vcpus,
        "exit_code": last.exit_code,
        "started_at": last.started_at or job.started_at,
        "stopped_at": last.stopped_at or job.stopped_at,
        "detected_at": utc_now(),
        "ran_s": ran_s(job),
        "tries": max(len(job.attempts), 1),
        "retry_limit": job.retry_limit,
    }
    record = attempt.model_copy(update=told)
    return record.model_copy(update={"cost_usd": price(record, prices, job.queue)})


class _Size(NamedTuple):
    vcpus: float | None
    memory_mib: int | None


def _price(size: _Size, seconds: float | None, tries: int, rate: Rate) -> float | None:
    if seconds == 0:
        return 0.0
    if seconds is None or size.vcpus is None or size.memory_mib is None:
        return None
    hours = max(seconds, rate.minimum_s * tries) / _HOUR_S
    hourly_usd = size.vcpus * rate.vcpu_hour_usd + size.memory_mib / _MIB_PER_GIB * rate.gib_hour_usd
    return round(hours * hourly_usd * (1 - rate.spot_discount), _DIGITS)


def account_for(attempts: Sequence[AttemptRecord], prices: Prices | None, fleet: Fleet | None = None) -> Money | None:
    """The bill of an incident.

    Args:
        attempts: All of them, each priced where it could be.
        prices: The target's table.
        fleet: The jobs that failed with the first attempt's job: each would have been retried as it would.

    Returns:
        None where no price is declared: nothing is invented.
    """
    if prices is None:
        return None
    priced = [attempt.cost_usd for attempt in attempts if attempt.cost_usd is not None]
    refused = [(retries_refused(attempt, prices), attempt) for attempt in attempts]
    others = [job for job in fleet.jobs if job.job_id not in {one.job_id for one in attempts}] if fleet else []
    doomed = retries_refused(attempts[0], prices) if attempts else 0
    return Money(
        spent_usd=_sum([*priced, *(job.cost_usd or 0.0 for job in others)]),
        unpriced_attempts=len(attempts) - len(priced),
        refused_retries=sum(count for count, _ in refused) + doomed * len(others),
        saved_usd=_sum(
            [
                *(count * _one_try_usd(attempt) for count, attempt in refused),
                *(doomed * (job.failed_usd or 0.0) for job in others),
            ]
        ),
        rule="each failure that no unchanged retry can clear would have been repeated as often as the job's own retry "
        f"strategy still allowed, or {prices.naive_retries} times where it has none (prices.naive_retries), at the "
        "cost of the attempt that failed",
        prices=f"{prices.source}, as of {prices.as_of.isoformat()}",
    )


def retries_refused(attempt: AttemptRecord, prices: Prices) -> int:
    """How many unchanged retries of this attempt a plain policy would have made in vain."""
    diagnosis = attempt.diagnosis
    if diagnosis is None or attempt.without or diagnosis.cause.cause_class in _WORTH_REPEATING:
        return 0
    if diagnosis.cause.cause_class in {CauseClass.UNKNOWN, CauseClass.USER}:
        return 0  # nobody can say that it would have been in vain; and nobody repeats what a person stopped
    if attempt.retry_limit is None or attempt.retry_limit == 1:
        return prices.naive_retries
    return max(attempt.retry_limit - attempt.tries, 0)


def _one_try_usd(attempt: AttemptRecord) -> float:
    return (attempt.cost_usd or 0.0) / max(attempt.tries, 1)


def _sum(amounts: Iterable[float]) -> float:
    return round(sum(amounts), _DIGITS)

"""Submit one attempt: once, whatever happens to the answer.

SubmitJob has no client token. The intent is written to the store first; the job's name carries it; and when an
answer is lost the job is looked up by that name before anything is submitted again.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import SecretStr

from recloser.aws import AccessRefused, AwsError, NotFound, Rejected, Throttled
from recloser.healing.watch import rest
from recloser.values import AttemptRecord, JobSpec, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recloser.healing.casebook import Casebook
    from recloser.healing.remedies import Change
    from recloser.healing.site import Site

_TRIES = 8
_PAUSE_S = 0.5
_PAUSE_CAP_S = 20.0


def specify(
    site: Site, *, name: str, tags: Mapping[str, str], changes: Iterable[Change], base: JobSpec | None = None
) -> JobSpec:
    """The submission as the target declares it, with every live change on top, oldest first.

    Args:
        site: The target in its account.
        name: Of the job.
        tags: Of the job.
        changes: What is in force.
        base: What a job was submitted with before, if it is that job which is submitted again.
    """
    spec = declared(site, name, tags) if base is None else base.model_copy(update={"name": name, "tags": tags})
    for change in changes:
        spec = change.amend(spec, site)
    return spec


def declared(site: Site, name: str, tags: Mapping[str, str]) -> JobSpec:
    """The submission as the target declares it."""
    job = site.target.job
    return JobSpec(
        name=name,
        queue=job.queue,
        definition=job.definition,
        environment={variable: SecretStr(value) for variable, value in job.environment.items()},
        command=job.command,
        memory_mib=job.memory_mib,
        vcpus=job.vcpus,
        timeout_s=job.timeout_s,
        array_size=job.array_size,
        tags=tags,
    )


def submit(site: Site, book: Casebook, spec: JobSpec, number: int, *, without: tuple[str, ...] = ()) -> AttemptRecord:
    """Submit an attempt, intent first; one that was intended before, by whatever process, is looked for first.

    Args:
        site: The target in its account.
        book: Where the attempt is written down.
        spec: What is submitted.
        number: Of the attempt.
        without: Ids of the changes that a trial goes without.

    Raises:
        AwsError: Batch stays out of reach; what it refuses is an attempt that failed.
    """
    intended = bool(book.incident.attempts) and book.attempt.number == number
    if not intended:
        book.write_attempt(
            AttemptRecord(
                number=number,
                job_name=spec.name,
                region=spec.region,
                definition=spec.definition,
                memory_mib=spec.memory_mib,
                vcpus=spec.vcpus,
                submitted_at=utc_now(),
                without=without,
            )
        )
    job_id = adopt(site, spec, book.attempt.submitted_at) if intended else None
    try:
        job_id = job_id or submit_once(site, spec)
    except (Rejected, AccessRefused, NotFound) as error:
        return book.amend_attempt(refused=True, status_reason=site.redact(str(error)))
    return book.amend_attempt(job_id=job_id, accepted_at=utc_now(), refused=False, status_reason=None)


def submit_once(site: Site, spec: JobSpec) -> str:
    """Submit a job; one whose answer is lost is looked for by its name before it is sent again.

    Raises:
        AwsError: Batch refused it, or stays out of reach.
    """
    for tried in range(1, _TRIES + 1):
        sent_at = utc_now()
        try:
            return site.at(spec.region).account.batch.submit(spec)
        except Throttled:
            # A refusal, not a lost answer: nothing was accepted.
            if tried == _TRIES:
                raise
            rest(random.uniform(0, min(2**tried * _PAUSE_S, _PAUSE_CAP_S)))  # noqa: S311 - jitter, no secret
        except AwsError as error:
            if not error.is_transient or tried == _TRIES:
                raise
            if (adopted := adopt(site, spec, sent_at)) is not None:
                return adopted
    raise AssertionError("the last try returns or raises")


def adopt(site: Site, spec: JobSpec, sent_at: datetime) -> str | None:
    """The job that was accepted although its answer was lost; the oldest, if there are several.

    A job can be accepted and not listed for a while, so its absence counts only after that while.

    Args:
        site: The target in its account.
        spec: What was sent.
        sent_at: When.
    """
    lag = timedelta(seconds=site.target.watch.list_lag_s)
    batch = site.at(spec.region).account.batch
    while True:
        known = batch.find(spec.queue, spec.name)
        for duplicate in known[1:]:
            batch.terminate(duplicate, f"recloser: a duplicate of {known[0]}")
        if known:
            return known[0]
        if utc_now() - sent_at >= lag:
            return None
        rest(min(_PAUSE_S, lag.total_seconds()))

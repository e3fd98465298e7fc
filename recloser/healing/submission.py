"""Submit one attempt: once, whatever happens to the answer.

SubmitJob has no client token. The intent is written to the store first; the job's name carries it; and when an
answer is lost the job is looked up by that name before anything is submitted again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from recloser.aws import AwsError
from recloser.values import AttemptRecord, JobSpec, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recloser.healing.casebook import Casebook
    from recloser.healing.remedies import Change
    from recloser.healing.site import Site


def specify(site: Site, *, name: str, tags: Mapping[str, str], changes: Iterable[Change]) -> JobSpec:
    """The submission as the target declares it, with every live change on top, oldest first."""
    job = site.target.job
    spec = JobSpec(
        name=name,
        queue=job.queue,
        definition=job.definition,
        environment={variable: SecretStr(value) for variable, value in job.environment.items()},
        tags=tags,
    )
    for change in changes:
        spec = change.amend(spec, site)
    return spec


def submit(site: Site, book: Casebook, spec: JobSpec, number: int, *, look_first: bool) -> AttemptRecord:
    """Submit an attempt, intent first.

    Args:
        site: The target in its account.
        book: Where the intent and the job id are written.
        spec: What to submit.
        number: The attempt's number.
        look_first: The intent was written before, so a job of this name may already be there.

    Raises:
        AwsError: Batch refused it, or cannot be reached and knows no job of this name.
    """
    book.write_attempt(
        AttemptRecord(
            number=number,
            job_name=spec.name,
            definition=spec.definition,
            memory_mib=spec.memory_mib,
            submitted_at=utc_now(),
        )
    )
    return book.amend_attempt(job_id=_submit_once(site, spec, look_first=look_first))


def _submit_once(site: Site, spec: JobSpec, *, look_first: bool) -> str:
    if look_first and (known := site.account.batch.find(spec.queue, spec.name)):
        return known[0]
    try:
        return site.account.batch.submit(spec)
    except AwsError as error:
        if not error.is_transient:
            raise
        adopted = site.account.batch.find(spec.queue, spec.name)
        return adopted[0] if adopted else site.account.batch.submit(spec)

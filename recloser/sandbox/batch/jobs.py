"""Jobs as the API shows and ends them: describe, cancel, terminate, one or many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch.model import BatchError, Document

if TYPE_CHECKING:
    from recloser.sandbox.batch.context import Context

_MAX_IDS: Final = 100
_MAX_ENDED: Final = 50
_MAX_REASON: Final = 1024


def describe_jobs(context: Context, request: Document) -> Document:
    """Show jobs; ids nobody knows are left out."""
    _check_ids(request["jobs"], _MAX_IDS)
    found = context.store.jobs(context.region, dict.fromkeys(request["jobs"]))
    return {"jobs": [context.scheduler.arrays.up_to_date(document) for document in found]}


def terminate_job(context: Context, request: Document) -> Document:
    """End a job in whatever state; one that has ended stays as it is."""
    context.scheduler.terminate(context.region, request["jobId"], _reason(request))
    return {}


def cancel_job(context: Context, request: Document) -> Document:
    """End a job that has not started; later states are left alone."""
    context.scheduler.cancel(context.region, request["jobId"], _reason(request))
    return {}


def terminate_jobs(context: Context, request: Document) -> Document:
    """TerminateJob for up to 50 jobs; one that is not known counts as done."""
    ids, reason = _check_ids(request["jobs"], _MAX_ENDED), _reason(request)
    for job_id in ids:
        context.scheduler.terminate(context.region, job_id, reason)
    return {"successful": ids, "errors": []}


def cancel_jobs(context: Context, request: Document) -> Document:
    """CancelJob for up to 50 jobs; one that is not known counts as done."""
    ids, reason = _check_ids(request["jobs"], _MAX_ENDED), _reason(request)
    for job_id in ids:
        context.scheduler.cancel(context.region, job_id, reason)
    return {"successful": ids, "errors": []}


def _check_ids(ids: list[str], limit: int) -> list[str]:
    if len(ids) > limit:
        raise BatchError(f"jobs should have at most {limit} ids, got {len(ids)}")
    return list(dict.fromkeys(ids))


def _reason(request: Document) -> str:
    reason: str = request["reason"]
    if len(reason) > _MAX_REASON:
        raise BatchError(f"reason should have at most {_MAX_REASON} characters, got {len(reason)}")
    return reason

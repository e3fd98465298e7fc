"""Tags of compute environments, queues, definitions and jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.sandbox.batch import definitions, resources
from recloser.sandbox.batch.model import BatchError, Document, Job
from recloser.sandbox.batch.scheduler import ENVIRONMENT, QUEUE
from recloser.sandbox.batch.validation import check_tags
from recloser.sandbox.ministack import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.sandbox.batch.context import Context


def list_tags_for_resource(context: Context, request: Document) -> Document:
    """Show the tags of one resource."""
    document, _ = _find(context, request["resourceArn"])
    return {"tags": document.get("tags", {})}


def tag_resource(context: Context, request: Document) -> Document:
    """Add or replace tags."""
    document, save = _find(context, request["resourceArn"])
    tags = {**document.get("tags", {}), **request["tags"]}
    check_tags(tags)
    save({**document, "tags": tags})
    return {}


def untag_resource(context: Context, request: Document) -> Document:
    """Remove tags."""
    document, save = _find(context, request["resourceArn"])
    kept = {key: value for key, value in document.get("tags", {}).items() if key not in request["tagKeys"]}
    save({**document, "tags": kept})
    return {}


def _find(context: Context, arn: str) -> tuple[Document, Callable[[Document], None]]:
    kind, _, name = arn.removeprefix(f"arn:aws:batch:{context.region}:{ACCOUNT}:").partition("/")
    if kind in (ENVIRONMENT, QUEUE):
        found = resources.find(context, kind, arn)
        return found, lambda changed: context.store.put_resource(context.region, kind, name, changed)
    if kind == definitions.KIND and ":" in name:
        found = definitions.find_revision(context, arn)
        return found, lambda changed: context.store.put_definition(context.region, changed)
    if kind == "job" and ":" in name:
        raise BatchError(f"{arn} is a child of an array; children have no tags of their own")
    if kind == "job":
        return _find_job(context, name)
    raise BatchError(f"{arn} is not a resource that has tags in this account and region")


def _find_job(context: Context, job_id: str) -> tuple[Document, Callable[[Document], None]]:
    live = context.scheduler.live.get(job_id)
    found = [live.detail] if live is not None else context.store.jobs(context.region, [job_id])
    if not found or (live is not None and live.region != context.region):
        raise BatchError(f"job {job_id} does not exist")
    job = live or Job(context.region, found[0])

    def save(changed: Document) -> None:
        job.detail["tags"] = changed["tags"]
        context.store.save_job(job)

    return found[0], save

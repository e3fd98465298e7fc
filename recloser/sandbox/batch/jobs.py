"""Jobs as the API shows them: submit, describe, list, terminate, cancel."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from recloser.sandbox.batch import definitions, resources
from recloser.sandbox.batch.endings import OVERRIDES_TOO_LONG, fail
from recloser.sandbox.batch.model import BatchError, Document, Job, arn, new_id, now_ms
from recloser.sandbox.batch.paging import position_in, size_of, token_of
from recloser.sandbox.batch.scheduler import QUEUE
from recloser.sandbox.batch.validation import check_name, check_tags, check_timeout, sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.sandbox.batch.context import Context

_MAX_IDS = 100
_MAX_REASON = 1024
_MAX_OVERRIDES = 8192
_PAGE = 1000
_FILTERED_PAGE = 100
_NEWEST = 2**62
_SUMMARY = (
    "jobArn",
    "jobId",
    "jobName",
    "createdAt",
    "status",
    "statusReason",
    "startedAt",
    "stoppedAt",
    "jobDefinition",
)
_REF = re.compile(r"Ref::([A-Za-z0-9_-]+)")


def submit_job(context: Context, request: Document) -> Document:
    """Accept a job: it is on disk when this returns."""
    check_name(request["jobName"], "jobName")
    check_tags(request.get("tags", {}))
    check_timeout(request.get("timeout"))
    queue = resources.find(context, QUEUE, request["jobQueue"])
    if queue["state"] != "ENABLED":
        raise BatchError(f"Job Queue {queue['jobQueueArn']} is DISABLED and takes no jobs")
    definition = definitions.find(context, request["jobDefinition"])
    job = Job(context.region, _detail(context.region, request, queue, definition))
    if len(json.dumps(request.get("containerOverrides", {}), separators=(",", ":"))) > _MAX_OVERRIDES:
        fail(job.detail, {"statusReason": OVERRIDES_TOO_LONG})
        context.store.add_job(job)
    else:
        context.store.add_job(job)
        context.scheduler.accept(job)
    return {"jobArn": job.detail["jobArn"], "jobName": job.detail["jobName"], "jobId": job.id}


def _detail(region: str, request: Document, queue: Document, definition: Document) -> Document:
    job_id = new_id()
    parameters = {**definition["parameters"], **request.get("parameters", {})}
    container = _container(definition["containerProperties"], request.get("containerOverrides", {}), parameters)
    propagate = request.get("propagateTags", definition["propagateTags"])
    timeout = request.get("timeout") or definition.get("timeout")
    return {
        "jobArn": arn(region, "job", job_id),
        "jobName": request["jobName"],
        "jobId": job_id,
        "jobQueue": queue["jobQueueArn"],
        "status": "SUBMITTED",
        "attempts": [],
        "createdAt": now_ms(),
        "retryStrategy": {"attempts": 1, "evaluateOnExit": []},
        "dependsOn": [],
        "jobDefinition": definition["jobDefinitionArn"],
        "parameters": parameters,
        "container": container,
        **({"timeout": timeout} if timeout else {}),
        "tags": {**(definition["tags"] if propagate else {}), **request.get("tags", {})},
        "propagateTags": propagate,
        "platformCapabilities": ["EC2"],
        "eksAttempts": [],
        "isCancelled": False,
        "isTerminated": False,
    }


def _container(properties: Document, overrides: Document, parameters: Mapping[str, str]) -> Document:
    size = {**sizes(properties), **sizes(overrides)}
    command = overrides.get("command") or properties["command"]
    return {
        **properties,
        **size,
        "command": [substitute(word, parameters) for word in command],
        "environment": _merge(properties["environment"], overrides.get("environment", []), "name"),
        "resourceRequirements": _merge(
            properties["resourceRequirements"], overrides.get("resourceRequirements", []), "type"
        ),
        "networkInterfaces": [],
    }


def _merge(base: list[Document], over: list[Document], key: str) -> list[Document]:
    return list({item[key]: item for item in (*base, *over)}.values())


def substitute(word: str, parameters: Mapping[str, str]) -> str:
    """Fill in `Ref::name`; a name nobody gave stays as it is."""
    return _REF.sub(lambda found: parameters.get(found[1], found[0]), word)


def describe_jobs(context: Context, request: Document) -> Document:
    """Show jobs; ids nobody knows are left out."""
    ids = request["jobs"]
    if len(ids) > _MAX_IDS:
        raise BatchError(f"jobs should have at most {_MAX_IDS} ids, got {len(ids)}")
    return {"jobs": context.store.jobs(context.region, dict.fromkeys(ids))}


def list_jobs(context: Context, request: Document) -> Document:
    """List jobs of a queue, newest first: those in one state, RUNNING by default, or those of a name."""
    if "jobQueue" not in request:
        raise BatchError("exactly one of jobQueue, arrayJobId, multiNodeJobId is required")
    queue = resources.find(context, QUEUE, request["jobQueue"])["jobQueueArn"]
    filters = request.get("filters", [])
    before = position_in(request, _NEWEST)
    if filters:
        size = size_of(request, _FILTERED_PAGE)
        found = context.store.page_by_name(queue, _name_filter(filters), before, size + 1)
    else:
        size = size_of(request, _PAGE)
        found = context.store.page_by_status(queue, request.get("jobStatus", "RUNNING"), before, size + 1)
    answer: Document = {"jobSummaryList": [_summary(document) for _, document in found[:size]]}
    if len(found) > size:
        answer["nextToken"] = token_of(found[size - 1][0])
    return answer


def _name_filter(filters: list[Document]) -> str:
    values = [value for entry in filters for value in entry.get("values", [])]
    if len(filters) != 1 or len(values) != 1:
        raise BatchError("filters should be one filter with one value")
    return str(values[0]).lower()


def _summary(detail: Document) -> Document:
    container = {key: detail["container"][key] for key in ("exitCode", "reason") if key in detail["container"]}
    return {**{key: detail[key] for key in _SUMMARY if key in detail}, "container": container}


def terminate_job(context: Context, request: Document) -> Document:
    """End a job in whatever state; one that has ended stays as it is."""
    context.scheduler.terminate(context.region, request["jobId"], _reason(request))
    return {}


def cancel_job(context: Context, request: Document) -> Document:
    """End a job that has not started; later states are left alone."""
    context.scheduler.cancel(context.region, request["jobId"], _reason(request))
    return {}


def _reason(request: Document) -> str:
    reason: str = request["reason"]
    if len(reason) > _MAX_REASON:
        raise BatchError(f"reason should have at most {_MAX_REASON} characters, got {len(reason)}")
    return reason

"""SubmitJob: what is refused, and the documents a job begins with."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch import definitions, resources
from recloser.sandbox.batch.arrays import check_array
from recloser.sandbox.batch.dependencies import check_dependencies, of_child
from recloser.sandbox.batch.endings import OVERRIDES_TOO_LONG, TOO_MANY_TAGS
from recloser.sandbox.batch.fargate import check_pair, is_fargate
from recloser.sandbox.batch.model import BatchError, Document, Job, arn, child_id, new_id, now_ms
from recloser.sandbox.batch.retries import check_retries, shown
from recloser.sandbox.batch.scheduler import QUEUE
from recloser.sandbox.batch.shares import check_share
from recloser.sandbox.batch.validation import MAX_TAGS, check_name, check_tags, check_timeout, sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.sandbox.batch.context import Context

_MAX_OVERRIDES: Final = 8192
_REF: Final = re.compile(r"Ref::([A-Za-z0-9_-]+)")


def submit_job(context: Context, request: Document) -> Document:
    """Accept a job, or an array of jobs: it is on disk when this returns."""
    size = _check(context, request)
    queue = _open_queue(context, request["jobQueue"])
    check_share(context.store, queue, request)
    context.scheduler.check_room(queue["jobQueueArn"], 1 + (size or 0))
    definition = definitions.find(context, request["jobDefinition"])
    resources.check_platform(context, queue, fargate=is_fargate(definition))
    job = Job(context.region, _detail(context.region, request, queue, definition, size))
    children = [] if size is None else _children(job, request.get("dependsOn", []), size)
    context.store.add_job(job, *children)
    context.scheduler.accept(job, children, doom=_doom(request, job, definition))
    return {"jobArn": job.detail["jobArn"], "jobName": job.detail["jobName"], "jobId": job.id}


def _check(context: Context, request: Document) -> int | None:
    check_name(request["jobName"], "jobName")
    check_tags(request.get("tags", {}))
    check_timeout(request.get("timeout"))
    check_retries(request.get("retryStrategy"))
    size = check_array(request.get("arrayProperties"))

    def look_up(job_id: str) -> Document | None:
        return next(iter(context.store.jobs(context.region, [job_id])), None)

    check_dependencies(request.get("dependsOn", []), size, look_up)
    return size


def _open_queue(context: Context, name: str) -> Document:
    queue = resources.find(context, QUEUE, name)
    if queue["state"] != "ENABLED":
        raise BatchError(f"Job Queue {queue['jobQueueArn']} is DISABLED and takes no jobs")
    return queue


def _doom(request: Document, job: Job, definition: Document) -> str | None:
    """Why a job that is accepted fails at dispatch."""
    if len(json.dumps(request.get("containerOverrides", {}), separators=(",", ":"))) > _MAX_OVERRIDES:
        return OVERRIDES_TOO_LONG
    combined = {**definition["tags"], **request.get("tags", {})}
    return TOO_MANY_TAGS if job.detail["propagateTags"] and len(combined) > MAX_TAGS else None


def _detail(region: str, request: Document, queue: Document, definition: Document, size: int | None) -> Document:
    job_id = new_id()
    parameters = {**definition["parameters"], **request.get("parameters", {})}
    container = _container(definition, request.get("containerOverrides", {}), parameters)
    propagate = request.get("propagateTags", definition["propagateTags"])
    timeout = request.get("timeout") or definition.get("timeout")
    priority = request.get("schedulingPriorityOverride", definition.get("schedulingPriority"))
    return {
        "jobArn": arn(region, "job", job_id),
        "jobName": request["jobName"],
        "jobId": job_id,
        "jobQueue": queue["jobQueueArn"],
        "status": "SUBMITTED",
        **({"shareIdentifier": request["shareIdentifier"]} if request.get("shareIdentifier") else {}),
        **({"schedulingPriority": priority} if request.get("shareIdentifier") and priority is not None else {}),
        "attempts": [],
        "createdAt": now_ms(),
        "retryStrategy": shown(request.get("retryStrategy") or definition.get("retryStrategy")),
        "dependsOn": request.get("dependsOn", []),
        "jobDefinition": definition["jobDefinitionArn"],
        "parameters": parameters,
        "container": container,
        **({"arrayProperties": {"size": size}} if size is not None else {}),
        **({"timeout": timeout} if timeout else {}),
        "tags": {**(definition["tags"] if propagate else {}), **request.get("tags", {})},
        "propagateTags": propagate,
        "platformCapabilities": definition["platformCapabilities"],
        "eksAttempts": [],
        "isCancelled": False,
        "isTerminated": False,
    }


def _children(parent: Job, entries: list[Document], size: int) -> list[Job]:
    return [Job(parent.region, _child(parent.detail, entries, index)) for index in range(size)]


def _child(parent: Document, entries: list[Document], index: int) -> Document:
    return {
        **parent,
        "jobId": child_id(parent["jobId"], index),
        "jobArn": child_id(parent["jobArn"], index),
        "attempts": [],
        "container": dict(parent["container"]),
        "dependsOn": of_child(entries, parent["jobId"], index),
        "arrayProperties": {"index": index},
    }


def _container(definition: Document, overrides: Document, parameters: Mapping[str, str]) -> Document:
    properties, fargate = definition["containerProperties"], is_fargate(definition)
    size = {**sizes(properties, fargate=fargate), **sizes(overrides, fargate=fargate)}
    if fargate:
        check_pair(size)
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

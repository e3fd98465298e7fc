"""Compute environments and job queues: create, describe, update, delete."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from recloser.sandbox.batch.fargate import is_fargate
from recloser.sandbox.batch.limits import check_limits
from recloser.sandbox.batch.model import BatchError, Document, arn, name_in, now_ms
from recloser.sandbox.batch.paging import page
from recloser.sandbox.batch.scheduler import ENVIRONMENT, QUEUE
from recloser.sandbox.batch.shares import check_policy
from recloser.sandbox.batch.validation import check_name, check_tags
from recloser.sandbox.ministack import ACCOUNT

if TYPE_CHECKING:
    from recloser.sandbox.batch.context import Context

_LIMIT = 50
_MAX_ENVIRONMENTS = 3
_SHOWN_AT_FRONT = 100
_OF_QUEUE = ("state", "priority", "schedulingPolicyArn", "jobStateTimeLimitActions")


def create_compute_environment(context: Context, request: Document) -> Document:
    """Accept a compute environment; it is VALID at once."""
    name = request["computeEnvironmentName"]
    _check_new(context, ENVIRONMENT, name, request)
    if "computeResources" not in request:
        raise BatchError("computeResources is required for a MANAGED compute environment")
    sizes = {"minvCpus": 0, **request["computeResources"]}
    _check_sizes(sizes)
    document = {
        "computeEnvironmentName": name,
        "computeEnvironmentArn": arn(context.region, ENVIRONMENT, name),
        "ecsClusterArn": f"arn:aws:ecs:{context.region}:{ACCOUNT}:cluster/{name}_Batch_{uuid.uuid4()}",
        "tags": request.get("tags", {}),
        "type": request["type"],
        "state": request.get("state", "ENABLED"),
        "status": "VALID",
        "statusReason": "ComputeEnvironment Healthy",
        "computeResources": sizes,
        "containerOrchestrationType": "ECS",
        "serviceRole": request.get("serviceRole", f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/batch.amazonaws.com"),
    }
    context.store.put_resource(context.region, ENVIRONMENT, name, document)
    return {"computeEnvironmentName": name, "computeEnvironmentArn": document["computeEnvironmentArn"]}


def describe_compute_environments(context: Context, request: Document) -> Document:
    """Show compute environments."""
    return _describe(context, ENVIRONMENT, "computeEnvironments", "computeEnvironmentName", request)


def update_compute_environment(context: Context, request: Document) -> Document:
    """Change state, sizes or role."""
    document = find(context, ENVIRONMENT, request["computeEnvironment"])
    document["computeResources"].update(request.get("computeResources", {}))
    _check_sizes(document["computeResources"])
    document.update({key: request[key] for key in ("state", "serviceRole") if key in request})
    name = document["computeEnvironmentName"]
    context.store.put_resource(context.region, ENVIRONMENT, name, document)
    context.scheduler.reconsider()
    return {"computeEnvironmentName": name, "computeEnvironmentArn": document["computeEnvironmentArn"]}


def delete_compute_environment(context: Context, request: Document) -> Document:
    """Delete a disabled compute environment that no queue and no job uses."""
    document = context.store.resource(context.region, ENVIRONMENT, name_in(request["computeEnvironment"], ENVIRONMENT))
    if document is None:
        return {}
    if document["state"] != "DISABLED":
        raise BatchError("Cannot delete, resource is not DISABLED; set its state to DISABLED first")
    own = document["computeEnvironmentArn"]
    for queue in context.store.resources(context.region, QUEUE):
        if own in (entry["computeEnvironment"] for entry in queue["computeEnvironmentOrder"]):
            raise BatchError(f"Cannot delete, found existing JobQueue relationship: {queue['jobQueueName']}")
    if (running := context.scheduler.jobs_on(own)) > 0:
        raise BatchError(f"Cannot delete, {running} jobs run on it; wait for their end or terminate them")
    context.store.delete_resource(context.region, ENVIRONMENT, document["computeEnvironmentName"])
    return {}


def create_job_queue(context: Context, request: Document) -> Document:
    """Accept a queue; it is VALID at once."""
    name = request["jobQueueName"]
    _check_new(context, QUEUE, name, request)
    _check_queue(request)
    document = {
        "jobQueueName": name,
        "jobQueueArn": arn(context.region, QUEUE, name),
        "state": request.get("state", "ENABLED"),
        "status": "VALID",
        "statusReason": "JobQueue Healthy",
        "priority": request["priority"],
        "computeEnvironmentOrder": _order(context, request.get("computeEnvironmentOrder", [])),
        "serviceEnvironmentOrder": [],
        "jobQueueType": "ECS",
        "tags": request.get("tags", {}),
        "jobStateTimeLimitActions": request.get("jobStateTimeLimitActions", []),
        **({"schedulingPolicyArn": request["schedulingPolicyArn"]} if request.get("schedulingPolicyArn") else {}),
    }
    context.store.put_resource(context.region, QUEUE, name, document)
    return {"jobQueueName": name, "jobQueueArn": document["jobQueueArn"]}


def describe_job_queues(context: Context, request: Document) -> Document:
    """Show queues."""
    return _describe(context, QUEUE, "jobQueues", "jobQueueName", request)


def get_job_queue_snapshot(context: Context, request: Document) -> Document:
    """Show the jobs at the front of a queue; positions are not timed here, so each says when it was created."""
    queue = find(context, QUEUE, request["jobQueue"])
    front = context.scheduler.front(queue["jobQueueArn"], _SHOWN_AT_FRONT)
    shown = [{"jobArn": job.detail["jobArn"], "earliestTimeAtPosition": job.detail["createdAt"]} for job in front]
    return {"frontOfQueue": {"jobs": shown, "lastUpdatedAt": now_ms()}}


def update_job_queue(context: Context, request: Document) -> Document:
    """Change state, priority, compute environments, time limits; a scheduling policy can only be replaced."""
    document = find(context, QUEUE, request["jobQueue"])
    _check_queue(request)
    if request.get("schedulingPolicyArn") and not document.get("schedulingPolicyArn"):
        raise BatchError("schedulingPolicyArn cannot be added to a job queue that was created without one")
    document.update({key: request[key] for key in _OF_QUEUE if key in request})
    if "computeEnvironmentOrder" in request:
        document["computeEnvironmentOrder"] = _order(context, request["computeEnvironmentOrder"])
    name = document["jobQueueName"]
    context.store.put_resource(context.region, QUEUE, name, document)
    context.scheduler.reconsider()
    return {"jobQueueName": name, "jobQueueArn": document["jobQueueArn"]}


def delete_job_queue(context: Context, request: Document) -> Document:
    """Delete a disabled queue; its jobs are terminated."""
    document = context.store.resource(context.region, QUEUE, name_in(request["jobQueue"], QUEUE))
    if document is None:
        return {}
    if document["state"] != "DISABLED":
        raise BatchError("Cannot delete, resource is not DISABLED; set its state to DISABLED first")
    context.store.delete_resource(context.region, QUEUE, document["jobQueueName"])
    context.scheduler.drop_queue(document["jobQueueArn"])
    return {}


def find(context: Context, kind: str, name: str) -> Document:
    """One resource by name or ARN.

    Raises:
        BatchError: There is none in this region.
    """
    document = context.store.resource(context.region, kind, name_in(name, kind))
    if document is None or (name.startswith("arn:") and name != arn(context.region, kind, name_in(name, kind))):
        raise BatchError(f"{name} does not exist")
    return document


def check_platform(context: Context, queue: Document, *, fargate: bool) -> None:
    """Refuse a job whose definition is of another platform than the queue's compute environments."""
    named = {entry["computeEnvironment"] for entry in queue["computeEnvironmentOrder"]}
    known = [
        one for one in context.store.resources(context.region, ENVIRONMENT) if one["computeEnvironmentArn"] in named
    ]
    if any(is_fargate(one["computeResources"]) is not fargate for one in known):
        wanted = "FARGATE" if fargate else "EC2"
        raise BatchError(f"Job Queue {queue['jobQueueArn']} has no compute environment of platform {wanted}")


def _check_new(context: Context, kind: str, name: str, request: Document) -> None:
    check_name(name, f"the name of the {kind}")
    check_tags(request.get("tags", {}))
    if context.store.resource(context.region, kind, name) is not None:
        raise BatchError("Object already exists")
    if len(context.store.resources(context.region, kind)) >= _LIMIT:
        raise BatchError(f"at most {_LIMIT} of kind {kind} are allowed in an account and region")


def _check_sizes(resources: Document) -> None:
    smallest, largest = resources["minvCpus"], resources["maxvCpus"]
    if not 0 <= smallest <= largest:
        raise BatchError(f"computeResources: minvCpus {smallest} should be between 0 and maxvCpus {largest}")


def _check_queue(request: Document) -> None:
    check_limits(request.get("jobStateTimeLimitActions", []))
    if "schedulingPolicyArn" in request:
        check_policy(request["schedulingPolicyArn"])
    if request.get("priority", 0) < 0:
        raise BatchError(f"priority should be 0 or more, got {request['priority']}")


def _order(context: Context, entries: list[Document]) -> list[Document]:
    if not 1 <= len(entries) <= _MAX_ENVIRONMENTS:
        raise BatchError(f"computeEnvironmentOrder should name 1 to {_MAX_ENVIRONMENTS} compute environments")
    found = [
        {
            "order": entry["order"],
            "computeEnvironment": find(context, ENVIRONMENT, entry["computeEnvironment"])["computeEnvironmentArn"],
        }
        for entry in entries
    ]
    for key in ("order", "computeEnvironment"):
        if len({entry[key] for entry in found}) < len(found):
            raise BatchError(f"computeEnvironmentOrder: no two entries should have the same {key}")
    return sorted(found, key=lambda entry: int(entry["order"]))


def _describe(context: Context, kind: str, member: str, name_key: str, request: Document) -> Document:
    wanted = {name_in(name, kind) for name in request.get(member, [])}
    found = [
        document
        for document in context.store.resources(context.region, kind)
        if not wanted or document[name_key] in wanted
    ]
    return page(member, found, request, limit=100)

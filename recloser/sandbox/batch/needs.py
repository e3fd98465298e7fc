"""Which rights an operation needs: actions on resources, after the Service Authorization Reference of AWS Batch.

A submission is judged on the definition's revision even where only its name is given: that is what AWS does, so a
policy that names the definition alone matches nothing.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from recloser.sandbox.batch import definitions, tags
from recloser.sandbox.batch.model import BatchError, Document, arn, name_in
from recloser.sandbox.batch.policies import Request
from recloser.sandbox.batch.scheduler import ENVIRONMENT, QUEUE

if TYPE_CHECKING:
    from recloser.sandbox.batch.conditions import Facts
    from recloser.sandbox.batch.context import Context

_TASKS: Final = "ecs-tasks.amazonaws.com"
_SEVERAL: Final = {"CancelJobs": "CancelJob", "TerminateJobs": "TerminateJob"}
# The member that names the resource, and the resource's kind.
_NAMED: Final = {
    "CreateComputeEnvironment": ("computeEnvironmentName", ENVIRONMENT),
    "UpdateComputeEnvironment": ("computeEnvironment", ENVIRONMENT),
    "DeleteComputeEnvironment": ("computeEnvironment", ENVIRONMENT),
    "CreateJobQueue": ("jobQueueName", QUEUE),
    "UpdateJobQueue": ("jobQueue", QUEUE),
    "DeleteJobQueue": ("jobQueue", QUEUE),
    "GetJobQueueSnapshot": ("jobQueue", QUEUE),
    "RegisterJobDefinition": ("jobDefinitionName", definitions.KIND),
    "DeregisterJobDefinition": ("jobDefinition", definitions.KIND),
    "CancelJob": ("jobId", "job"),
    "TerminateJob": ("jobId", "job"),
    "CreateSchedulingPolicy": ("name", "scheduling-policy"),
    "UpdateSchedulingPolicy": ("arn", "scheduling-policy"),
    "DeleteSchedulingPolicy": ("arn", "scheduling-policy"),
    "ListTagsForResource": ("resourceArn", "*"),
    "TagResource": ("resourceArn", "*"),
    "UntagResource": ("resourceArn", "*"),
}
# Roles a request hands on, and the service that gets them.
_PASSED: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "RegisterJobDefinition": (
        ("containerProperties", "jobRoleArn", _TASKS),
        ("containerProperties", "executionRoleArn", _TASKS),
    ),
    "CreateComputeEnvironment": (
        ("", "serviceRole", "batch.amazonaws.com"),
        ("computeResources", "spotIamFleetRole", "spotfleet.amazonaws.com"),
    ),
    "UpdateComputeEnvironment": (("", "serviceRole", "batch.amazonaws.com"),),
}


def needs_of(operation: str, context: Context, document: Document) -> list[Request]:
    """Every right the call needs; operations that take no resource need theirs on `*`."""
    action = _SEVERAL.get(operation, operation)
    asked = _of_request(operation, document)
    resources = _resources(operation, context, document)
    facts = {resource: {**asked, **_of_resource(context, resource)} for resource in resources}
    needs = [Request(f"batch:{action}", resource, facts[resource]) for resource in resources]
    if document.get("tags") and operation != "TagResource":
        needs += [Request("batch:TagResource", resource, facts[resource]) for resource in resources]
    return [*needs, *_passed(operation, document, resources[0])]


def _resources(operation: str, context: Context, document: Document) -> list[str]:
    if operation == "SubmitJob":
        queue = _full(context, QUEUE, document.get("jobQueue"))
        return [_revision(context, document.get("jobDefinition")), queue]
    if operation in _SEVERAL:
        ids = document.get("jobs")
        return [_full(context, "job", one) for one in ids] if isinstance(ids, list) and ids else ["*"]
    if operation in _NAMED:
        member, kind = _NAMED[operation]
        return [_full(context, kind, document.get(member))]
    return ["*"]


def _full(context: Context, kind: str, named: Any) -> str:
    text = str(named)
    return text if text.startswith("arn:") else arn(context.region, kind, text)


def _revision(context: Context, named: Any) -> str:
    with contextlib.suppress(BatchError, TypeError, AttributeError):
        return str(definitions.find(context, named)["jobDefinitionArn"])
    given = _full(context, definitions.KIND, named)
    # what does not exist is refused by the operation, to those who might have used it
    return given if ":" in name_in(given, definitions.KIND) else f"{given}:1"


def _of_resource(context: Context, resource: str) -> Facts:
    try:
        kept = tags.list_tags_for_resource(context, {"resourceArn": resource})["tags"]
    except BatchError:
        return {}
    return {f"aws:resourcetag/{key}".lower(): value for key, value in kept.items()}


def _of_request(operation: str, document: Document) -> dict[str, str | tuple[str, ...]]:
    given = document.get("tags")
    named = given if isinstance(given, dict) else {}
    keys = tuple(named) or tuple(document.get("tagKeys") or ())
    facts: dict[str, str | tuple[str, ...]] = {f"aws:requesttag/{key}".lower(): str(named[key]) for key in named}
    if keys:
        facts["aws:tagkeys"] = keys
    if operation == "SubmitJob" and document.get("shareIdentifier"):
        facts["batch:shareidentifier"] = str(document["shareIdentifier"])
    if operation == "RegisterJobDefinition":
        facts |= _of_container(_inside(document, "containerProperties"))
    return facts


def _of_container(container: Document) -> dict[str, str]:
    shown = {"image": "batch:image", "user": "batch:user"}
    return {
        "batch:privileged": str(bool(container.get("privileged"))).lower(),
        **{key: str(container[name]) for name, key in shown.items() if name in container},
    }


def _passed(operation: str, document: Document, resource: str) -> list[Request]:
    return [
        Request("iam:PassRole", str(role), {"iam:passedtoservice": service, "iam:associatedresourcearn": resource})
        for where, member, service in _PASSED.get(operation, ())
        if (role := _inside(document, where).get(member))
    ]


def _inside(document: Document, member: str) -> Document:
    found = document.get(member) if member else document
    return found if isinstance(found, dict) else {}

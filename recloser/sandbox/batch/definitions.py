"""Job definitions and their revisions: register, describe, deregister."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recloser.sandbox.batch.fargate import check_container, check_pair, is_fargate
from recloser.sandbox.batch.model import BatchError, Document, NotServedError, arn, name_in
from recloser.sandbox.batch.mounts import check_shared_memory
from recloser.sandbox.batch.paging import page
from recloser.sandbox.batch.retries import check_retries
from recloser.sandbox.batch.shares import check_priority
from recloser.sandbox.batch.validation import check_name, check_tags, check_timeout, sizes

if TYPE_CHECKING:
    from recloser.sandbox.batch.context import Context

KIND = "job-definition"
# Members AWS shows though nobody set them; clients that copy a definition rely on finding them.
_ALWAYS_SHOWN = ("command", "volumes", "environment", "mountPoints", "ulimits", "resourceRequirements", "secrets")
_LOG_OPTIONS = ("awslogs-group", "awslogs-region", "awslogs-create-group")
_MAX_IDS = 100


def register_job_definition(context: Context, request: Document) -> Document:
    """Keep a new revision."""
    name = request["jobDefinitionName"]
    _check(request)
    revision = context.store.next_revision(context.region, name)
    container = request["containerProperties"]
    document = {
        "jobDefinitionName": name,
        "jobDefinitionArn": arn(context.region, KIND, f"{name}:{revision}"),
        "revision": revision,
        "status": "ACTIVE",
        "type": "container",
        "parameters": request.get("parameters", {}),
        "containerProperties": {**{key: [] for key in _ALWAYS_SHOWN}, **container},
        "tags": request.get("tags", {}),
        "propagateTags": request.get("propagateTags", False),
        "platformCapabilities": request.get("platformCapabilities") or ["EC2"],
        "containerOrchestrationType": "ECS",
        **{key: request[key] for key in ("timeout", "retryStrategy") if request.get(key)},
        **({"schedulingPriority": request["schedulingPriority"]} if "schedulingPriority" in request else {}),
    }
    context.store.put_definition(context.region, document)
    return {key: document[key] for key in ("jobDefinitionName", "jobDefinitionArn", "revision")}


def _check(request: Document) -> None:
    check_name(request["jobDefinitionName"], "jobDefinitionName")
    check_tags(request.get("tags", {}))
    check_timeout(request.get("timeout"))
    check_retries(request.get("retryStrategy"))
    check_priority(request.get("schedulingPriority"), "schedulingPriority")
    container = request.get("containerProperties")
    if not container or not container.get("image"):
        raise BatchError("containerProperties with an image is required for type container")
    fargate = is_fargate(request)
    check_container(container, fargate=fargate)
    check_shared_memory(container)
    _check_log_options(container)
    asked = sizes(container, fargate=fargate)
    missing = {"vcpus", "memory"} - set(asked)
    if missing:
        raise BatchError(f"containerProperties lacks {' and '.join(sorted(missing))}; give resourceRequirements")
    if fargate:
        check_pair(asked)


def _check_log_options(container: Document) -> None:
    for name in (container.get("logConfiguration") or {}).get("options") or {}:
        if name not in _LOG_OPTIONS:
            raise NotServedError(f"containerProperties.logConfiguration.options.{name}")


def describe_job_definitions(context: Context, request: Document) -> Document:
    """Show revisions by name, by ARN, or all."""
    status = request.get("status")
    wanted = request.get("jobDefinitions", [])
    if len(wanted) > _MAX_IDS:
        raise BatchError(f"jobDefinitions should have at most {_MAX_IDS} entries, got {len(wanted)}")
    if not wanted:
        found = context.store.definitions(context.region, request.get("jobDefinitionName"), status)
        return page("jobDefinitions", found, request, limit=100)
    named = [document for text in wanted for document in _matching(context, text, status)]
    return page("jobDefinitions", named, request, limit=100)


def _matching(context: Context, text: str, status: str | None) -> list[Document]:
    name, revision = _parse(context, text)
    found = context.store.definitions(context.region, name, status)
    return [document for document in found if revision in (None, document["revision"])]


def deregister_job_definition(context: Context, request: Document) -> Document:
    """Make one revision INACTIVE."""
    name, revision = _parse(context, request["jobDefinition"])
    if revision is None:
        raise BatchError(f"jobDefinition {request['jobDefinition']!r} should name a revision: NAME:REVISION or its ARN")
    document = context.store.definition(context.region, name, revision)
    if document is not None:
        context.store.put_definition(context.region, {**document, "status": "INACTIVE"})
    return {}


def find(context: Context, text: str) -> Document:
    """The active revision a submission names.

    Raises:
        BatchError: It does not exist or is INACTIVE.
    """
    document = find_revision(context, text)
    if document["status"] != "ACTIVE":
        raise BatchError(f"JobDefinition {text} does not exist or is not ACTIVE")
    return document


def find_revision(context: Context, text: str) -> Document:
    """A revision, ACTIVE or not; without a number the latest ACTIVE one.

    Raises:
        BatchError: It does not exist.
    """
    name, revision = _parse(context, text)
    document = context.store.definition(context.region, name, revision)
    if document is None:
        raise BatchError(f"JobDefinition {text} does not exist or is not ACTIVE")
    return document


def _parse(context: Context, text: str) -> tuple[str, int | None]:
    if text.startswith("arn:") and not text.startswith(arn(context.region, KIND, "")):
        raise BatchError(f"{text} is not a job definition of this account and region")
    parts = re.fullmatch(r"([^:/]+)(?::(\d{1,9}))?", name_in(text, KIND))
    if parts is None:
        raise BatchError(f"{text!r} is not a job definition: expected NAME, NAME:REVISION or an ARN")
    return parts[1], int(parts[2]) if parts[2] else None

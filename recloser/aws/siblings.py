"""A job definition copied but for a few stated fields, as RegisterJobDefinition takes it; pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recloser.values import placeholder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.values import ContainerEdits

_REGISTERED = (
    "type", "parameters", "schedulingPriority", "containerProperties", "retryStrategy", "propagateTags", "timeout",
    "platformCapabilities", "consumableResourceProperties",
)  # fmt: skip


def sibling_of(
    original: Mapping[str, Any], *, name: str, edits: ContainerEdits, tags: Mapping[str, str]
) -> dict[str, Any]:
    """The request that registers a definition like another, but for its name, its tags and the edits."""
    kept = {field: original[field] for field in _REGISTERED if field in original}
    own_tags = {key: value for key, value in original.get("tags", {}).items() if not key.startswith("aws:")}
    return {
        **kept,
        "jobDefinitionName": name,
        "containerProperties": _edited(original["containerProperties"], edits),
        "tags": {**own_tags, **tags},
    }


def blueprint_of(original: Mapping[str, Any]) -> dict[str, Any]:
    """A definition's content; in the place of each environment value stands a placeholder."""
    container = dict(original["containerProperties"])
    pairs = container.get("environment") or []
    container["environment"] = [{"name": pair["name"], "value": placeholder(pair["name"])} for pair in pairs]
    kept = {field: original[field] for field in _REGISTERED if original.get(field) not in ({}, [], None)}
    return {
        "jobDefinitionName": original["jobDefinitionName"],
        **kept,
        "containerProperties": {name: value for name, value in container.items() if value not in ({}, [], None)},
        "tags": {key: value for key, value in original.get("tags", {}).items() if not key.startswith("aws:")},
        "revision": original["revision"],
    }


def _edited(container: Mapping[str, Any], edits: ContainerEdits) -> dict[str, Any]:
    edited = dict(container)
    if edits.image is not None:
        edited["image"] = edits.image
    if edits.job_role_arn is not None:
        edited["jobRoleArn"] = edits.job_role_arn
    if edits.shared_memory_mib is not None:
        edited["linuxParameters"] = _with(container, "linuxParameters", sharedMemorySize=edits.shared_memory_mib)
    if edits.ephemeral_gib is not None:
        edited["ephemeralStorage"] = {"sizeInGiB": edits.ephemeral_gib}
    if edits.cpu_architecture is not None:
        edited["runtimePlatform"] = _with(container, "runtimePlatform", cpuArchitecture=edits.cpu_architecture)
    if edits.log_options:
        logs = container.get("logConfiguration") or {"logDriver": "awslogs"}
        edited["logConfiguration"] = {**logs, "options": {**(logs.get("options") or {}), **edits.log_options}}
    if edits.unset_environment:
        pairs = container.get("environment") or []
        edited["environment"] = [pair for pair in pairs if pair["name"] not in edits.unset_environment]
    return edited


def _with(container: Mapping[str, Any], structure: str, **members: object) -> dict[str, Any]:
    return {**(container.get(structure) or {}), **members}

"""The fix as Terraform for the AWS provider: the job definition, and a policy for each role.

Environment values are inputs: they are in no report.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from recloser.report.hcl import Expression, block, call, quoted
from recloser.values import placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.values import DefinitionPatch, Incident, Patch

_NO_IDENTIFIER = re.compile(r"[^A-Za-z0-9_]+")
_ATTRIBUTES = {
    "parameters": "parameters",
    "schedulingPriority": "scheduling_priority",
    "propagateTags": "propagate_tags",
    "platformCapabilities": "platform_capabilities",
    "tags": "tags",
}
_CONDITIONS = {
    "action": "action",
    "onExitCode": "on_exit_code",
    "onReason": "on_reason",
    "onStatusReason": "on_status_reason",
}


def terraform(incident: Incident) -> str | None:
    """`main.tf` of an incident's patch; None where there is nothing that Terraform could say."""
    if incident.patch is None:
        return None
    parts = list(_parts(incident.patch, _identifier(incident.target)))
    head = f"# What healed {_comment(incident.target)}, as incident {_comment(incident.incident_id)} tells."
    return "\n\n".join([head, *parts]) + "\n" if parts else None


def _parts(patch: Patch, label: str) -> Iterator[str]:
    document = _parsed(patch.definition.document) if patch.definition else None
    if patch.definition is not None and document is not None and "containerProperties" in document:
        if patch.definition.environment:
            yield _variable(patch.definition)
        yield _definition(document, label)
    for number, policy in enumerate(patch.policies, start=1):
        allowed = _parsed(policy.document)
        if allowed is None:
            continue
        body = {"name": policy.name, "role": policy.role, "policy": call("jsonencode", allowed)}
        yield block(f'resource "aws_iam_role_policy" "{label}_{number}"', body)


def _variable(definition: DefinitionPatch) -> str:
    named = ", ".join(definition.environment)
    body = {
        "description": f"Values of the job's environment, which are in no report: {named}.",
        "type": Expression("map(string)"),
        "sensitive": True,
    }
    return block('variable "environment"', body)


def _parsed(text: str) -> dict[str, Any] | None:
    """A document; None for what is none, as an incident from elsewhere may hold."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _definition(document: dict[str, Any], label: str) -> str:
    container = document["containerProperties"]
    if "environment" in container:
        container["environment"] = [_pair(pair) for pair in container["environment"]]
    body: dict[str, object] = {"name": document["jobDefinitionName"], "type": document["type"]}
    body |= {ours: document[theirs] for theirs, ours in _ATTRIBUTES.items() if document.get(theirs)}
    body["container_properties"] = call("jsonencode", container)
    return block(f'resource "aws_batch_job_definition" "{label}"', body, blocks=list(_blocks(document)))


def _pair(pair: dict[str, str]) -> dict[str, object]:
    if pair["value"] != placeholder(pair["name"]):
        return dict(pair)
    return {"name": pair["name"], "value": Expression(f"var.environment[{quoted(pair['name'])}]")}


def _blocks(document: dict[str, Any]) -> Iterator[str]:
    if timeout := document.get("timeout"):
        yield block("timeout", {"attempt_duration_seconds": timeout["attemptDurationSeconds"]})
    if retry := document.get("retryStrategy"):
        attempts = {"attempts": retry["attempts"]} if "attempts" in retry else {}
        rules = [
            block("evaluate_on_exit", {ours: rule[theirs] for theirs, ours in _CONDITIONS.items() if theirs in rule})
            for rule in retry.get("evaluateOnExit") or ()
        ]
        yield block("retry_strategy", attempts, blocks=rules)


def _identifier(name: str) -> str:
    label = _NO_IDENTIFIER.sub("_", name).strip("_") or "job"
    return label if label[0].isalpha() else f"job_{label}"


def _comment(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)

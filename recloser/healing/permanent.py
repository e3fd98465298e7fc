"""The fix that healed a job, as documents for whoever owns the job definition and the roles.

The definition is that of the healing submission with its overrides written into it; the policies are the grants, one
for each role. No environment value is in any of them: a placeholder names the variable.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from recloser.aws import AwsError
from recloser.healing import submission
from recloser.healing.errors import HealingError
from recloser.healing.remedies import GrantPermission, policy_of
from recloser.redaction import MASK, is_secret_name
from recloser.values import AutonomyLevel, DefinitionPatch, Patch, RolePolicy, placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recloser.healing.casebook import PlannedChange
    from recloser.healing.denials import Denial
    from recloser.healing.site import Site
    from recloser.values import JobSpec

Document = dict[str, Any]
_SIZES = {"memory_mib": "MEMORY", "vcpus": "VCPU", "gpus": "GPU"}
_WRITTEN = ("definition", "environment", "command", "timeout_s", *_SIZES)
"""Fields of a submission that a job definition can hold as well."""


def fix_of(site: Site, live: Sequence[PlannedChange], base: JobSpec | None) -> Patch | None:
    """The same from the changes in force; what cannot be read is said in the patch.

    Args:
        site: The target in its account.
        live: The changes in force.
        base: What a job of others was submitted with, if it is that job which was healed.
    """
    # What is kept is kept where the job runs now: its definition there is the one to be amended.
    moves = [planned.change for planned in live if planned.record.remedy == "switch_region"]
    try:
        before, after = (
            submission.specify(site, name="patch", tags={}, changes=changes, base=base)
            for changes in (moves, [planned.change for planned in live])
        )
        return patch_of(site.at(after.region), before, after, live)
    except HealingError as error:
        return Patch(by_hand=(f"The fix could not be written as a patch: {error}",))


def patch_of(site: Site, before: JobSpec, after: JobSpec, live: Sequence[PlannedChange]) -> Patch | None:
    """The documents that make the changes in force permanent.

    Args:
        site: The target in its account.
        before: The submission without any change.
        after: The submission that healed the job.
        live: The changes in force.

    Returns:
        None where nothing is to be kept.
    """
    kept = [
        one for one in live if one.record.level is not AutonomyLevel.RETRY and one.record.remedy != "stage_test_data"
    ]
    if not kept:
        return None
    definition, unread = None, ""
    if any(getattr(before, name) != getattr(after, name) for name in _WRITTEN):
        try:
            definition = _definition(site, before, after)
        except AwsError as error:
            unread = f"The job definition could not be read for its patch: {error}"
    policies = tuple(_policies(site.target.name, kept))
    return Patch(
        definition=definition,
        policies=policies,
        by_hand=(*([unread] if unread else []), *_by_hand(site, before, kept)),
        undo=tuple(_undo(definition, policies)),
        tidy=tuple(
            f"{one.record.summary}: {one.record.undo}"
            for one in kept
            if isinstance(one.change, GrantPermission) or one.change.amend(before, site).definition != before.definition
        ),
    )


def _definition(site: Site, before: JobSpec, after: JobSpec) -> DefinitionPatch:
    original = _safe(site, json.loads(site.account.batch.blueprint(before.definition)))
    based_on = f"{original['jobDefinitionName']}:{original.pop('revision')}"
    document = original
    if after.definition != before.definition:
        document = _safe(site, json.loads(site.account.batch.blueprint(after.definition)))
        document.pop("revision")
        document["jobDefinitionName"] = original["jobDefinitionName"]
        document["tags"] = {key: value for key, value in document.get("tags", {}).items() if key in original["tags"]}
    document = _with_overrides(document, before, after)
    pairs = document["containerProperties"].get("environment", [])
    return DefinitionPatch(
        name=document["jobDefinitionName"],
        based_on=based_on,
        changed=tuple(_changed(original, document)),
        document=json.dumps(document, indent=2),
        environment=tuple(pair["name"] for pair in pairs),
    )


def _with_overrides(document: Document, before: JobSpec, after: JobSpec) -> Document:
    container = {**document["containerProperties"]}
    for field, kind in _SIZES.items():
        if (size := getattr(after, field)) != getattr(before, field) and size is not None:
            others = [one for one in container.get("resourceRequirements", []) if one["type"] != kind]
            container["resourceRequirements"] = [*others, {"type": kind, "value": f"{size:g}"}]
            container.pop({"MEMORY": "memory", "VCPU": "vcpus"}.get(kind, ""), None)
    if after.command is not None and after.command != before.command:
        container["command"] = list(after.command)
    added = [name for name, value in after.environment.items() if before.environment.get(name) != value]
    if added:
        others = [pair for pair in container.get("environment", []) if pair["name"] not in added]
        container["environment"] = [*others, *({"name": name, "value": placeholder(name)} for name in added)]
    timeout = {"timeout": {"attemptDurationSeconds": after.timeout_s}} if after.timeout_s != before.timeout_s else {}
    return {**document, "containerProperties": container, **timeout}


def _safe(site: Site, document: Any, name: str = "") -> Any:
    """Without secrets: those the target knows, whatever looks like one, and whatever is named like one."""
    match document:
        case dict():
            return {key: _safe(site, value, key) for key, value in document.items()}
        case list():
            return [_safe(site, value, name) for value in document]
        case str() if is_secret_name(name) and not document.startswith(("arn:", "${")):
            return MASK
        case str():
            return document if document.startswith("${") else site.redact(document)
    return document


def _changed(before: Document, after: Document, prefix: str = "") -> Iterator[str]:
    for key in sorted({*before, *after}):
        if before.get(key) == after.get(key):
            continue
        if key == "containerProperties":
            yield from _changed(before[key], after[key], f"{key}.")
        else:
            yield prefix + key


def _policies(target: str, kept: Sequence[PlannedChange]) -> Iterator[RolePolicy]:
    by_role: dict[str, list[Denial]] = defaultdict(list)
    for one in kept:
        if isinstance(one.change, GrantPermission):
            by_role[one.change.role] += one.change.grants
    for role, grants in by_role.items():
        yield RolePolicy(role=role, name=f"{target}-{role}-needs"[:128], document=policy_of(dict.fromkeys(grants)))


def _by_hand(site: Site, before: JobSpec, kept: Sequence[PlannedChange]) -> Iterator[str]:
    """What neither a job definition nor a policy says: another queue, an object restored, a log group."""
    for one in kept:
        amended = one.change.amend(before, site)
        written = any(getattr(before, name) != getattr(amended, name) for name in _WRITTEN)
        if not written and not isinstance(one.change, GrantPermission):
            yield f"{one.record.summary}: {one.record.permanent}"


def _undo(definition: DefinitionPatch | None, policies: Sequence[RolePolicy]) -> Iterator[str]:
    if definition is not None:
        yield (
            "aws batch deregister-job-definition --job-definition "
            f"{definition.name}:NEW_REVISION   # submissions by name take {definition.based_on} again"
        )
    for policy in policies:
        yield f"aws iam delete-role-policy --role-name {policy.role} --policy-name {policy.name}"

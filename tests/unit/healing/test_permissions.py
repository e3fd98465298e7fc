"""What `recloser policy` prints: as much as the declared guardrails need."""

import json
from pathlib import Path
from typing import Any

import pytest

from recloser.healing.permissions import operator_policy
from tests.unit.healing.fakes import a_target


def actions(folder: Path, **tables: Any) -> set[str]:
    """All actions of a target's policy."""
    statements = json.loads(operator_policy(a_target(folder, **tables)))["Statement"]
    return {action for statement in statements for action in statement["Action"]}


ROLES = {"job": {"queue": "q", "definition": "d", "role": "r", "execution_role": "x"}}
BATCH = {"batch:RegisterJobDefinition", "batch:DeregisterJobDefinition", "iam:PassRole"}


@pytest.mark.parametrize(
    ("guardrails", "added"),
    [
        ({"memory": {"max_mib": 9}}, set()),
        ({"queue": {"fallbacks": ["q2"]}}, set()),
        ({"timeout": {"max_s": 90}}, set()),
        ({"parallelism": {"variable": "N"}}, set()),
        ({"shared_memory": {"max_mib": 9}}, BATCH),
        ({"disk": {"max_gib": 50}}, BATCH),
        ({"definition": {"unset_static_keys": True}}, BATCH),
        ({"definition": {"job_roles": ["arn:aws:iam::1:role/z"]}}, BATCH),
        ({"logs": {"groups": ["/g"]}}, set()),
        ({"trust": {"repair": True}}, {"iam:UpdateAssumeRolePolicy"}),
        ({"permissions": {"actions": ["s3:GetObject"]}}, {"iam:PutRolePolicy", "iam:DeleteRolePolicy"}),
        (
            {"permissions": {"execution": {"actions": ["ecr:BatchGetImage"]}}},
            {"iam:PutRolePolicy", "iam:DeleteRolePolicy"},
        ),
    ],
)
def test_each_guardrail_adds_what_its_remedy_calls_and_no_more(
    tmp_path: Path, guardrails: dict[str, Any], added: set[str]
) -> None:
    """A table that is not declared costs no right."""
    assert actions(tmp_path, guardrails=guardrails, **ROLES) - actions(tmp_path, **ROLES) == added


def test_rights_over_rights_are_bound_to_the_declared_roles(tmp_path: Path) -> None:
    """A boundary for the execution role extends that role alone; nothing on IAM is allowed on `*` but questions."""
    guardrails = {"permissions": {"execution": {"actions": ["ecr:BatchGetImage"]}}, "trust": {"repair": True}}
    target = a_target(tmp_path, guardrails=guardrails, **ROLES)
    statements = {one["Sid"]: one for one in json.loads(operator_policy(target))["Statement"]}
    assert statements["GrantInsideTheBoundary"]["Resource"] == ["arn:aws:iam::*:role/x"]
    for statement in statements.values():
        writes = [action for action in statement["Action"] if action.startswith("iam:") and "Simulate" not in action]
        assert not writes or "*" not in statement["Resource"]


def test_a_build_project_is_the_only_one_that_may_be_started(tmp_path: Path) -> None:
    """Where rebuilding is allowed, and there alone."""
    image = {"repository": "r", "codebuild": "image"}
    assert not any("codebuild" in action for action in actions(tmp_path, image=image, **ROLES))
    target = a_target(tmp_path, image=image, guardrails={"image": {"rebuild": True}}, **ROLES)
    (build,) = [one for one in json.loads(operator_policy(target))["Statement"] if one["Sid"] == "Build"]
    assert build["Resource"] == ["arn:aws:codebuild:*:*:project/image"]


def test_fallback_queues_take_submissions(tmp_path: Path) -> None:
    """Those that are declared, and the one with GPUs."""
    guardrails = {"queue": {"fallbacks": ["q2"]}, "gpu": {"queue": "g"}}
    target = a_target(tmp_path, guardrails=guardrails, **ROLES)
    (run,) = [one for one in json.loads(operator_policy(target))["Statement"] if one["Sid"] == "RunTheJob"]
    queues = [arn.rsplit("/", 1)[-1] for arn in run["Resource"] if ":job-queue/" in arn]
    assert queues == ["q", "q2", "g"]

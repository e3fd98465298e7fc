"""Whether a role's trust policy lets ECS tasks assume it; pure functions over the document.

MiniStack lets root assume the role of any service, so this is where the policy counts.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from recloser.sandbox.batch.conditions import NotUnderstoodError, hold, listed

if TYPE_CHECKING:
    from recloser.sandbox.batch.conditions import Facts
    from recloser.sandbox.batch.model import Document

_SERVICE = "ecs-tasks.amazonaws.com"
_ACTIONS = {"sts:assumerole", "sts:*", "*"}
OWN = "RecloserSandbox"


class Trust(Enum):
    """What a trust policy says of ECS tasks."""

    NONE = "none"
    PLAIN = "plain"
    CONDITIONAL = "conditional"
    """Trusted, by a statement whose conditions hold; AssumeRole through the API would not meet them."""


def trust_of(policy: Document, facts: Facts) -> Trust:
    """Judge a policy for one task.

    Args:
        policy: The trust policy.
        facts: Condition keys, in lower case, and what they are for this task.

    Returns:
        When in doubt no trust: a condition that is not understood neither allows nor fails to deny.
    """
    named = [statement for statement in listed(policy.get("Statement", [])) if _names_tasks(statement)]
    if any(item.get("Effect") != "Allow" and _holds(item, facts, in_doubt=True) for item in named):
        return Trust.NONE
    allowing = [item for item in named if item.get("Effect") == "Allow" and _holds(item, facts, in_doubt=False)]
    if not allowing:
        return Trust.NONE
    return Trust.PLAIN if any("Condition" not in item for item in allowing) else Trust.CONDITIONAL


def with_own_statement(policy: Document, account: str, secret: str) -> Document:
    """The policy with one statement more, by which this sandbox may assume the role for its tasks."""
    own = {
        "Sid": OWN,
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": secret}},
    }
    others = [statement for statement in listed(policy.get("Statement", [])) if statement.get("Sid") != OWN]
    return {**policy, "Statement": [*others, own]}


def _names_tasks(statement: Document) -> bool:
    principal = statement.get("Principal", {})
    services = listed(principal.get("Service", [])) if isinstance(principal, dict) else []
    actions = {action.lower() for action in listed(statement.get("Action", []))}
    return _SERVICE in services and bool(actions & _ACTIONS)


def _holds(statement: Document, facts: Facts, *, in_doubt: bool) -> bool:
    try:
        return hold(statement.get("Condition", {}), facts)
    except NotUnderstoodError:
        return in_doubt

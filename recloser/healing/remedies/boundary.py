"""The one place where a grant is allowed or refused, whatever a log says and whatever a file declares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recloser.target import NEVER_GRANTED, Boundary

if TYPE_CHECKING:
    from recloser.healing.denials import Denial

_WILDCARDS = frozenset("*?$")


def within_boundary(boundary: Boundary, denial: Denial) -> bool:
    """Whether the target allows this exact grant.

    The action must be declared by name, the resource must be one exact ARN that a declared pattern covers, and
    nothing that widens rights by itself is ever allowed, whatever is declared.
    """
    resource = denial.resource
    if resource is None or not is_grantable(denial):
        return False
    declared = denial.action in boundary.actions
    return declared and any(_covers(pattern, resource) for pattern in boundary.resources)


def is_grantable(denial: Denial) -> bool:
    """Whether it can be shown to a person as a policy: one exact action on one exact ARN, no right over rights."""
    resource = denial.resource or ""
    if not resource.startswith("arn:") or _WILDCARDS & set(denial.action + resource):
        return False
    return not denial.action.lower().startswith(NEVER_GRANTED)


def _covers(pattern: str, arn: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), arn, re.DOTALL) is not None

"""Whether policies allow a request: IAM's evaluation logic as pure functions over documents.

An explicit deny wins, then an allow, else nothing is allowed; a permissions boundary must allow as well. A statement
that is not understood never allows, and denies if it is a deny: the verdict names it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from recloser.sandbox.batch.conditions import NotUnderstoodError, hold, like, like_any_case, listed, substitute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.sandbox.batch.conditions import Facts
    from recloser.sandbox.batch.model import Document


class Decision(Enum):
    """What a set of policies says."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Request:
    """One action on one resource, and its condition keys in lower case."""

    action: str
    resource: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, by which kind of policy, and which statements were not understood."""

    decision: Decision
    kind: str = "identity-based policy"
    doubts: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether the request may go on."""
        return self.decision is Decision.ALLOWED


def judge(request: Request, identity: Sequence[Document], boundary: Document | None = None) -> Verdict:
    """Decide by the policies of a principal, its boundary included.

    Args:
        request: What is asked.
        identity: Inline, attached and group policies.
        boundary: The permissions boundary, where there is one.
    """
    own = evaluate(request, identity)
    if boundary is None or own.decision is Decision.DENIED:
        return own
    limit = evaluate(request, [boundary], kind="permissions boundary")
    return own if limit.is_allowed or (not own.is_allowed and limit.decision is Decision.NOT_ALLOWED) else limit


def evaluate(request: Request, documents: Sequence[Document], kind: str = "identity-based policy") -> Verdict:
    """Decide by one set of policies."""
    allowed, doubts = False, []
    for statement in (one for document in documents for one in statements_of(document)):
        denies = statement.get("Effect") != "Allow"
        try:
            applies = _applies(statement, request)
        except NotUnderstoodError as error:
            doubts.append(f"statement {statement.get('Sid', 'without Sid')!r}: {error}")
            applies = denies
        if applies and denies:
            return Verdict(Decision.DENIED, kind, tuple(doubts))
        allowed = allowed or applies
    if allowed:
        return Verdict(Decision.ALLOWED, kind)
    return Verdict(Decision.NOT_ALLOWED, kind, tuple(doubts))


def statements_of(document: Document) -> list[Document]:
    """The statements of a policy."""
    return [one for one in listed(document.get("Statement", [])) if isinstance(one, dict)]


def _applies(statement: Document, request: Request) -> bool:
    return (
        _covers_action(statement, request.action)
        and _covers_resource(statement, request)
        and hold(statement.get("Condition", {}), request.facts)
    )


def _covers_action(statement: Document, action: str) -> bool:
    if "NotAction" in statement:
        return not any(like_any_case(pattern, action) for pattern in _words(statement["NotAction"]))
    return any(like_any_case(pattern, action) for pattern in _words(statement.get("Action", [])))


def _covers_resource(statement: Document, request: Request) -> bool:
    if "NotResource" in statement:
        return not _names(statement["NotResource"], request)
    return _names(statement.get("Resource", []), request)


def _names(patterns: Any, request: Request) -> bool:
    return any(like(substitute(pattern, request.facts), request.resource) for pattern in _words(patterns))


def _words(value: Any) -> list[str]:
    return [word for word in listed(value) if isinstance(word, str)]

"""EventBridge's event patterns: which events a rule is for; pure functions.

A pattern is an object of the event's own shape whose leaves are lists of alternatives. All fields must match, one
alternative of each is enough. MiniStack's TestEventPattern is the oracle of the tests.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ABSENT: Final = object()


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether an event matches a pattern.

    Args:
        pattern: An event pattern as EventBridge accepted it.
        event: The whole event, envelope and detail.
    """
    return bool(pattern) and _object(pattern, event)


def _object(pattern: Mapping[str, Any], value: Any) -> bool:
    return all(
        any(_object(one, value) for one in expected)
        if name == "$or" and isinstance(expected, list) and all(isinstance(one, dict) for one in expected)
        else _field(expected, value.get(name, _ABSENT) if isinstance(value, dict) else _ABSENT)
        for name, expected in pattern.items()
    )


def _field(expected: Any, value: Any) -> bool:
    if isinstance(expected, dict):
        # objects in a list are tried one by one
        return bool(expected) and any(_object(expected, one) for one in _objects(value))
    if not isinstance(expected, list):
        return False
    leaves = list(_leaves(value))
    return any(_alternative(one, leaves) for one in expected)


def _objects(value: Any) -> list[Any]:
    found = [one for one in _flat(value) if isinstance(one, dict)]
    return found or [{}]


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _flat(one)
    elif value is not _ABSENT:
        yield value


def _leaves(value: Any) -> Iterator[Any]:
    """A list's values count one by one; an object is no leaf."""
    return (one for one in _flat(value) if not isinstance(one, dict))


def _alternative(wanted: Any, leaves: list[Any]) -> bool:
    if isinstance(wanted, dict) and set(wanted) == {"exists"}:
        return bool(leaves) is wanted["exists"]
    return any(_value(wanted, leaf) for leaf in leaves)


def _value(wanted: Any, leaf: Any) -> bool:
    if not isinstance(wanted, dict):
        return _same(wanted, leaf)
    if len(wanted) != 1:
        return False
    ((operator, operand),) = wanted.items()
    return operator in _OPERATORS and _OPERATORS[operator](operand, leaf)


def _same(wanted: Any, leaf: Any) -> bool:
    """Equal as JSON: true is not 1, and 1 is 1.0."""
    return isinstance(wanted, bool) is isinstance(leaf, bool) and bool(wanted == leaf)


def _texts(operand: Any) -> list[str]:
    return [one for one in (operand if isinstance(operand, list) else [operand]) if isinstance(one, str)]


def _prefix(operand: Any, leaf: Any) -> bool:
    if isinstance(operand, dict):
        return isinstance(leaf, str) and any(
            leaf[: len(one)].lower() == one.lower() for one in _texts(operand.get("equals-ignore-case"))
        )
    return isinstance(leaf, str) and leaf.startswith(tuple(_texts(operand)))


def _suffix(operand: Any, leaf: Any) -> bool:
    if isinstance(operand, dict):
        return isinstance(leaf, str) and any(
            leaf.lower().endswith(one.lower()) for one in _texts(operand.get("equals-ignore-case"))
        )
    return isinstance(leaf, str) and leaf.endswith(tuple(_texts(operand)))


def _ignoring_case(operand: Any, leaf: Any) -> bool:
    return isinstance(leaf, str) and any(leaf.lower() == one.lower() for one in _texts(operand))


def _wildcard(operand: Any, leaf: Any) -> bool:
    return isinstance(leaf, str) and any(_glob(one).fullmatch(leaf) is not None for one in _texts(operand))


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    r"""`*` is anything; `\*` and `\\` are themselves."""
    pieces = re.findall(r"\\[*\\]|\*|[^\\*]+|\\", pattern)
    return re.compile("".join(".*" if piece == "*" else re.escape(_unescaped(piece)) for piece in pieces), re.DOTALL)


def _unescaped(piece: str) -> str:
    return piece[1] if len(piece) > 1 and piece[0] == "\\" else piece


def _anything_but(operand: Any, leaf: Any) -> bool:
    if isinstance(operand, dict):
        return not _value(operand, leaf)
    return not any(_same(one, leaf) for one in (operand if isinstance(operand, list) else [operand]))


def _numeric(operand: Any, leaf: Any) -> bool:
    if isinstance(leaf, bool) or not isinstance(leaf, int | float):
        return False
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(_COMPARE[order](leaf, bound) for order, bound in pairs)


def _cidr(operand: Any, leaf: Any) -> bool:
    try:
        return isinstance(leaf, str) and ipaddress.ip_address(leaf) in ipaddress.ip_network(operand, strict=False)
    except ValueError:
        return False


_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _ignoring_case,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
}

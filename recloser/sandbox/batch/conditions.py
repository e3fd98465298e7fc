"""Conditions of IAM policies: operators, set operators, variables; pure functions over the facts of one request.

What is not understood is said, never guessed: `NotUnderstoodError` names the operator, key or variable.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Facts: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""Condition keys in lower case and what they are for this request; a key that is missing is absent from it."""

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_ARN_PARTS: Final = 6
# Keys AWS has for some requests and that are absent here; of any other `aws:` key nothing is known.
_ABSENT: Final = tuple(
    f"aws:{name}"
    for name in (
        "calledvia",
        "federatedprovider",
        "multifactorauth",
        "principalorg",
        "principaltag/",
        "referer",
        "requesttag/",
        "resourceorg",
        "resourcetag/",
        "sourcearn",
        "sourceaccount",
        "sourceorg",
        "sourcevpc",
        "tagkeys",
        "username",
        "vpcsourceip",
    )
)


class NotUnderstoodError(Exception):
    """Part of a statement that this evaluator does not know."""


def listed(value: Any) -> list[Any]:
    """IAM lets a list of one be written without the list."""
    return value if isinstance(value, list) else [value]


def hold(conditions: Any, facts: Facts) -> bool:
    """Whether all conditions of a statement are met.

    Raises:
        NotUnderstoodError: It depends on something this evaluator does not know.
    """
    doubt: NotUnderstoodError | None = None
    for operator, key, values in _tests(conditions):
        try:
            if not _holds(operator, key, values, facts):
                return False
        except NotUnderstoodError as error:
            doubt = error  # a later condition may still settle it
    if doubt is not None:
        raise doubt
    return True


def _tests(conditions: Any) -> list[tuple[str, str, list[str]]]:
    if not isinstance(conditions, dict) or not all(isinstance(keys, dict) for keys in conditions.values()):
        raise NotUnderstoodError("the Condition block is not operators over keys over values")
    return [
        (operator, key.lower(), [_text(value) for value in listed(values)])
        for operator, keys in conditions.items()
        for key, values in keys.items()
    ]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _holds(operator: str, key: str, patterns: list[str], facts: Facts) -> bool:
    quantifier, _, plain = operator.lower().rpartition(":")
    plain, if_exists = (plain[:-8], True) if plain.endswith("ifexists") else (plain, False)
    fact = look_up(key, facts)
    if plain == "null" and not quantifier:
        return (fact is None) == (patterns == ["true"])
    if plain not in _OPERATORS or quantifier not in {"", "forallvalues", "foranyvalue"}:
        raise NotUnderstoodError(f"condition operator {operator}")
    compare, negated = _OPERATORS[plain]
    if fact is None:
        return if_exists or quantifier == "forallvalues" or (negated and not quantifier)
    wanted = [substitute(pattern, facts) for pattern in patterns]
    values = fact if isinstance(fact, tuple) else (fact,)
    met = [any(compare(pattern, value) for pattern in wanted) != negated for value in values]
    every = quantifier == "forallvalues" or (negated and not quantifier)
    return all(met) if every else any(met)


def look_up(key: str, facts: Facts) -> str | tuple[str, ...] | None:
    """What a condition key is for this request; None when it is absent.

    Raises:
        NotUnderstoodError: AWS would know, the sandbox does not.
    """
    if key not in facts and key.startswith("aws:") and not key.startswith(_ABSENT):
        raise NotUnderstoodError(f"condition key {key}")
    return facts.get(key)


def substitute(pattern: str, facts: Facts) -> str:
    """Fill in policy variables; their values and `${*}` are shielded from being read as wildcards.

    Raises:
        NotUnderstoodError: The variable is absent or unknown.
    """
    return _VARIABLE.sub(lambda found: _value(found[1].strip(), facts), pattern) if "${" in pattern else pattern


def _value(name: str, facts: Facts) -> str:
    found = name if name in {"*", "?", "$"} else look_up(name.lower(), facts)
    if not isinstance(found, str):
        raise NotUnderstoodError(f"policy variable {name}")
    return found.translate(_SHIELD)


# Wildcards that came out of a variable are literal; private-use characters stand for them until the comparison.
_SHIELD: Final = str.maketrans({"*": "\ue000", "?": "\ue001"})
_UNSHIELD: Final = str.maketrans({"\ue000": "*", "\ue001": "?"})


@lru_cache(maxsize=4096)
def _glob(pattern: str, flags: int = 0) -> re.Pattern[str]:
    words = {"*": ".*", "?": "."}
    pieces = re.split(r"(\*|\?)", pattern)
    return re.compile("".join(words.get(p) or re.escape(p.translate(_UNSHIELD)) for p in pieces), re.DOTALL | flags)


def like(pattern: str, value: str) -> bool:
    """Whether a value fits a pattern of `*` and `?`; case counts."""
    return _glob(pattern).fullmatch(value) is not None


def like_any_case(pattern: str, value: str) -> bool:
    """Whether a value fits a pattern of `*` and `?`; case does not count."""
    return _glob(pattern, re.IGNORECASE).fullmatch(value) is not None


def _equal(pattern: str, value: str) -> bool:
    return pattern.translate(_UNSHIELD) == value


def _equal_any_case(pattern: str, value: str) -> bool:
    return pattern.translate(_UNSHIELD).casefold() == value.casefold()


def _arn_like(pattern: str, value: str) -> bool:
    wanted, found = pattern.split(":", _ARN_PARTS - 1), value.split(":", _ARN_PARTS - 1)
    return len(wanted) == len(found) == _ARN_PARTS and all(map(like, wanted, found))


def _in_network(pattern: str, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False


def _time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _ordered(read: Callable[[str], float], holds: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def compare(pattern: str, value: str) -> bool:
        try:
            return holds(read(value), read(pattern))
        except ValueError:
            return False

    return compare


_ORDERS: Final[dict[str, Callable[[float, float], bool]]] = {
    "equals": eq,
    "lessthan": lt,
    "lessthanequals": le,
    "greaterthan": gt,
    "greaterthanequals": ge,
}
_AFFIRMATIVE: Final[dict[str, Callable[[str, str], bool]]] = {
    "stringequals": _equal,
    "stringequalsignorecase": _equal_any_case,
    "stringlike": like,
    "arnequals": _arn_like,
    "arnlike": _arn_like,
    "bool": _equal_any_case,
    "ipaddress": _in_network,
    **{f"numeric{name}": _ordered(float, order) for name, order in _ORDERS.items()},
    **{f"date{name}": _ordered(_time, order) for name, order in _ORDERS.items()},
}
_NEGATED: Final = {
    "stringnotequals": _equal,
    "stringnotequalsignorecase": _equal_any_case,
    "stringnotlike": like,
    "arnnotequals": _arn_like,
    "arnnotlike": _arn_like,
    "notipaddress": _in_network,
    "numericnotequals": _AFFIRMATIVE["numericequals"],
    "datenotequals": _AFFIRMATIVE["dateequals"],
}
_OPERATORS: Final = {
    **{name: (compare, False) for name, compare in _AFFIRMATIVE.items()},
    **{name: (compare, True) for name, compare in _NEGATED.items()},
}

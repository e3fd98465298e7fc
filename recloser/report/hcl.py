"""Values as HCL, laid out as `terraform fmt` does; every text is a quoted literal in which nothing is computed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TEMPLATE = re.compile(r"[$%]+(?=\{)")
_BASIC_PLANE = 0xFFFF
_STEP = "  "


class Expression(str):
    """HCL that is computed: ours, never from outside."""

    __slots__ = ()


def quoted(text: str) -> str:
    """A text as a literal: no quote ends it, and no template in it is computed."""
    escaped = "".join(_ESCAPES.get(char, char if char.isprintable() else _code(char)) for char in text)
    return f'"{_TEMPLATE.sub(_no_template, escaped)}"'


def _no_template(mark: re.Match[str]) -> str:
    """`$${` is the literal of `${`; after another mark that could be read in two ways, so a code takes its place."""
    found = mark[0]
    return found * 2 if len(found) == 1 else found[:-1] + _code(found[-1])


def _code(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= _BASIC_PLANE else f"\\U{ord(char):08x}"


def block(head: str, body: Mapping[str, object], *, blocks: Sequence[str] = ()) -> str:
    """A block of attributes, and of blocks that are laid out already.

    Args:
        head: Type and labels, such as `resource "aws_iam_role_policy" "x"`.
        body: Attributes by name, in their order; names are ours.
        blocks: Nested blocks, after the attributes.
    """
    lines = [line for item in _items(body, "") for line in item.split("\n")]
    for nested in blocks:
        lines += [*([""] if lines else []), *nested.split("\n")]
    return "\n".join([f"{head} {{", *(f"{_STEP}{line}" if line else "" for line in lines), "}"])


def call(function: str, argument: object) -> Expression:
    """A call of a function with one value."""
    return Expression(f"{function}({value_of(argument)})")


def value_of(value: object) -> str:
    """Any JSON value, or an expression, as HCL."""
    match value:
        case Expression():
            return value
        case bool() | None | int() | float():
            return json.dumps(value)
        case dict():
            inner = "\n".join(_items({_key(str(key)): item for key, item in value.items()}, _STEP))
            return f"{{\n{inner}\n}}" if value else "{}"
        case list() | tuple():
            return _list(value)
    return quoted(str(value))


def _key(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else quoted(name)


def _list(values: Sequence[object]) -> str:
    told = [value_of(value) for value in values]
    if all("\n" not in one for one in told):
        return f"[{', '.join(told)}]"
    inner = "\n".join(_indented(f"{one},") for one in told)
    return f"[\n{inner}\n]"


def _items(body: Mapping[str, object], indent: str) -> Iterator[str]:
    """Attributes; the equals signs of neighbours that take one line each stand below each other."""
    told = [(name, value_of(value)) for name, value in body.items()]
    widths = _widths(told)
    for (name, value), width in zip(told, widths, strict=True):
        yield _indented(f"{name:<{width}} = {value}", indent)


def _widths(told: list[tuple[str, str]]) -> list[int]:
    widths: list[int] = []
    group: list[str] = []
    for name, value in told:
        if "\n" in value:
            widths += [max(map(len, group))] * len(group) if group else []
            widths.append(len(name))
            group = []
        else:
            group.append(name)
    return widths + ([max(map(len, group))] * len(group) if group else [])


def _indented(text: str, indent: str = _STEP) -> str:
    return "\n".join(f"{indent}{line}" if line else "" for line in text.split("\n"))

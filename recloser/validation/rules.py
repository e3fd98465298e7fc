"""The rules as data: which there are, what each checks, and the limits."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import Field

from recloser.validation.findings import Gate
from recloser.values import Value

Kind = Literal["columns", "equal", "rows", "unique", "set", "not_null", "between"]


class Check(Value):
    """One comparison of one table; see the head of `rules.toml`."""

    table: str
    kind: Kind
    column: str = ""
    other: str = ""
    columns: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    unit: str = ""

    @property
    def limits(self) -> str:
        """What is allowed, in words."""
        if self.min is None:
            return f"at most {self.max:g} {self.unit}"
        if self.max is None:
            return f"at least {self.min:g} {self.unit}"
        if self.min == self.max:
            return f"{self.min:g} {self.unit}"
        return f"{self.min:g} to {self.max:g} {self.unit}"


class Rule(Value):
    """A rule: its checks must all hold."""

    id: str = Field(pattern=r"^R\d\d$")
    title: str
    gate: Gate
    checks: tuple[Check, ...] = Field(min_length=1)
    numbers: tuple[str, ...] = ()
    """Whose distance from the baseline's range is its column `<id>_excess`."""


@cache
def load_rules() -> tuple[Rule, ...]:
    """All rules, in order."""
    return tuple(Rule.model_validate(row) for row in _data("rules.toml")["rule"])


@cache
def least_widths() -> dict[str, float]:
    """The least width of a number's range; see the head of `excess.toml`."""
    return {str(name): float(width) for name, width in _data("excess.toml")["least_width"].items()}


def _data(name: str) -> dict[str, Any]:
    text = (resources.files("recloser.validation") / name).read_text(encoding="utf-8")
    return tomllib.loads(text)

"""What the owner of a table expects of it."""

from __future__ import annotations

import re
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from recloser.validation.findings import Gate
from recloser.values import Value

ColumnType = Literal["integer", "number", "text", "boolean", "timestamp"]

_NUMBERS = ("column", "min_value", "max_value", "strict_min", "strict_max", "mostly")
ALLOWED_EXPECTATIONS = MappingProxyType(
    {
        "ExpectColumnMeanToBeBetween": _NUMBERS[:5],
        "ExpectColumnMedianToBeBetween": _NUMBERS[:5],
        "ExpectColumnStdevToBeBetween": _NUMBERS[:5],
        "ExpectColumnSumToBeBetween": _NUMBERS[:5],
        "ExpectColumnMinToBeBetween": _NUMBERS[:5],
        "ExpectColumnMaxToBeBetween": _NUMBERS[:5],
        "ExpectColumnValuesToBeBetween": _NUMBERS,
        "ExpectColumnUniqueValueCountToBeBetween": _NUMBERS[:5],
        "ExpectColumnProportionOfUniqueValuesToBeBetween": _NUMBERS[:5],
        "ExpectColumnQuantileValuesToBeBetween": ("column", "quantile_ranges"),
        "ExpectColumnValuesToBeInSet": ("column", "value_set", "mostly"),
        "ExpectColumnValuesToNotBeInSet": ("column", "value_set", "mostly"),
        "ExpectColumnDistinctValuesToBeInSet": ("column", "value_set"),
        "ExpectColumnDistinctValuesToContainSet": ("column", "value_set"),
        "ExpectColumnDistinctValuesToEqualSet": ("column", "value_set"),
        "ExpectColumnValueLengthsToBeBetween": ("column", "min_value", "max_value", "mostly"),
        "ExpectColumnValuesToBeUnique": ("column", "mostly"),
        "ExpectColumnValuesToNotBeNull": ("column", "mostly"),
        "ExpectColumnPairValuesAToBeGreaterThanB": ("column_A", "column_B", "or_equal", "mostly"),
        "ExpectColumnPairValuesToBeEqual": ("column_A", "column_B", "mostly"),
        "ExpectCompoundColumnsToBeUnique": ("column_list", "mostly"),
        "ExpectMulticolumnSumToEqual": ("column_list", "sum_total", "mostly"),
        "ExpectTableColumnCountToBeBetween": ("min_value", "max_value"),
        "ExpectTableRowCountToBeBetween": ("min_value", "max_value"),
    }
)
"""Expectations that may be asked for by name, with the arguments they take: none runs a query, code or a regular
expression that a table's content could make slow."""


class ColumnSpec(Value):
    """What a column holds."""

    type: ColumnType
    unit: str = ""
    nulls: bool = False
    unique: bool = False
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] = ()
    pattern: str | None = None
    """Which each text must match from beginning to end."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{value!r} is no regular expression: {error}") from error
        return value


class Expectation(Value):
    """One of `ALLOWED_EXPECTATIONS`, with its arguments."""

    type: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    gate: Gate = Gate.CRITICAL

    @model_validator(mode="after")
    def _is_allowed(self) -> Self:
        if self.type not in ALLOWED_EXPECTATIONS:
            raise ValueError(f"{self.type!r} is none of {', '.join(ALLOWED_EXPECTATIONS)}")
        if unknown := sorted(set(self.arguments) - set(ALLOWED_EXPECTATIONS[self.type])):
            raise ValueError(f"{self.type} takes {', '.join(ALLOWED_EXPECTATIONS[self.type])}, not {unknown[0]!r}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it looks at."""
        named = [self.arguments[name] for name in ("column", "column_A", "column_B") if name in self.arguments]
        return (*map(str, named), *map(str, self.arguments.get("column_list", ())))


class TableSpec(Value):
    """What a table must be."""

    columns: dict[str, ColumnSpec] = Field(min_length=1)
    others: bool = False
    """Whether there may be columns that are not declared."""
    key: tuple[str, ...] = ()
    min_rows: int = Field(default=1, ge=0)
    max_rows: int | None = None
    newest: str | None = None
    """The column of times by which freshness is judged."""
    max_age: timedelta | None = None
    expectations: tuple[Expectation, ...] = ()

    @model_validator(mode="after")
    def _names_are_declared(self) -> Self:
        named = [*self.key, *([self.newest] if self.newest else [])]
        named += [name for expected in self.expectations for name in expected.columns]
        if unknown := sorted(set(named) - set(self.columns)):
            raise ValueError(f"{unknown[0]!r} is not among the columns")
        if (self.newest is None) != (self.max_age is None):
            raise ValueError("freshness needs both a column of times and the largest age")
        return self

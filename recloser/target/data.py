"""Which data sets are validated, where they come from and what is expected of them: the `[data.*]` tables."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from recloser.target.base import Declared
from recloser.target.services import Name  # noqa: TC001 - pydantic reads the annotations


class Request(Declared):
    """What a service is asked for, to get the data set."""

    service: Name
    path: str = Field(pattern=r"^/")
    body: dict[str, Any] = Field(default_factory=dict)
    """Sent as JSON with POST."""
    timeout_s: float = Field(default=120.0, gt=0, le=3_600)


class Generate(Declared):
    """What grid dataset is made, where no service is asked for it; the same words have the same content everywhere."""

    size: Literal["small", "medium", "large"] | None = None
    """50 steps of 14 buses, 200 of 30, or 1,000 of 118."""
    case: Literal["14", "30", "118"] | None = None
    steps: int | None = Field(default=None, ge=1, le=1_000_000)
    """Steps of 15 minutes."""
    seed: int = Field(default=0, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _a_size_or_a_case(self) -> Self:
        if (self.size is None) == (self.case is None) or (self.case is None) != (self.steps is None):
            raise ValueError("give either `size`, or `case` together with `steps`")
        return self


class Column(Declared):
    """What a column of a table holds."""

    type: Literal["integer", "number", "text", "boolean", "timestamp"]
    unit: str | None = None
    """Named wherever a value is shown."""
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] = ()
    """The only values there may be."""
    nulls: bool = False
    unique: bool = False
    pattern: str | None = None
    """A regular expression that each text matches from beginning to end."""

    @model_validator(mode="after")
    def _limits_are_of_numbers(self) -> Self:
        if (self.min is not None or self.max is not None) and self.type not in {"integer", "number"}:
            raise ValueError(f"a column of type {self.type} has neither `min` nor `max`")
        return self


class Expected(Declared):
    """A stock expectation of Great Expectations, asked for by name."""

    type: str = Field(pattern=r"^Expect[A-Za-z]+$")
    arguments: dict[str, Any] = Field(default_factory=dict)
    gate: Literal["critical", "warning", "info"] = "critical"


class Freshness(Declared):
    """How old the newest row may be."""

    column: str
    max_age_h: float = Field(gt=0)


class DataSet(Declared):
    """One data set: the answer of a service, a table in a file, or one that is made; and the rules it is held to."""

    request: Request | None = None
    generate: Generate | None = None
    file: Path | None = None
    """CSV or Parquet, below the target's folder."""
    rules: Literal["grid", "table", "forecast", "estimation", "dispatch"] = "table"
    """`grid`: structure, physics and statistics of load-and-power-flow sets; `table`: `columns`, `key` and drift;
    `forecast`, `estimation`, `dispatch`: what a service answers about such a model."""
    columns: dict[str, Column] = Field(default_factory=dict)
    key: tuple[str, ...] = ()
    """Columns that tell every row from all others."""
    min_rows: int = Field(default=1, ge=0)
    max_rows: int | None = Field(default=None, ge=0)
    others: bool = False
    """Whether there may be columns that are not declared."""
    fresh: Freshness | None = None
    expectations: tuple[Expected, ...] = ()
    baseline: Path | None = None
    """What drift is measured against: a table of the same columns, or what `recloser data baseline` measured of one."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(source is not None for source in (self.request, self.generate, self.file)) != 1:
            raise ValueError("give exactly one of `request`, `generate` and `file`")
        if self.rules in {"forecast", "estimation", "dispatch"} and self.request is None:
            raise ValueError(f'rules = "{self.rules}" judges the answer of a service: it needs a `request`')
        if self.generate is not None and self.rules != "grid":
            raise ValueError('what is generated is a grid dataset: it needs rules = "grid"')
        return self

    @model_validator(mode="after")
    def _a_table_is_described(self) -> Self:
        if self.rules == "table" and not self.columns:
            raise ValueError('rules = "table" needs `columns`')
        if unknown := sorted(set(self.key) - set(self.columns)):
            raise ValueError(f"`key` names {unknown[0]!r}, which is not among the columns")
        return self

"""Which tests there are, and which figures of theirs are too much: `[suites.*]` and `[thresholds]`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from recloser.target.base import Declared
from recloser.target.services import Name  # noqa: TC001 - pydantic reads the annotations


class Suite(Declared):
    """One run of a test runner that writes a JUnit report."""

    command: tuple[str, ...] = Field(min_length=1)
    """Argument vector; `{python}` is filled in, and `{junit}`: the file the report has to be written to."""
    needs: tuple[Name, ...] = ()
    """Services that have to be up while it runs."""
    environment: dict[str, str] = Field(default_factory=dict)
    timeout_s: float = Field(default=600.0, gt=0, le=86_400)
    critical: bool = True
    """Whether a new failure of it fails the cycle; otherwise it is reported only."""

    @model_validator(mode="after")
    def _a_report_is_written(self) -> Self:
        if not any("{junit}" in argument for argument in self.command):
            raise ValueError("the command has to name {junit}, where its report is looked for")
        return self


class Threshold(Declared):
    """Between which values a figure has to stay; the figure is a property that a test records under this name."""

    min: float | None = Field(default=None, allow_inf_nan=False)
    max: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _it_leaves_room(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give `min`, `max` or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("`min` is above `max`")
        return self

    def holds(self, value: float) -> bool:
        """Whether a measured value is inside; what is not a number never is."""
        above = self.min is None or value >= self.min
        below = self.max is None or value <= self.max
        return above and below

"""Which tests there are, and which figures of theirs are too much: `[suites.*]` and `[thresholds]`."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal, Self

from pydantic import Field, model_validator

from recloser.target.base import Declared
from recloser.target.services import Name  # noqa: TC001 - pydantic reads the annotations

_ONE_AT_A_TIME = "performance"


class Suite(Declared):
    """One run of pytest, or of another test runner that writes a JUnit report."""

    command: tuple[str, ...] = Field(min_length=1)
    """Argument vector; `{python}` is filled in, and `{junit}`: the file a JUnit report has to be written to."""
    tier: Name | None = None
    """`unit`, `integration`, `e2e`, `performance`, `regression` or any other; if not given, the name of the suite."""
    runner: Literal["pytest", "junit"] | None = None
    """What runs it; where nothing is said, pytest if an argument is `pytest` or a path that ends so, else `junit`."""
    python: str | None = Field(default=None, min_length=1)
    """The interpreter that `{python}` stands for: a path (below the target's folder, where it is relative) or a name;
    Recloser's own where nothing is said."""
    needs: tuple[Name, ...] = ()
    """Services that have to be up while it runs."""
    data: tuple[Name, ...] = ()
    """Data sets that have to be good before it runs; `RECLOSER_DATA_NAME` says where one lies that is in a file."""
    alone: bool | None = None
    """Whether nothing else of the cycle runs beside it; where nothing is said, of the tier `performance` only."""
    environment: dict[str, str] = Field(default_factory=dict)
    timeout_s: float = Field(default=600.0, gt=0, le=86_400)
    test_timeout_s: float | None = Field(default=None, gt=0, le=86_400)
    """Of one test with its setup and teardown; where nothing is said, half of `timeout_s`, so that one test that hangs
    leaves the others the other half."""
    workers: int | None = Field(default=None, ge=1, le=256)
    """Processes; where nothing is said, one for each processor, and one in all for the tier `performance`."""
    reruns: int = Field(default=2, ge=0, le=10)
    """How often what failed is run again, in a process of its own; what then passes is flaky, not failed."""
    coverage: tuple[str, ...] = ()
    """Packages or folders whose coverage is measured."""
    critical: bool = True
    """Whether a new failure of it fails the cycle; otherwise it is reported only."""

    @model_validator(mode="after")
    def _a_report_is_written(self) -> Self:
        if self.runs == "junit" and not any("{junit}" in argument for argument in self.command):
            raise ValueError("the command has to name {junit}, where its report is looked for")
        return self

    @property
    def runs(self) -> Literal["pytest", "junit"]:
        """What runs it: `runner`, or what the command says."""
        if self.runner is not None:
            return self.runner
        return "pytest" if any(map(is_pytest, self.command)) else "junit"

    @property
    def limit_s(self) -> float:
        """Time limit of one test."""
        return self.test_timeout_s or self.timeout_s / 2

    def runs_alone(self, name: str) -> bool:
        """Whether nothing else may run beside the suite of this name."""
        return (self.tier or name) == _ONE_AT_A_TIME if self.alone is None else self.alone

    def workers_on(self, cpus: int, tier: str) -> int:
        """How many processes run it on a machine of so many processors."""
        return self.workers or (1 if tier == _ONE_AT_A_TIME else cpus)


def is_pytest(argument: str) -> bool:
    """Whether this argument of a command is pytest: `pytest`, `py.test`, or a path that ends so."""
    return PurePath(argument).name in {"pytest", "py.test"}


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

"""The errors of the grid: each message says what failed, what was expected and what to do.

```
GridError
├── UnknownCaseError       no such network is registered
├── DamagedTablesError     a network's tables are not the registered ones, or cannot be read
├── BadRequestError        a dataset that cannot be made was asked for
├── NotConvergedError      the power flow has no solution at some steps
├── InexactError           the power flow gave numbers that physics does not allow
├── EngineMissingError     the power flow engine asked for is not installed
└── DatasetError           a dataset cannot be written, found or read
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.errors import RecloserError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN = 10


class GridError(RecloserError):
    """A grid, its power flow or its dataset cannot be had."""


class UnknownCaseError(GridError):
    """No such network is registered."""


class DamagedTablesError(GridError):
    """A network's tables are not what they must be."""


class BadRequestError(GridError):
    """A dataset that cannot be made was asked for."""


class InexactError(GridError):
    """The power flow gave numbers that physics does not allow."""


class EngineMissingError(GridError):
    """The power flow engine asked for is not installed."""


class DatasetError(GridError):
    """A dataset cannot be written, found or read."""


class NotConvergedError(GridError):
    """The power flow has no solution at some steps."""

    def __init__(self, case: str, steps: Sequence[int], n_steps: int) -> None:
        """Name the steps that failed, counted from the start of the dataset, out of `n_steps` that were tried."""
        self.case = case
        self.steps = tuple(steps)
        self.n_steps = n_steps
        more = f" and {len(self.steps) - _SHOWN} more" if len(self.steps) > _SHOWN else ""
        super().__init__(
            f"The AC power flow of {case} did not converge at {len(self.steps)} of {n_steps} steps: "
            f"{', '.join(map(str, self.steps[:_SHOWN]))}{more}; lower the level of the load."
        )

    def __reduce__(self) -> tuple[type[NotConvergedError], tuple[str, tuple[int, ...], int]]:
        """An error with arguments of its own travels between processes only by saying which."""
        return type(self), (self.case, self.steps, self.n_steps)

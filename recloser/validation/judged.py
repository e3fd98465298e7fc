"""A table that rules are judged on, and how its computed columns are gathered.

A column that cannot be had is named with its reason, so that its rule is not run instead of passing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from recloser.validation.facts import NotApplicableError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True)
class Table:
    """One table: its columns, and why others are not there."""

    name: str
    frame: pd.DataFrame
    keys: tuple[str, ...]
    """The columns that say where a row is."""
    unavailable: Mapping[str, str] = field(default_factory=dict)
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    """What else there is to say of a column that fails."""
    columns: tuple[str, ...] = ()
    """The columns it should have, in order."""
    n_rows: int = 0
    """The rows it should have."""
    positions: Mapping[str, int] = field(default_factory=dict)
    """Key columns that count 0, 1, 2, … up to less than this."""


class Columns:
    """Columns gathered one after the other; one that cannot be had does not stop the others."""

    def __init__(self) -> None:
        self._columns: dict[str, Any] = {}
        self._unavailable: dict[str, str] = {}
        self._not_applicable: dict[str, str] = {}

    def add(self, names: tuple[str, ...], make: Callable[[], Mapping[str, Any]]) -> None:
        """Make columns of these names, or keep why they cannot be had."""
        try:
            # What overflows or divides by zero becomes infinite, and no limit allows that.
            with np.errstate(all="ignore"):
                self._columns.update({name: np.ravel(values) for name, values in make().items()})
        except UnavailableError as error:
            self._unavailable.update(dict.fromkeys(names, str(error)))
        except NotApplicableError as error:
            self._not_applicable.update(dict.fromkeys(names, str(error)))

    def table(self, name: str, keys: Mapping[str, Any], notes: Mapping[str, str] = MappingProxyType({})) -> Table:
        """What was gathered, as a table with these key columns."""
        return Table(
            name=name,
            frame=pd.DataFrame({**keys, **self._columns}),
            keys=tuple(keys),
            unavailable=self._unavailable,
            not_applicable=self._not_applicable,
            notes=notes,
        )


def rows_of(frame: pd.DataFrame, keys: tuple[str, ...], rows: Any) -> Iterator[dict[str, int | str]]:
    """Where some rows are, by their keys; by their number where a key is missing or no plain value."""
    for row in rows:
        where = {key: frame[key].iloc[row] for key in keys if key in frame and frame[key].ndim == 1}
        yield {name: plain(value) for name, value in where.items() if pd.notna(value)} or {"row": int(row)}


def plain(value: Any) -> int | str:
    """A key as a number or as a short text."""
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return int(value)
    return str(value)[:80]

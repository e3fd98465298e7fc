"""Attempts as a table of nights and tests: how each test ended in each night.

What is looked at is the suites' own runs, reruns included and probes left out. A test that passed in any attempt of a
night passed in it; it failed where every attempt that was judged failed; skipped and not run are neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from recloser.values import TestStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

ABSENT, UNJUDGED, FAILED, PASSED = -1, 0, 1, 2
"""How a test ended in a night; in this order, so that the best of its attempts is the largest."""
STATUSES = tuple(TestStatus)


@dataclass(frozen=True, slots=True)
class Nights:
    """One row for each night up to this one, one column for each test."""

    cycles: Sequence[str]
    suites: Array
    """Suite of each test."""
    tests: Array
    """Name of each test."""
    marks: Array
    """How it ended: absent, not judged, failed, passed."""
    statuses: Array
    """The same in the runner's words: places in `STATUSES`."""
    durations_s: Array
    """Of a test that passed at once and was not run again; NaN elsewhere."""

    @property
    def now(self) -> int:
        """Row of this night: the last."""
        return len(self.cycles) - 1

    @classmethod
    def of(cls, outcomes: pd.DataFrame, cycle: str) -> Nights:
        """The nights up to one, from their attempts.

        Args:
            outcomes: Attempts, as `History.outcomes` reads them.
            cycle: The last night that counts.
        """
        names = list(outcomes["cycle"].cat.categories)
        cycles = names[: names.index(cycle) + 1]
        attempts = _deciding(outcomes, len(cycles))
        keys, labels = pd.factorize(attempts["key"], sort=True)
        size = (len(cycles), len(labels))
        marks, statuses = np.full(size, ABSENT, "int8"), np.full(size, ABSENT, "int8")
        durations_s = np.full(size, np.nan)
        cells = (attempts["night"].to_numpy(), keys)
        marks[cells], statuses[cells] = attempts["mark"], attempts["code"]
        at_once = (attempts["mark"] == PASSED) & (attempts["attempt"] == 1)
        durations_s[cells] = attempts["duration_s"].where(at_once)
        tests, suites = outcomes["test"].cat.categories, outcomes["suite"].cat.categories
        suite, test = np.divmod(np.asarray(labels), max(len(tests), 1))
        return cls(cycles, np.asarray(suites)[suite], np.asarray(tests)[test], marks, statuses, durations_s)


def _deciding(outcomes: pd.DataFrame, nights: int) -> pd.DataFrame:
    """The attempt of each test in each night that says how it ended: its last pass, else its last failure."""
    codes = np.array([STATUSES.index(TestStatus(word)) for word in outcomes["status"].cat.categories], dtype="int8")
    passes = np.where(outcomes["failed"], FAILED, PASSED)
    attempts = pd.DataFrame(
        {
            "night": outcomes["cycle"].cat.codes.astype("int64"),
            "key": outcomes["suite"].cat.codes.astype("int64") * len(outcomes["test"].cat.categories)
            + outcomes["test"].cat.codes,
            "mark": np.where(outcomes["judged"], passes, UNJUDGED),
            "attempt": outcomes["attempt"],
            "code": codes[outcomes["status"].cat.codes] if len(outcomes) else codes[:0],
            "duration_s": outcomes["duration_s"],
        }
    )
    wanted = attempts[(outcomes["probe"] == "").to_numpy() & (attempts["night"] < nights)]
    ordered = wanted.sort_values(["night", "key", "mark", "attempt"])
    return ordered.drop_duplicates(["night", "key"], keep="last")


def newest(wanted: Array) -> Array:
    """The last row of each column that is wanted, or none."""
    if not len(wanted):
        return np.full(wanted.shape[1], ABSENT)
    return np.where(wanted.any(axis=0), len(wanted) - 1 - wanted[::-1].argmax(axis=0), ABSENT)


def mark_at(marks: Array, rows: Array) -> Array:
    """The mark of each column in its own row; absent where it has none."""
    if not len(marks):
        return np.full(len(rows), ABSENT, "int8")
    return np.where(rows == ABSENT, ABSENT, marks[rows, np.arange(len(rows))])

"""Attempts as a table of nights and tests: how each test ended in each night.

What is looked at is the suites' own runs, reruns included and probes left out. A test that passed in any attempt of a
night passed in it; it failed where every attempt that was judged failed; skipped and not run are neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from recloser.analytics.outcomes import measured
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

        Raises:
            ValueError: No attempt is of that night.
        """
        names = list(outcomes["cycle"].cat.categories)
        if cycle not in names:
            message = f"no attempt is of {cycle}, so there is no night to be compared"
            raise ValueError(message)
        cycles = names[: names.index(cycle) + 1]
        tests, suites = outcomes["test"].cat.categories, outcomes["suite"].cat.categories
        mark = np.where(outcomes["judged"], np.where(outcomes["failed"], FAILED, PASSED), UNJUDGED).astype("int8")
        rows = _worst_first(outcomes, mark, len(cycles))
        key = outcomes["suite"].cat.codes.to_numpy("int32") * len(tests) + outcomes["test"].cat.codes.to_numpy("int32")
        keys, labels = pd.factorize(key[rows], sort=True)
        size = (len(cycles), len(labels))
        marks, statuses = np.full(size, ABSENT, "int8"), np.full(size, ABSENT, "int8")
        durations_s = np.full(size, np.nan)
        # What is written last stays: of each test in each night, its last pass, else its last failure.
        cells = (outcomes["cycle"].cat.codes.to_numpy()[rows], keys)
        marks[cells], statuses[cells] = mark[rows], _status_codes(outcomes)[rows]
        at_once = (mark == PASSED) & (outcomes["attempt"] == 1).to_numpy()
        durations_s[cells] = np.where(at_once, measured(outcomes), np.nan)[rows]
        suite, test = np.divmod(np.asarray(labels), max(len(tests), 1))
        return cls(cycles, np.asarray(suites)[suite], np.asarray(tests)[test], marks, statuses, durations_s)


def _worst_first(outcomes: pd.DataFrame, mark: Array, nights: int) -> Array:
    """Attempts of the suites' own runs in some nights: not judged, failed, passed; a rerun after what it repeats."""
    order = np.lexsort((outcomes["attempt"], mark))
    wanted = (outcomes["probe"] == "").to_numpy() & (outcomes["cycle"].cat.codes < nights).to_numpy()
    return order[wanted[order]]


def _status_codes(outcomes: pd.DataFrame) -> Array:
    words = [STATUSES.index(TestStatus(word)) for word in outcomes["status"].cat.categories]
    return np.array([*words, ABSENT], dtype="int8")[outcomes["status"].cat.codes]


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

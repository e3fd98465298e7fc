"""The tests that take longest, and whether they take longer than they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recloser.analytics.nights import Nights
from recloser.values import SlowTest

if TYPE_CHECKING:
    import pandas as pd

_ENOUGH = 4
"""Passes from which a trend is told: two medians of two."""


def slowest(outcomes: pd.DataFrame, count: int) -> tuple[SlowTest, ...]:
    """The tests with the longest median duration of their passes.

    Args:
        outcomes: Attempts, as `History.outcomes` reads them.
        count: How many tests at most.

    Returns:
        The slowest first. A trend is no finding: noise of a machine moves it too.
    """
    cycles = outcomes["cycle"].cat.categories
    if not len(cycles):
        return ()
    nights = Nights.of(outcomes, cycles[-1])
    known = np.flatnonzero(~np.isnan(nights.durations_s).all(axis=0))
    medians = np.nanmedian(nights.durations_s[:, known], axis=0) if len(known) else np.empty(0)
    order = sorted(range(len(known)), key=lambda place: (-medians[place], nights.tests[known[place]]))
    return tuple(_slow(nights, int(known[place]), float(medians[place])) for place in order[: max(count, 0)])


def _slow(nights: Nights, test: int, median_s: float) -> SlowTest:
    column = nights.durations_s[:, test]
    took = column[~np.isnan(column)].tolist()
    return SlowTest(
        suite=nights.suites[test],
        test_id=nights.tests[test],
        median_s=median_s,
        durations_s=tuple(took),
        trend=_trend(took),
    )


def _trend(took: list[float]) -> float | None:
    half = len(took) // 2
    older = float(np.median(took[:half])) if len(took) >= _ENOUGH else 0.0
    return float(np.median(took[-half:])) / older if older > 0 else None

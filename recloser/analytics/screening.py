"""Which tests look as if they take more than they did: a quick look over all of them that decides what is timed again.

Section 2.4 of the reference (test-intelligence), points 1 and 2. To look slower is no alarm: by chance, every tenth run
of a test of milliseconds takes half as long again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recloser.analytics.outcomes import KEYS, codes, measured, with_environment

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from recloser.analytics.cases import Test

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured of a test."""

    name: str
    column: str
    unit: str
    floor: float
    """A smaller increase is no finding, in its unit."""


DURATION = Measure("duration", "duration_s", "s", 0.1)
MEMORY = Measure("memory", "peak_rss_mib", "MiB", 32.0)

HISTORY = 20
"""Good runs that a test is compared with."""
LONGEST_SERIES = 120
"""Runs of a test that are looked through for a change of level."""
LEAST_HISTORY = 5
RATIO = 1.5
SCORE = 5.0
"""Increase in units of the test's own noise."""
STAYING = (2, 3)
"""Last runs that are also looked at together."""
LEAST_NOISE = 0.05
"""Noise is taken to be at least this share of the median."""
FLOOR_OF_SUITE = 0.05
"""An increase by less than this share of the suite's median test is no finding."""


def screen(now: Floats, history: Floats, floors: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which tests look slower; the quick look that decides what is run again.

    Args:
        now: What each test took now.
        history: Rows are earlier runs, columns are tests; NaN where it did not run. The last twenty count.
        floors: For each test, the increase that is no finding.

    Returns:
        The tests to run again, and all that shifted by more than their noise, however little that is in seconds. A test
        with too little history is in neither.
    """
    history = newest(history, HISTORY)
    enough = (np.isfinite(history).sum(axis=0) >= LEAST_HISTORY) & np.isfinite(now)
    median, noise = level(history, enough)
    increase = np.where(enough, now - median, 0.0)
    shifted = (increase > (RATIO - 1) * median) & (increase > SCORE * noise)
    return shifted & (increase > floors), shifted


def staying_up(runs: Floats, floors: Floats) -> NDArray[np.int64]:
    """How many of its last runs show together that a test looks slower, though none of them stands out of its noise.

    The median of so few has less noise than each of them, so that it need not exceed as much of it; but each of them
    must have come half of the way.

    Args:
        runs: Rows are runs, the last one is now; columns are tests; NaN where it did not run.
        floors: For each test, the increase that is no finding.

    Returns:
        Two or three; 0 where they show nothing, where it did not run now, or has too little history.
    """
    staying = np.zeros(runs.shape[1], dtype=np.int64)
    for count in STAYING:
        late = newest(runs, count)
        before = newest(np.where(np.isfinite(late), np.nan, runs), HISTORY)
        enough = (np.isfinite(before).sum(axis=0) >= LEAST_HISTORY) & np.isfinite(runs[-1])
        median, noise = level(before, enough)
        increase, least = np.zeros(len(median)), np.zeros(len(median))
        increase[enough] = np.nanmedian(late[:, enough], axis=0) - median[enough]
        least[enough] = np.nanmin(late[:, enough], axis=0) - median[enough]
        risen = (increase > (RATIO - 1) * median) & (increase > SCORE * noise / np.sqrt(count)) & (increase > floors)
        staying[risen & (least > (RATIO - 1) / 2 * median)] = count
    return staying


def level(history: Floats, enough: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The median of each column, and its noise by the median deviation from it; 1 where there is not enough of it."""
    median, noise = np.ones(history.shape[1]), np.ones(history.shape[1])
    median[enough] = np.nanmedian(history[:, enough], axis=0)
    noise[enough] = 1.4826 * np.nanmedian(np.abs(history[:, enough] - median[enough]), axis=0)
    return median, np.maximum(noise, LEAST_NOISE * median)


def newest(runs: Floats, most: int) -> Floats:
    """Only the last so many of each column that are not NaN."""
    kept: Floats = np.where(np.cumsum(np.isfinite(runs)[::-1], axis=0)[::-1] <= most, runs, np.nan)
    return kept


@dataclass(frozen=True, slots=True)
class Samples:
    """What each test took; tests are columns."""

    names: Sequence[Test]
    cycles: Sequence[str]
    """Names of the earlier ones, the oldest first."""
    now: Floats
    """NaN where it did not run, or cannot be compared."""
    history: Floats
    """Rows are the earlier cycles; NaN where a test cannot be compared."""
    floors: Floats
    """For each test, the increase that is no finding."""

    @property
    def measured(self) -> int:
        """Tests with enough history to compare with."""
        return int((np.isfinite(self.history).sum(axis=0) >= LEAST_HISTORY).sum())


def samples_of(
    outcomes: pd.DataFrame,
    cycle: str,
    measure: Measure,
    good: Collection[str] | None,
    besides: Collection[Test],
) -> Samples:
    """What can be compared of a cycle and of earlier ones; arguments as of `find_slower`."""
    tonight = outcomes["run"][outcomes["cycle"] == cycle].max()
    earlier = outcomes["run"] < tonight
    wanted = earlier if good is None else earlier & outcomes["cycle"].isin(good)
    main = with_environment(outcomes[(wanted | (outcomes["run"] == tonight)) & (outcomes["probe"] == "")])
    numbers, tests = codes(main, *KEYS)
    nights, night = np.unique(main["run"], return_inverse=True)
    kept = _comparable(main, numbers, night * len(tests) + numbers)
    kept &= _as_tonight(main, numbers, (main["run"] == tonight).to_numpy())
    taken = np.full((len(nights), len(tests)), np.nan)
    taken[night[kept], numbers[kept]] = measured(main, measure.column)[kept]
    names = [(str(suite), str(test)) for suite, test in tests.itertuples(index=False, name=None)]
    taken[:, [name in besides for name in names]] = np.nan
    taken[~(taken > 0)] = np.nan  # not timed
    is_now = nights == tonight
    now = taken[is_now][0] if is_now.any() else np.full(len(tests), np.nan)
    history = taken[~is_now]
    medians = pd.Series(now).groupby(tests["suite"].to_numpy(dtype=object)).transform("median").to_numpy()
    cycles = main["cycle"].astype(str).to_numpy()[np.unique(night, return_index=True)[1]][~is_now]
    floors = np.fmax(measure.floor, FLOOR_OF_SUITE * medians)
    return Samples(names, cycles.tolist(), now, newest(history, LONGEST_SERIES), floors)


def _comparable(main: pd.DataFrame, numbers: NDArray[np.int64], cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which attempts passed at once, and not as the first of their process, unless that is what they always are."""
    again = np.isin(cells, cells[(main["attempt"] > 1).to_numpy()])
    warm = (main["position"] > 0).to_numpy()
    always_first = np.bincount(numbers, weights=warm) == 0
    passed = (main["judged"] & ~main["failed"]).to_numpy(dtype=bool)
    comparable: NDArray[np.bool_] = passed & ~again & (warm | always_first[numbers])
    return comparable


def _as_tonight(main: pd.DataFrame, numbers: NDArray[np.int64], now: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which attempts ran in the environment that their test runs in now: another machine has other times."""
    environment = main["environment"].cat.codes.to_numpy()
    current = np.full(numbers.max(initial=-1) + 1, -1)
    current[numbers[now]] = environment[now]
    same: NDArray[np.bool_] = environment == current[numbers]
    return same

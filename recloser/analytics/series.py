"""Where in a long series of measurements the level changed; section 2.4 of the reference (test-intelligence), point 4.

Two detectors have to agree, because each alone finds what is not there: windows compared by t, and PELT with an rbf
kernel. While a series is short, its last five are compared with the twenty before. Nothing here knows of tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import ruptures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BACK = (12, 24)
"""Fewest and most measurements before a change that are compared."""
FORWARD = 12
"""Measurements after it."""
LEAST_T = 7.0
AGREEMENT = 5
"""Places that two detectors may differ by."""
NEW, OLD = 5, 20
"""Measurements of a short series that are compared."""
LEAST_T_SHORT = 5.0
LEAST_RATIO = 1.5
LEAST_INCREASE = 0.1
"""In the unit of the measurements: seconds."""
_LEAST_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Change:
    """A change of level."""

    at: int
    """Place of the first measurement after it."""
    t: float
    """Positive where the level rose."""
    ratio: float
    """Level after it over level before."""


def changes(values: Floats) -> tuple[Change, ...]:
    """The changes that both detectors find, up or down, in order.

    Args:
        values: Positive measurements, in order of time.
    """
    logs = np.log(values)
    t = window_t(logs)
    peaks = [at for at in local_maxima(np.abs(t), FORWARD) if abs(t[at]) > LEAST_T]
    if not peaks:
        return ()
    breaks = np.array(pelt(logs))
    agreed = [at for at in peaks if (np.abs(breaks - at) <= AGREEMENT).any()]
    return tuple(Change(at, float(t[at]), _ratio(logs, at)) for at in agreed)


def latest_rise(values: Floats, least: float = LEAST_INCREASE) -> Change | None:
    """Whether a series rose at its end: by its changes, or by its last five against the twenty before.

    Args:
        values: Positive measurements, in order of time.
        least: A smaller increase is none, in the unit of the measurements.
    """
    if len(values) >= BACK[1] + FORWARD:
        late = [change for change in changes(values) if change.t > 0 and change.at >= len(values) - BACK[1]]
        if late and np.median(values[late[-1].at :]) - np.median(values[: late[-1].at]) > least:
            return late[-1]
    return short_rise(values, least)


def short_rise(values: Floats, least: float = LEAST_INCREASE) -> Change | None:
    """Whether the last five measurements are larger than the twenty before, by t, by ratio and by amount."""
    if len(values) < NEW + OLD:
        return None
    at = len(values) - NEW
    old, new = np.log(values[at - OLD : at]), np.log(values[at:])
    variance = old.var(ddof=1) / OLD + new.var(ddof=1) / NEW
    t = float((new.mean() - old.mean()) / math.sqrt(max(variance, _LEAST_VARIANCE)))
    ratio = float(np.exp(new.mean() - old.mean()))
    increase = np.median(values[at:]) - np.median(values[at - OLD : at])
    return Change(at, t, ratio) if t > LEAST_T_SHORT and ratio > LEAST_RATIO and increase > least else None


def window_t(values: Floats) -> Floats:
    """Welch's t of the 12 measurements from each place on against the 12 to 24 before it; 0 where there are fewer."""
    total, squares = (np.concatenate([[0.0], np.cumsum(each)]) for each in (values, values**2))
    at = np.arange(len(values))
    back = np.minimum(at, BACK[1])
    enough = (back >= BACK[0]) & (at + FORWARD <= len(values))
    at, back = at[enough], back[enough]
    before, spread_before = _moments(total, squares, at - back, at)
    after, spread_after = _moments(total, squares, at, at + FORWARD)
    t = np.zeros(len(values))
    t[enough] = (after - before) / np.sqrt(np.maximum(spread_before + spread_after, _LEAST_VARIANCE))
    return t


def _moments(total: Floats, squares: Floats, start: NDArray[np.intp], end: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Mean of each stretch, and the variance of that mean."""
    size = (end - start).astype(float)
    mean = (total[end] - total[start]) / size
    variance = np.maximum(squares[end] - squares[start] - size * mean**2, 0.0) / (size - 1)
    return mean, variance / size


def local_maxima(values: Floats, reach: int) -> list[int]:
    """Places whose value is positive and not exceeded by any within reach; of equals the first."""
    found: list[int] = []
    for at in np.flatnonzero(values > 0).tolist():
        nearby = values[max(0, at - reach) : at + reach + 1]
        if values[at] >= nearby.max() and not (found and at - found[-1] <= reach):
            found.append(at)
    return found


def pelt(values: Floats) -> list[int]:
    """Where PELT with an rbf kernel and a penalty of 2 ln n breaks a series; its end is none of them."""
    signal = np.asarray(values, dtype=float).reshape(-1, 1)
    breaks: list[int] = (
        ruptures.Pelt(model="rbf", min_size=2, jump=1).fit(signal).predict(pen=2 * math.log(len(signal)))
    )
    return breaks[:-1]


def _ratio(logs: Floats, at: int) -> float:
    """Level of the measurements after a place over that of those before."""
    return float(np.exp(np.median(logs[at : at + FORWARD]) - np.median(logs[max(0, at - BACK[1]) : at])))

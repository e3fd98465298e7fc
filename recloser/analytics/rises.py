"""Which tests rose to another level within the last nights, though no single night need stand out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recloser.analytics.screening import newest, staying_up
from recloser.analytics.series import NEW, OLD, latest_rise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recloser.analytics.screening import Samples

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rise:
    """A change to a higher level."""

    since: str
    """First cycle of the new level."""
    base: str
    """Last cycle of the old one."""
    before: float
    """Median of the old level."""
    now: float


def rises(samples: Samples, cycle: str) -> dict[int, Rise]:
    """The rises within reach of the detectors, by the column of their test.

    Args:
        samples: What each test took.
        cycle: Name of the cycle of `samples.now`.
    """
    runs, cycles = np.vstack([samples.history, samples.now]), [*samples.cycles, cycle]
    staying = staying_up(runs, samples.floors)
    found: dict[int, Rise] = {}
    for column in np.flatnonzero((staying > 0) | _may_have_risen(runs, samples.floors)).tolist():
        there = np.flatnonzero(np.isfinite(runs[:, column]))
        values = runs[there, column]
        rise = latest_rise(values, samples.floors[column])
        if rise or staying[column]:
            at = rise.at if rise else len(values) - int(staying[column])
            before, now = float(np.median(values[:at])), float(np.median(values[at:]))
            found[column] = Rise(cycles[there[at]], cycles[there[at - 1]], before, now)
    return found


def _may_have_risen(runs: Floats, floors: Floats) -> NDArray[np.bool_]:
    """A look at all tests at once: what does not hold here cannot hold for a rise."""
    enough = np.isfinite(runs).sum(axis=0) >= NEW + OLD
    late, least = np.zeros(runs.shape[1]), np.zeros(runs.shape[1])
    late[enough] = np.nanmax(newest(runs, NEW)[:, enough], axis=0)
    least[enough] = np.nanmin(runs[:, enough], axis=0)
    may: NDArray[np.bool_] = enough & (late - least > floors)
    return may

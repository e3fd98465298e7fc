"""Whether a test broke at some moment, rather than being flaky all along: a change point in its outcomes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import betaincinv, betaln

from recloser.analytics.outcomes import AT_BASE, codes, with_environment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_NEEDED = ["suite", "test", "state", "at", "attempt", "failed", "cycle"]

PRIOR = (0.3, 0.5)
"""Pseudo-counts of failures and passes on either side of a change point."""
LEAST_EVIDENCE = math.log(1e4)
"""Logarithm of the Bayes factor that a change point takes."""
LEAST_RATE = 0.8
"""Failure rate after it that is exceeded with a probability of 95 % where a test is broken."""


def change_points(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The best split of the outcomes of each test in each environment.

    Args:
        outcomes: An outcome frame; what is not judged, and what was run at the base, does not count.

    Returns:
        One row for each test and environment that failed at least once: `suite`, `test`, `environment`, `evidence` (ln
        of the Bayes factor, -inf with a single run), `rate_before`, `rate_after`, `since` (the cycle after the split),
        and `broken`.
    """
    frame = with_environment(outcomes.loc[_of_failing(outcomes), _NEEDED])
    numbers, tests = codes(frame, "suite", "test", "environment")
    failing = np.bincount(numbers, weights=frame["failed"], minlength=len(tests)) > 0
    order = np.lexsort((frame["attempt"], frame["at"], numbers))
    order = order[failing[numbers[order]]]
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    failed = frame["failed"].to_numpy(dtype=float)[order]
    found = best_splits(failed, starts)
    cycles = frame["cycle"].iloc[order[np.minimum(found["split"], max(len(order) - 1, 0))]]
    found = found.drop(columns="split").assign(since=cycles.to_numpy(dtype=object))
    return pd.concat([tests[failing].reset_index(drop=True), found], axis="columns")


def _of_failing(outcomes: pd.DataFrame) -> NDArray[np.bool_]:
    """Which outcomes count and are of a test that failed at least once: few of all."""
    counts = (outcomes["judged"] & ~outcomes["probe"].isin(AT_BASE)).to_numpy(dtype=bool)
    numbers, tests = codes(outcomes, "suite", "test")
    failed = np.zeros(len(tests), dtype=bool)
    failed[numbers[counts & outcomes["failed"].to_numpy(dtype=bool)]] = True
    of_failing: NDArray[np.bool_] = counts & failed[numbers]
    return of_failing


def best_splits(failed: Floats, starts: NDArray[np.intp]) -> pd.DataFrame:
    """The split of each segment that its outcomes speak for most.

    Args:
        failed: 1 for each failure and 0 for each pass, segment after segment, in order of time.
        starts: Where each segment starts, ascending; the first is 0.

    Returns:
        For each segment `split` (the place of the first outcome after it), `evidence`, `rate_before`, `rate_after`,
        `broken`.
    """
    sizes = np.diff(starts, append=len(failed))
    segment = np.repeat(np.arange(len(starts)), sizes)
    total = np.cumsum(failed)
    before: Floats = total - (total[starts] - failed[starts])[segment]
    runs_before: Floats = np.arange(len(failed), dtype=np.float64) - starts[segment] + 1.0
    runs, failures = sizes[segment].astype(float), before[starts + sizes - 1][segment] if len(starts) else before
    evidence = _evidence(before, runs_before, failures, runs)
    best = _first_maximum(evidence, starts, segment)
    after, runs_after = (failures - before)[best], (runs - runs_before)[best]
    a, b = PRIOR
    least = betaincinv(a + after, b + runs_after - after, 0.05)
    with np.errstate(invalid="ignore"):
        return pd.DataFrame(
            {
                "split": best + 1,
                "evidence": evidence[best],
                "rate_before": before[best] / runs_before[best],
                "rate_after": after / runs_after,
                "broken": (evidence[best] > LEAST_EVIDENCE) & (least > LEAST_RATE),
            }
        )


def _evidence(before: Floats, runs_before: Floats, failures: Floats, runs: Floats) -> Floats:
    """Logarithm of the Bayes factor of two rates over one; -inf where nothing is left after the split."""
    a, b = PRIOR
    after, runs_after = failures - before, runs - runs_before
    two = betaln(a + before, b + runs_before - before) + betaln(a + after, b + runs_after - after)
    one = betaln(a, b) + betaln(a + failures, b + runs - failures)
    evidence: Floats = np.where(runs_after > 0, two - one, -np.inf)
    return evidence


def _first_maximum(values: Floats, starts: NDArray[np.intp], segment: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where the greatest value of each segment is, the first of equals."""
    if not len(starts):
        return starts
    at_most = np.flatnonzero(values == np.maximum.reduceat(values, starts)[segment])
    _, first = np.unique(segment[at_most], return_index=True)
    return at_most[first]

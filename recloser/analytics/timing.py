"""Whether one set of measurements is larger than another, and by how much: exact for the few there are.

Section 2.4 of the reference (test-intelligence), point 3. Nothing here knows of tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import false_discovery_control, mannwhitneyu, rankdata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ALPHA = 0.01
"""Share of false alarms among alarms that is accepted."""
LEAST_RATIO = 1.2
"""What the lower bound of the ratio must exceed."""
_EXACT = 20_000  # arrangements that are gone through one by one: 8 + 8 have 12,870


@dataclass(frozen=True, slots=True)
class Shift:
    """How much larger the second of two sets of measurements is."""

    ratio: float
    """Of Hodges and Lehmann: the median of all ratios of one of each."""
    low: float
    """Lower end of its 90 % interval."""
    high: float
    p: float
    """Of Mann and Whitney, one-sided."""
    above: int
    """How many of the second exceed the median of the first."""


def shift(base: Sequence[float], head: Sequence[float]) -> Shift:
    """Compare two sets of positive measurements.

    Args:
        base: Measured before.
        head: Measured now.

    Returns:
        The shift from base to head.
    """
    before, now = np.log(np.asarray(base, dtype=float)), np.log(np.asarray(head, dtype=float))
    differences = np.sort((now[:, None] - before[None, :]).ravel())
    rank = bounding_rank(len(now), len(before))
    return Shift(
        ratio=float(np.exp(np.median(differences))),
        low=float(np.exp(differences[rank - 1])) if rank else 0.0,
        high=float(np.exp(differences[-rank])) if rank else np.inf,
        p=p_larger(now, before),
        above=int((now > np.median(before)).sum()),
    )


def alarming(shifts: Sequence[Shift]) -> list[bool]:
    """Which candidates of one night are slower: by p among all of them (Benjamini and Hochberg), and by ratio."""
    if not shifts:
        return []
    adjusted = false_discovery_control([each.p for each in shifts])
    return [bool(p < ALPHA and each.low > LEAST_RATIO) for p, each in zip(adjusted, shifts, strict=True)]


def p_larger(now: Floats, before: Floats) -> float:
    """The probability of ranks at least as high by chance; exact, with ties, where arrangements can be gone through."""
    ranks = rankdata(np.concatenate([now, before]))
    if comb(len(ranks), len(now)) > _EXACT:
        return float(mannwhitneyu(now, before, alternative="greater").pvalue)
    sums = ranks[_arrangements(len(ranks), len(now))].sum(axis=1)
    return float(np.mean(sums >= ranks[: len(now)].sum() - 1e-9))


@cache
def _arrangements(total: int, chosen: int) -> NDArray[np.intp]:
    return np.array(list(combinations(range(total), chosen)), dtype=np.intp)


@cache
def bounding_rank(one: int, other: int, tail: float = 0.05) -> int:
    """Which of the sorted differences, counted from 1, the shift lies below with at most this probability.

    From the exact distribution of the statistic of Mann and Whitney; 0 where there are too few for any bound.
    """
    ways = np.zeros(one * other + 1)
    ways[0] = 1
    for size in range(1, one + 1):  # the Gaussian binomial coefficient, factor by factor
        ways[other + size :] -= ways[: -(other + size)].copy()
        for at in range(size, len(ways)):
            ways[at] += ways[at - size]
    return int(np.searchsorted(np.cumsum(ways) / comb(one + other, one), tail, side="right"))

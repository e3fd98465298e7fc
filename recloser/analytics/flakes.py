"""The formulas of flakiness: the score that decides, the rate that is shown, and what to do with them.

All of it is section 2.1 of the reference (test-intelligence); arrays in, arrays out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FlakeRule:
    """What is believed of a test before it has run, and what is too much."""

    failures: float
    """Pseudo-count before any run."""
    passes: float
    threshold: float
    """Failure rate that the score must exceed."""


UNIT = FlakeRule(0.5, 49.5, 0.01)
END_TO_END = FlakeRule(0.5, 4.5, 0.10)
END_TO_END_TIERS = frozenset({"e2e", "end-to-end"})


def rule_of(tier: str) -> FlakeRule:
    """The rule of a tier: end-to-end tests are allowed more."""
    return END_TO_END if tier.lower() in END_TO_END_TIERS else UNIT


def flake_score(failures: ArrayLike, passes: ArrayLike, rule: FlakeRule = UNIT) -> Floats:
    """The failure rate that is exceeded with a probability of 95 %, from a sceptical prior; this decides.

    Args:
        failures: Of states that also passed, weighted by age.
        passes: The same.
        rule: The tier's.
    """
    return _quantile(np.add(failures, rule.failures), np.add(passes, rule.passes), 0.05)


def shown_rate(failures: ArrayLike, runs: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """The failure rate as it is shown, never as it decides: mean and 90 % interval from the prior of Jeffreys.

    Args:
        failures: How often it failed, unweighted.
        runs: How often it passed or failed.

    Returns:
        Mean, lower and upper end.
    """
    a, b = np.add(failures, 0.5), np.subtract(runs, failures) + 0.5
    return a / (a + b), _quantile(a, b, 0.05), _quantile(a, b, 0.95)


def may_release(clean_runs: ArrayLike, rule: FlakeRule = UNIT) -> NDArray[np.bool_]:
    """Whether so many passes since the last failure suffice to leave quarantine: 142 in a unit test, 14 end to end."""
    released: NDArray[np.bool_] = _quantile(rule.failures, np.add(clean_runs, rule.passes), 0.95) < rule.threshold
    return released


def chance_to_miss(rate: ArrayLike, runs: ArrayLike) -> Floats:
    """The probability that a test of this failure rate passes every time; why none is ever called "not flaky"."""
    return np.power(1.0 - np.asarray(rate, dtype=float), runs)


def runs_to_confirm(rate: float, risk: float = 1e-4) -> int:
    """How many failures in a row are not to be expected of a test of this failure rate by more than this risk."""
    if rate <= 0:
        return 1
    return max(1, math.ceil(math.log(risk) / math.log(min(rate, 1 - 1e-9))))


def _quantile(a: ArrayLike, b: ArrayLike, q: float) -> Floats:
    quantiles: Floats = betaincinv(a, b, q)
    return quantiles

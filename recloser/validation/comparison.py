"""A set compared with its baseline: numbers that say how far it is from what is usual."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from recloser.validation import physics_columns
from recloser.validation.facts import NotApplicableError, UnavailableError
from recloser.validation.input_columns import ramps
from recloser.validation.rules import least_widths
from recloser.validation.series import LoadSeries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recloser.grid.columns import Floats
    from recloser.validation.baseline import Baseline, Spread
    from recloser.validation.facts import Facts, Subject
    from recloser.validation.rules import Rule

_MEAN_BAND_SIGMAS, _MEAN_BAND_LEAST = 4.0, 0.004
_LEAST_WORST = 1e-9


@dataclass(frozen=True)
class Baselines:
    """What a set is compared with: sets of exactly its kind, and sets of its network at any length."""

    exact: Baseline | None
    alike: Baseline | None


class Comparison:
    """One set beside what is known of good ones."""

    def __init__(self, facts: Facts, baselines: Baselines) -> None:
        """Nothing is computed yet."""
        self._facts = facts
        self._baselines = baselines

    def ramps(self) -> Mapping[str, Floats]:
        """Ramps over the largest of the baseline, [T, N]."""
        alike = self._alike()
        level = self._facts.subject.level / alike.level
        return {"ramp_over_baseline": ramps(self._facts) / (alike.numbers["largest_ramp"].high * level)}

    def loss_shares(self) -> Mapping[str, Floats]:
        """Losses as a share of load, over the lowest and the highest of the baseline, [T]."""
        known = self._alike().numbers
        shares = physics_columns.loss_shares(self._facts)
        shares = np.where(np.isnan(shares), np.inf, shares)
        return {
            "loss_share_over_lowest": shares / known["lowest_loss_share"].low,
            "loss_share_over_highest": shares / known["highest_loss_share"].high,
        }

    @cached_property
    def numbers(self) -> Mapping[str, float]:
        """The numbers of the load series and, where there is a baseline, of their comparison with it.

        Raises:
            UnavailableError: The inputs cannot be had.
        """
        inputs = (self._facts.finite("node", name) for name in ("pd_mw", "qd_mvar", "pg_mw"))
        series = LoadSeries(self._facts.network, *inputs)
        exact = self._baselines.exact
        return exact.compare(series) if exact else series.of_set()

    def excesses(self, rule: Rule, notes: dict[str, str]) -> Mapping[str, float]:
        """How far the farthest of a rule's numbers lies outside the baseline's range, and a note of which it is.

        Raises:
            UnavailableError: There is no baseline.
            NotApplicableError: The set is too short for any of them.
        """
        exact = self._exact()
        excesses = {name: self._excess(name) for name in rule.numbers if name in exact.numbers}
        if not excesses:
            raise NotApplicableError(_too_few(self._facts.subject))
        column = f"{rule.id}_excess"
        farthest = max(excesses, key=excesses.__getitem__)
        known = exact.numbers[farthest]
        notes[column] = f"{farthest} is {self.number(farthest):.5g}; the baseline's seeds are {known.said}"
        return {column: excesses[farthest]}

    def _excess(self, name: str) -> float:
        known = self._exact().numbers[name]
        value = self.number(name)
        outside = max(known.low - value, value - known.high, 0.0)
        excess = outside / max(known.width, least_widths().get(name, _LEAST_WORST))
        return math.inf if math.isnan(excess) else excess

    def number(self, name: str) -> float:
        """One number of the set.

        Raises:
            UnavailableError: The set is too short for it, or the inputs cannot be had.
        """
        if name not in self.numbers:
            raise UnavailableError(_too_few(self._facts.subject))
        return self.numbers[name]

    def _known(self, name: str) -> Spread:
        if name not in self._exact().numbers:
            raise NotApplicableError(_too_few(self._facts.subject))
        return self._exact().numbers[name]

    def _exact(self) -> Baseline:
        if self._baselines.exact is None:
            raise UnavailableError(_no_baseline(self._facts.subject))
        return self._baselines.exact

    def _alike(self) -> Baseline:
        if self._baselines.alike is None:
            raise UnavailableError(_no_baseline(self._facts.subject))
        return self._baselines.alike

    def outside_share_over(self) -> float:
        """Share of voltages outside the limits of their buses, over the baseline's largest."""
        return float(physics_columns.outside_bus_limits(self._facts).mean()) - self._known("outside_share").high

    def correlation_over(self) -> float:
        """Median correlation of buses with the system, over the baseline's lowest."""
        return self.number("system_correlation") - self._known("system_correlation").low

    def mean_load_off(self) -> float:
        """Distance of the mean load factor from the baseline's, in bands of four deviations."""
        known = self._known("load_factor")
        return (self.number("load_factor") - known.mean) / max(_MEAN_BAND_SIGMAS * known.sd, _MEAN_BAND_LEAST)

    def ks_over_worst(self) -> float:
        """Distance of the load factors from the baseline's, over its worst."""
        worst = self._known("ks_distance").high
        return self.number("ks_distance") / max(worst, _LEAST_WORST)

    def trend_over_worst(self) -> float:
        """Drift of the daily mean, over the baseline's worst."""
        known = self._known("daily_trend")
        return abs(self.number("daily_trend")) / max(abs(known.low), abs(known.high), _LEAST_WORST)


COMPARISONS: Mapping[str, Callable[[Comparison], float]] = {
    "autocorrelation": lambda comparison: comparison.number("autocorrelation"),
    "outside_share_over": Comparison.outside_share_over,
    "correlation_over": Comparison.correlation_over,
    "mean_load_off": Comparison.mean_load_off,
    "ks_over_worst": Comparison.ks_over_worst,
    "trend_over_worst": Comparison.trend_over_worst,
}
"""Columns of the `dataset` table that compare the set with its baseline."""


def _too_few(subject: Subject) -> str:
    return f"{subject.n_steps} steps are too few for it"


def _no_baseline(subject: Subject) -> str:
    number = subject.case.removeprefix("case")
    level = f" --level {subject.level:g}"
    return (
        f"there is no baseline for {subject.case}, {subject.n_steps} steps, level {subject.level:g}: "
        f"`recloser data baseline --case {number} --steps {subject.n_steps}{level}` makes one"
    )

"""Numbers that describe load series: of each bus, of each step, and of the whole set.

What a bus does by itself is told from what the system does: `share` is the log of its load factor relative to the
system's, which takes calendar and common noise away. All logs are natural.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from recloser.validation.input_columns import BIG_LOAD_MW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.grid import Network
    from recloser.grid.columns import Floats

STEPS_A_DAY = 96
MIN_DAYS_OF_TREND = 3
_COARSE_KW = 10
_FLAT_KW = 1.5
_TINY = 1e-9


@dataclass(frozen=True)
class LoadSeries:
    """Loads and dispatch of a set, finite, MW and Mvar, [T, N], on a network."""

    network: Network
    pd_mw: Floats
    qd_mvar: Floats
    pg_mw: Floats

    @cached_property
    def factors(self) -> Floats:
        """Load factors of the buses that have a base load, [T, L]."""
        base = self.network.buses.pd0_mw
        return np.asarray(self.pd_mw[:, base > 0] / base[base > 0])

    @cached_property
    def total(self) -> Floats:
        """Load of the system as a share of its base, [T]."""
        return np.asarray(self.pd_mw.sum(axis=1) / self.network.buses.pd0_mw.sum())

    @cached_property
    def shares(self) -> Floats:
        """Log of each load factor relative to the system's, [T, L]."""
        return _log(self.factors) - _log(self.total)[:, None]

    @cached_property
    def power_factors(self) -> Floats:
        """Log of reactive per real load relative to the base, [T, K], at the buses where it says something."""
        buses = self.network.buses
        says = (buses.pd0_mw > 1) & (np.abs(buses.qd0_mvar) > 0.5)  # noqa: PLR2004 - of R18
        base = buses.qd0_mvar[says] / buses.pd0_mw[says]
        pd = self.pd_mw[:, says]
        return _log(self.qd_mvar[:, says] / np.where(pd == 0, _TINY, pd) / base)

    def of_buses(self) -> dict[str, Floats]:
        """Numbers of each bus, by name."""
        return {
            "share": self.shares.mean(axis=0),
            "share_pace": _pace(self.shares),
            "power_factor": self.power_factors.mean(axis=0),
            "power_factor_pace": _pace(self.power_factors),
        }

    def of_set(self) -> dict[str, float]:
        """Numbers of the whole set that need nothing to compare with, by name."""
        big = self.pd_mw[:, self.network.buses.pd0_mw >= BIG_LOAD_MW] * 1000
        whole_kw = np.rint(self.pd_mw[:, self.network.buses.pd0_mw > 0] * 1000)
        found = {
            "load_factor": float(self.factors.mean()),
            "lowest_factor": float(self.factors.min()),
            "highest_factor": float(self.factors.max()),
            "autocorrelation": autocorrelation(self.total),
            "system_correlation": float(np.median(_correlations(self.factors, self.total))),
            "lowest_correlation": float(_correlations(self.factors, self.total).min()),
            "split_kw": float(np.abs(self.pd_mw * 1000 - np.rint(self.pd_mw * 1000)).max()),
            "coarse_share": float((whole_kw % _COARSE_KW == 0).mean()),
            "at_peak": float((np.abs(big - big.max(axis=0, initial=0.0)) < _TINY).sum(axis=0).max(initial=0)),
            "system_at_peak": float((self.total > self.total.max() * (1 - 1e-4)).sum()),
            "dispatch_off_mw": self._dispatch_off_mw(),
            **self._lags(),
        }
        if len(self.total) > 1:
            found["largest_ramp"] = float(np.abs(np.diff(self.factors, axis=0)).max())
            found["standing_share"] = float((np.diff(big, axis=0) == 0).mean(axis=1).max())
        if len(self.total) > 2:  # noqa: PLR2004 - of a second difference
            found["straight_share"] = float((np.abs(np.diff(big, n=2, axis=0)) <= _FLAT_KW).mean(axis=1).max())
        days = len(self.total) // STEPS_A_DAY
        if days >= MIN_DAYS_OF_TREND:
            found["daily_trend"] = _trend(self.total[: days * STEPS_A_DAY].reshape(days, -1).mean(axis=1))
        return found

    def _dispatch_off_mw(self) -> float:
        """How far units are from the share of the system's load that they are told to take."""
        units = self.network.generators
        told = np.clip(units.pg0_mw * self.total[:, None], units.pmin_mw, units.pmax_mw)
        off = np.abs(self.pg_mw[:, units.bus] - told)[:, ~units.is_slack]
        return float(off.max(initial=0.0))

    def _lags(self) -> dict[str, float]:
        """How the paces of real and reactive load of a bus go together: at the same step, and one apart."""
        buses = self.network.buses
        says = (buses.pd0_mw > 1) & (np.abs(buses.qd0_mvar) > 0.5)  # noqa: PLR2004 - of R18
        if len(self.total) < 4 or not says.any():  # noqa: PLR2004 - of a lag that says anything
            return {}
        real = np.diff(_log(self.pd_mw[:, says] / buses.pd0_mw[says]), axis=0)
        reactive = np.diff(_log(self.qd_mvar[:, says] / buses.qd0_mvar[says]), axis=0)
        return {
            "lag_same": _pooled(real, reactive),
            "lag_behind": _pooled(real[:-1], reactive[1:]),
            "lag_ahead": _pooled(real[1:], reactive[:-1]),
            "lag_same_lowest": float(_correlation_by_column(real, reactive).min()),
        }


def autocorrelation(values: Floats) -> float:
    """Correlation of a series with itself one step on; 0 for a constant one."""
    return float(_correlations(values[:-1, None], values[1:])[0]) if len(values) > 2 else 0.0  # noqa: PLR2004


def from_profile(total: Floats, profile: Floats, rho: float) -> dict[str, float]:
    """How far the system's load is from an expected profile, by itself and in its pace.

    Args:
        total: Load of the system as a share of its base, [T].
        profile: What is expected of it, [T].
        rho: How much of a deviation is expected to be there still one step on.
    """
    off = total / profile - 1
    pace = off[1:] - rho * off[:-1]
    return {
        "profile_worst": float(np.abs(off).max()),
        "profile_pace": float(np.sqrt(np.mean(pace**2))) if len(pace) else 0.0,
        "profile_jump": float(np.abs(pace).max(initial=0.0)),
    }


def from_buses(series: LoadSeries, mean: Mapping[str, Floats], spread: Mapping[str, Floats]) -> dict[str, float]:
    """How far each bus is from what is expected of it, worst bus first, in spreads of the baseline."""
    found = series.of_buses()
    scores = {f"{name}_off": (found[name] - mean[name]) / np.maximum(spread[name], _TINY) for name in found}
    worst = {f"{name}": float(np.abs(score).max(initial=0.0)) for name, score in scores.items()}
    jump = np.abs(np.diff(series.shares, axis=0)) / np.maximum(mean["share_pace"], _TINY)
    power_jump = np.abs(np.diff(series.power_factors, axis=0)) / np.maximum(mean["power_factor_pace"], _TINY)
    return worst | {
        "share_jump": float(jump.max(initial=0.0)),
        "power_factor_jump": float(power_jump.max(initial=0.0)),
    }


def ks_distance(values: Floats, quantiles: Floats) -> float:
    """The Kolmogorov-Smirnov distance of values to a distribution given by evenly spaced quantiles."""
    ordered = np.sort(values, axis=None)
    expected = np.interp(ordered, quantiles, np.linspace(0, 1, len(quantiles)), left=0.0, right=1.0)
    found = np.arange(1, len(ordered) + 1) / len(ordered)
    return float(max(np.abs(found - expected).max(), np.abs(found - 1 / len(ordered) - expected).max()))


def _log(values: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(values, _TINY)))


def _pace(values: Floats) -> Floats:
    """The standard deviation of the change per step, of each column."""
    if len(values) < 3:  # noqa: PLR2004 - of a deviation
        return np.zeros(values.shape[1])
    return np.asarray(np.diff(values, axis=0).std(axis=0))


def _trend(values: Floats) -> float:
    """The slope of a series over its mean, per step of it."""
    slope = np.polyfit(np.arange(len(values)), values, 1)[0]
    return float(slope / values.mean())


def _correlations(columns: Floats, against: Floats) -> Floats:
    """The correlation of each column with one series; 0 where either is constant."""
    return _correlation_by_column(columns, np.broadcast_to(against[:, None], columns.shape))


def _correlation_by_column(left: Floats, right: Floats) -> Floats:
    left, right = left - left.mean(axis=0), right - right.mean(axis=0)
    size = np.sqrt((left**2).sum(axis=0) * (right**2).sum(axis=0))
    return np.asarray((left * right).sum(axis=0) / np.where(size > 0, size, np.inf))


def _pooled(left: Floats, right: Floats) -> float:
    size = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return float((left * right).sum() / size) if size else 0.0

"""Vector autoregression of order 3: each series from the last three values of all of them.

By least squares a short history has more coefficients than it can pin down: on 50 steps of the 14 buses the model that
comes out is unstable and forecasts worse than repeating the last value. Ridge regression of the standardised series
towards a slow return to the mean does better, and is used unless `least_squares` is asked for. Where the history has
only one slope, as half a day has, even that may run away: its lags are then damped until it does not.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

LAG_ORDER = 3
RIDGE = 20.0  # 1.0, 2.3 and 1.3 % error five steps ahead on the three sizes; repeating the last value 1.1, 3.7, 3.5 %
PERSISTENCE = 0.95  # what the ridge pulls towards: so much of the last value
LARGEST_ROOT = 0.99
FLAT = 1e-12  # a series that varies by less, relative to its values or to 1, does not vary
METHODS = ("ridge", "least_squares")


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """The series continued.

    `values` is steps x series, in the unit of the history; `sigma` is the standard deviation of the one-step error on
    the history, per series. A `companion_root` of 1 or more means that the model runs away.
    """

    values: np.ndarray
    sigma: np.ndarray
    companion_root: float
    method: str

    @property
    def stable(self):
        return self.companion_root < 1


def forecast(history, *, steps, method="ridge"):
    """Continue a history.

    Args:
        history: Finite numbers, at least `LAG_ORDER` + 1 rows, times x series.
        steps: How many rows to add.
        method: One of `METHODS`.
    """
    varying = history.std(axis=0) > FLAT * np.maximum(1, np.abs(history).max(axis=0))
    values, sigma = np.tile(history[-1], (steps, 1)), np.zeros(history.shape[1])
    if not varying.any():
        return Forecast(values, sigma, 0.0, method)
    series = history[:, varying]
    mean, scale = series.mean(axis=0), series.std(axis=0)
    fit = _ridge if method == "ridge" else _least_squares
    model = fit((series - mean) / scale)
    values[:, varying] = mean + scale * model.run(steps)
    sigma[varying] = scale * model.sigma
    return Forecast(values, sigma, model.companion_root, method)


@dataclass(frozen=True, eq=False)
class _Model:
    """Coefficients of the standardised series, lag x K x K, the nearest first; and what it was fitted to."""

    blocks: np.ndarray
    series: np.ndarray

    def run(self, steps):
        rows = list(self.series[-LAG_ORDER:])
        for _ in range(steps):
            rows.append(sum(row @ block for row, block in zip(reversed(rows[-LAG_ORDER:]), self.blocks, strict=True)))
        return np.array(rows[LAG_ORDER:])

    @property
    def sigma(self):
        known, wanted = _lagged(self.series)
        return np.sqrt(((wanted - known @ np.vstack(self.blocks)) ** 2).mean(axis=0))

    @cached_property
    def companion_root(self):
        """The largest modulus of an eigenvalue of the model written as a first-order one."""
        width = self.blocks.shape[1]
        companion = np.eye(LAG_ORDER * width, k=-width)
        companion[:width] = np.hstack([block.T for block in self.blocks])
        return float(np.abs(np.linalg.eigvals(companion)).max())

    def damped(self):
        """The same model with every root drawn in by one factor, if one of them reaches too far."""
        root = self.companion_root
        if root <= LARGEST_ROOT:
            return self
        factors = (LARGEST_ROOT / root) ** np.arange(1, LAG_ORDER + 1)
        return _Model(self.blocks * factors[:, None, None], self.series)


def _least_squares(series):
    known, wanted = _lagged(series)
    return _model(np.linalg.lstsq(known, wanted, rcond=None)[0], series)


def _ridge(series):
    known, wanted = _lagged(series)
    prior = PERSISTENCE * np.eye(known.shape[1], wanted.shape[1])
    penalised = known.T @ known + RIDGE * np.eye(known.shape[1])
    return _model(prior + np.linalg.solve(penalised, known.T @ (wanted - known @ prior)), series).damped()


def _model(coefficients, series):
    width = series.shape[1]
    return _Model(coefficients.reshape(LAG_ORDER, width, width), series)


def _lagged(series):
    """What is known at each time, lag after lag, and what is wanted from it."""
    rows = len(series)
    return np.hstack([series[LAG_ORDER - lag : rows - lag] for lag in range(1, LAG_ORDER + 1)]), series[LAG_ORDER:]

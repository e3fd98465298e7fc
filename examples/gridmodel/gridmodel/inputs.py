"""What a request may ask for: every field checked, every refusal a sentence that names the field."""

import math
from dataclasses import dataclass

import numpy as np
import orjson

from gridmodel import estimation, forecasting, opf
from gridmodel.grid.network import CASES

MAX_STEPS = 20_000
MAX_SEED = 2**53 - 1  # what every JSON reader keeps exact
MAX_HORIZON = 96
MAX_SERIES = 400
MAX_LOAD_SCALE = 10
LARGEST = 1e9  # no power, price or voltage of these grids comes near it, and squares of it still add up
MISSING = object()


class RefusedError(Exception):
    """The request is not one the service answers; the message says why."""


@dataclass(frozen=True, slots=True)
class DatasetRequest:
    n_steps: int
    n_buses: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class ForecastRequest:
    history: np.ndarray
    steps: int
    method: str | None


@dataclass(frozen=True, slots=True, eq=False)
class EstimationRequest:
    n_buses: int
    p_injection_mw: np.ndarray
    p_flow_mw: np.ndarray
    sigma_mw: float


@dataclass(frozen=True, slots=True)
class DispatchRequest:
    n_buses: int
    load_scale: float
    costs: str


def dataset_request(body):
    fields = _Fields(body, "n_steps", "n_buses", "seed")
    return DatasetRequest(
        n_steps=fields.integer("n_steps", 1, MAX_STEPS),
        n_buses=fields.n_buses(),
        seed=fields.integer("seed", 0, MAX_SEED, default=0),
    )


def forecast_request(body):
    fields = _Fields(body, "history", "steps", "method")
    return ForecastRequest(
        history=fields.table("history", forecasting.LAG_ORDER + 1, MAX_STEPS, MAX_SERIES),
        steps=fields.integer("steps", 1, MAX_HORIZON, default=5),
        method=fields.choice("method", forecasting.METHODS, default=None),
    )


def estimation_request(body, branches_of):
    """`branches_of` says how many branches the network with so many buses has."""
    fields = _Fields(body, "n_buses", "p_injection_mw", "p_flow_mw", "sigma_mw")
    n_buses = fields.n_buses()
    return EstimationRequest(
        n_buses=n_buses,
        p_injection_mw=fields.numbers("p_injection_mw", n_buses, "bus"),
        p_flow_mw=fields.numbers("p_flow_mw", branches_of(n_buses), "branch"),
        sigma_mw=fields.number("sigma_mw", 1e-3, 1e4, default=estimation.SIGMA_MW),
    )


def dispatch_request(body):
    fields = _Fields(body, "n_buses", "load_scale", "costs")
    return DispatchRequest(
        n_buses=fields.n_buses(),
        load_scale=fields.number("load_scale", 0, MAX_LOAD_SCALE, default=1.0),
        costs=fields.choice("costs", opf.COSTS, default="linear"),
    )


def query_integer(text, name, low, high, default):
    """An integer of the query string, where an absent one is the default."""
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and low <= int(text[:20]) <= high):
        raise RefusedError(f"{name} must be an integer from {low} to {high}")
    return int(text)


def n_buses_of(text):
    """The size of network that the query string names."""
    size = query_integer(text, "n_buses", 1, 1000, 14)
    if size not in CASES:
        raise RefusedError(f"n_buses must be one of {_listed(CASES)}")
    return size


class _Fields:
    """A JSON object, read field by field."""

    def __init__(self, body, *known):
        try:
            self._values = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise RefusedError(f"the body is not JSON: {error}") from error
        if not isinstance(self._values, dict):
            raise RefusedError(f"the body must be a JSON object with {_listed(known)}")
        if unknown := [key[:40] for key in self._values if key not in known]:
            raise RefusedError(f"unknown field {unknown[0]!r}; there are {_listed(known)}")

    def _get(self, name, default):
        value = self._values.get(name, default)
        if value is MISSING:
            raise RefusedError(f"{name} is missing")
        return value

    def integer(self, name, low, high, default=MISSING):
        value = self._get(name, default)
        if type(value) is not int or not low <= value <= high:
            raise RefusedError(f"{name} must be an integer from {low} to {high}")
        return value

    def number(self, name, low, high, default):
        value = self._get(name, default)
        if type(value) not in (int, float) or not math.isfinite(value) or not low < value <= high:
            raise RefusedError(f"{name} must be a number above {low} and at most {high}")
        return float(value)

    def choice(self, name, choices, default):
        value = self._values.get(name, MISSING)
        if value is MISSING:
            return default
        if not isinstance(value, str) or value not in choices:
            raise RefusedError(f"{name} must be one of {_listed(choices)}")
        return value

    def n_buses(self):
        value = self._get("n_buses", MISSING)
        if type(value) is not int or value not in CASES:
            raise RefusedError(f"n_buses must be one of {_listed(CASES)}")
        return value

    def numbers(self, name, length, per):
        value = self._get(name, MISSING)
        if not isinstance(value, list) or len(value) != length:
            raise RefusedError(f"{name} must be a list of {length} numbers, one per {per}")
        return _finite(name, value)

    def table(self, name, min_rows, max_rows, max_columns):
        value = self._get(name, MISSING)
        if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
            raise RefusedError(f"{name} must be a list of rows, each a list of numbers")
        if not min_rows <= len(value) <= max_rows:
            raise RefusedError(f"{name} must have {min_rows} to {max_rows} rows, not {len(value)}")
        widths = {len(row) for row in value}
        if len(widths) > 1:
            raise RefusedError(f"the rows of {name} must be equally long, not {min(widths)} to {max(widths)}")
        if not 1 <= len(value[0]) <= max_columns:
            raise RefusedError(f"the rows of {name} must have 1 to {max_columns} numbers, not {len(value[0])}")
        return np.stack([_finite(f"row {at} of {name}", row) for at, row in enumerate(value)])


def _finite(name, values):
    if not {type(value) for value in values} <= {int, float}:
        raise RefusedError(f"{name} must hold numbers only")
    array = np.array(values, dtype=float)
    if not (np.abs(array) <= LARGEST).all():
        raise RefusedError(f"{name} must hold numbers between -1e9 and 1e9")
    return array


def _listed(names):
    return ", ".join(str(name) for name in names)

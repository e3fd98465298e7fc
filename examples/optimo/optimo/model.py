"""The unit commitment as constraints over named variables; knows nothing of files or solvers.

The usual three-part formulation (on, start, power above minimum; minimum up time after Rajan and Takriti, IBM RC23628,
2005) on a DC network (Stott, Jardim, Alsac, IEEE Trans. Power Systems 24(3), 2009). Per hour t, unit g, bus b, line l:

    minimise    noload_g on + cost_g (pmin_g on + above) + startup_g start + 1000 shed
    balance     sum of (pmin_g on + above) at b  -  net flow out of b  +  shed  =  pd + gs
    flow        -rate_l <= 100 / x_l (angle_from - angle_to) <= rate_l
    capacity    above <= (pmax_g - pmin_g) on
    start       on_t - on_(t-1) <= start_t                      (the first hour is free)
    ramp        -ramp_g <= above_t - above_(t-1) <= ramp_g
    minimum up  starts of the last min_up_g hours <= on_t
    reserve     sum of pmax_g on >= 1.1 x load
    reference   the first bus has angle 0
"""

import math
from dataclasses import dataclass

import numpy as np

BASE_MVA = 100.0
SHED_PER_MWH = 1000.0
RESERVE = 1.1


@dataclass(frozen=True, slots=True)
class Constraint:
    """lower <= sum of coefficient x variable <= upper; `terms` maps the variable's column to its coefficient."""

    name: str
    terms: dict[int, float]
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each variable stands: on, start, power above minimum per unit and hour; angle, shed per bus and hour."""

    units: int
    buses: int
    hours: int

    @property
    def count(self):
        return (3 * self.units + 2 * self.buses) * self.hours

    def on(self, unit, hour):
        return hour * self.units + unit

    def start(self, unit, hour):
        return (self.hours + hour) * self.units + unit

    def above_min(self, unit, hour):
        return (2 * self.hours + hour) * self.units + unit

    def angle(self, bus, hour):
        return 3 * self.hours * self.units + hour * self.buses + bus

    def shed(self, bus, hour):
        return (3 * self.units + self.buses) * self.hours + hour * self.buses + bus

    def block(self, values, first):
        """The part of a solution that begins at column `first`, as hours x units or hours x buses."""
        width = self.units if first < self.angle(0, 0) else self.buses
        return values[first : first + self.hours * width].reshape(self.hours, width)


@dataclass(frozen=True, slots=True)
class Model:
    """A mixed-integer program: cost, bounds and integrality per column, and constraints."""

    columns: Columns
    cost: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    binary: np.ndarray
    constraints: list[Constraint]


def build(case):
    """The model of a case."""
    columns = Columns(len(case.generators), len(case.buses), case.hours)
    units = list(case.generators.itertuples(index=False))
    lower, upper = _bounds(case, columns)
    return Model(
        columns=columns,
        cost=_cost(units, columns),
        lower=lower,
        upper=upper,
        binary=np.arange(columns.count) < columns.start(0, 0),
        constraints=[
            *_balance(case, units, columns),
            *_flow(case, columns),
            *_capacity(units, columns),
            *_start(units, columns),
            *_ramp(units, columns),
            *_minimum_up(units, columns),
            *_reserve(case, units, columns),
        ],
    )


def _cost(units, columns):
    cost = np.zeros(columns.count)
    for hour in range(columns.hours):
        for number, unit in enumerate(units):
            cost[columns.on(number, hour)] = unit.noload_cost + unit.cost_per_mwh * unit.pmin_mw
            cost[columns.start(number, hour)] = unit.startup_cost
            cost[columns.above_min(number, hour)] = unit.cost_per_mwh
    cost[columns.shed(0, 0) :] = SHED_PER_MWH
    return cost


def _bounds(case, columns):
    lower, upper = np.zeros(columns.count), np.full(columns.count, np.inf)
    upper[: columns.above_min(0, 0)] = 1.0
    lower[columns.angle(0, 0) : columns.shed(0, 0)] = -np.inf
    reference = slice(columns.angle(0, 0), columns.shed(0, 0), columns.buses)
    lower[reference] = upper[reference] = 0.0
    upper[columns.shed(0, 0) :] = np.maximum(case.pd_mw, 0.0).ravel()
    return lower, upper


def _balance(case, units, columns):
    branches = list(case.branches.itertuples(index=False))
    for hour in range(columns.hours):
        terms = [{columns.shed(bus, hour): 1.0} for bus in range(columns.buses)]
        for number, unit in enumerate(units):
            terms[unit.bus] |= {columns.on(number, hour): unit.pmin_mw, columns.above_min(number, hour): 1.0}
        for branch in branches:
            for column, mw_per_rad in _flow_terms(branch, columns, hour).items():
                _add(terms[branch.from_bus], column, -mw_per_rad)
                _add(terms[branch.to_bus], column, mw_per_rad)
        demand_mw = case.pd_mw[hour] + case.buses["gs_mw"].to_numpy()
        for bus in range(columns.buses):
            yield Constraint(f"balance bus {bus} hour {hour}", terms[bus], demand_mw[bus], demand_mw[bus])


def _flow(case, columns):
    for hour in range(columns.hours):
        for number, branch in enumerate(case.branches.itertuples(index=False)):
            terms = _flow_terms(branch, columns, hour)
            yield Constraint(f"flow branch {number} hour {hour}", terms, -branch.rate_mva, branch.rate_mva)


def _flow_terms(branch, columns, hour):
    mw_per_rad = BASE_MVA / branch.x_pu
    return {columns.angle(branch.from_bus, hour): mw_per_rad, columns.angle(branch.to_bus, hour): -mw_per_rad}


def _add(terms, column, coefficient):
    terms[column] = terms.get(column, 0.0) + coefficient


def _capacity(units, columns):
    for hour in range(columns.hours):
        for number, unit in enumerate(units):
            terms = {columns.above_min(number, hour): 1.0, columns.on(number, hour): unit.pmin_mw - unit.pmax_mw}
            yield Constraint(f"capacity unit {number} hour {hour}", terms, -math.inf, 0.0)


def _start(units, columns):
    for hour in range(1, columns.hours):
        for number in range(len(units)):
            terms = {
                columns.on(number, hour): 1.0,
                columns.on(number, hour - 1): -1.0,
                columns.start(number, hour): -1.0,
            }
            yield Constraint(f"start unit {number} hour {hour}", terms, -math.inf, 0.0)


def _ramp(units, columns):
    for hour in range(1, columns.hours):
        for number, unit in enumerate(units):
            terms = {columns.above_min(number, hour): 1.0, columns.above_min(number, hour - 1): -1.0}
            yield Constraint(f"ramp unit {number} hour {hour}", terms, -unit.ramp_mw, unit.ramp_mw)


def _minimum_up(units, columns):
    for hour in range(columns.hours):
        for number, unit in enumerate(units):
            first = max(0, hour - int(unit.min_up_h) + 1)
            terms = {columns.start(number, past): 1.0 for past in range(first, hour + 1)}
            terms[columns.on(number, hour)] = -1.0
            yield Constraint(f"minimum up unit {number} hour {hour}", terms, -math.inf, 0.0)


def _reserve(case, units, columns):
    for hour in range(columns.hours):
        terms = {columns.on(number, hour): unit.pmax_mw for number, unit in enumerate(units)}
        yield Constraint(f"reserve hour {hour}", terms, RESERVE * case.pd_mw[hour].sum(), math.inf)

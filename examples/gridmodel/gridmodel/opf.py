"""Optimal dispatch: the cheapest production that serves the load within the limits of units and branches, on DC.

A linear program in the units' power and the buses' angles. With quadratic costs, each unit's cost is bounded from
below by tangents, and tangents are added where the program lands until they touch.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from gridmodel.grid.network import susceptances

COSTS = ("linear", "quadratic")
GAP = 1e-7  # relative, at which tangents count as touching
ROUNDS = 60
INFEASIBLE = 2  # linprog's status


class InfeasibleError(Exception):
    """No dispatch serves this load within the limits."""


@dataclass(frozen=True, slots=True, eq=False)
class Dispatch:
    """Cost per hour, power of each unit, flow of each branch, and the price of one more MW at each bus."""

    cost: float
    pg_mw: np.ndarray
    p_flow_mw: np.ndarray
    price: np.ndarray
    load_mw: float


def dispatch(network, *, load_scale, costs="linear"):
    """Dispatch a network at its base load times `load_scale`.

    Raises:
        InfeasibleError: The load cannot be served within the limits.
    """
    program = _Program(network, load_scale)
    units = network.generators
    if costs == "linear":
        solved = program.solve(np.empty((0, len(units))), np.empty(0))
        curved = 0.0
    else:
        solved, curved = _with_tangents(program, units)
    pg_mw = solved.x[program.power]
    return Dispatch(
        cost=float(units["c1"] @ pg_mw + units["c0"].sum() + curved),
        pg_mw=pg_mw,
        p_flow_mw=program.flows @ solved.x[program.angle] + program.shift_flow_mw,
        price=solved.eqlin.marginals,
        load_mw=float(program.load_mw.sum()),
    )


def _with_tangents(program, units):
    """Solve again with a tangent at each unit's power, until the tangents add up to the curve."""
    curvature = units["c2"].to_numpy()
    points = np.linspace(units["pmin_mw"], units["pmax_mw"], 9)
    for _ in range(ROUNDS):
        solved = program.solve(2 * curvature * points, -curvature * points**2)
        power, bound = solved.x[program.power], solved.x[program.curve].sum()
        curved = float(curvature @ power**2)
        if curved - bound <= GAP * max(1.0, solved.fun):
            break
        points = np.vstack([points, power])
    return solved, curved


class _Program:
    """The linear program; its variables are power per unit, the curved part of its cost, angle per bus."""

    def __init__(self, network, load_scale):
        dc, units = susceptances(network.n_buses), network.generators
        n_units, n_buses = len(units), network.n_buses
        self.power, self.curve = slice(n_units), slice(n_units, 2 * n_units)
        self.angle = slice(2 * n_units, 2 * n_units + n_buses)
        self.flows, self.shift_flow_mw = dc.flows, dc.shift_flow_mw
        self.load_mw = load_scale * network.buses["pd0_mw"].to_numpy()
        at_buses = sparse.coo_array((np.ones(n_units), (units["bus"], np.arange(n_units))), shape=(n_buses, n_units))
        no_curve = sparse.csr_array((n_buses, n_units))
        self.balance = sparse.hstack([at_buses, no_curve, sparse.csr_array(-dc.buses)]).tocsr()
        self.demand = self.load_mw + dc.fixed_mw
        rating, unloaded = network.branches["rate_mva"].to_numpy(), sparse.csr_array((len(dc.flows), 2 * n_units))
        limits = sparse.hstack([unloaded, sparse.csr_array(dc.flows)])
        self.limits = sparse.vstack([limits, -limits])
        self.rating = np.concatenate([rating - dc.shift_flow_mw, rating + dc.shift_flow_mw])
        self.cost = np.concatenate([units["c1"], np.ones(n_units), np.zeros(n_buses)])
        angles = [(None, None)] * n_buses
        angles[network.slack] = (0, 0)
        self.bounds = [*zip(units["pmin_mw"], units["pmax_mw"], strict=True), *[(0, None)] * n_units, *angles]

    def solve(self, slopes, offsets):
        """Solve with tangents `slope * power + offset` below the curved cost, tangents x units."""
        tangents = [sparse.diags_array(slope) for slope in slopes]
        rows, right = [self.limits], [self.rating]
        for slope, offset in zip(tangents, offsets, strict=True):
            rows.append(sparse.hstack([slope, -sparse.eye_array(len(offset)), self._no_angles(len(offset))]))
            right.append(-offset)
        solved = linprog(
            self.cost,
            A_ub=sparse.vstack(rows).tocsr(),
            b_ub=np.concatenate(right),
            A_eq=self.balance,
            b_eq=self.demand,
            bounds=self.bounds,
            method="highs",
        )
        if solved.status == INFEASIBLE:
            raise InfeasibleError(f"no dispatch serves {self.load_mw.sum():.1f} MW within the limits of the network")
        if not solved.success:
            raise RuntimeError(f"the solver gave up: {solved.message}")
        return solved

    def _no_angles(self, rows):
        return sparse.csr_array((rows, self.angle.stop - self.angle.start))

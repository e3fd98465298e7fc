"""Consecutive solved steps: made from a request, block by block, and the summary of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from recloser.grid import physics, residuals
from recloser.grid.errors import BadRequestError
from recloser.grid.loads import make_injections
from recloser.grid.manifest import Fingerprint, ResidualMaxima
from recloser.grid.networks import load_network
from recloser.grid.residuals import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.grid.columns import Floats
    from recloser.grid.loads import Injections
    from recloser.grid.networks import Network
    from recloser.grid.request import DatasetRequest
    from recloser.grid.solution import Engine

STEPS_AT_ONCE = 2000
"""Steps of a block: 60 MB on 118 buses, and enough to make what a block costs by itself vanish."""


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive steps of a dataset: what was put in, and the state that was found."""

    network: Network
    injections: Injections
    state: State

    @property
    def first_step(self) -> int:
        """The first of its steps, counted from the start of the dataset."""
        return self.injections.first_step

    @property
    def n_steps(self) -> int:
        """Number of steps, T."""
        return self.injections.n_steps

    @cached_property
    def loading_pct(self) -> Floats:
        """Loading of each branch, percent of its rating, [T, E]."""
        return physics.loading_pct(self.network, self.state.flows)


def solve_blocks(request: DatasetRequest, engine: Engine, *, steps_at_once: int = STEPS_AT_ONCE) -> Iterator[Block]:
    """Make and solve the steps a request asks for.

    Args:
        request: What is asked for.
        engine: What solves; it must be of the request's network.
        steps_at_once: Steps of a block, which bounds the memory.

    Raises:
        NotConvergedError: Some steps have no solution; it names them.
    """
    network = load_network(request.case)
    for injections in make_injections(request, network, steps_at_once=steps_at_once):
        yield solve_block(network, engine, injections)


def solve_block(network: Network, engine: Engine, injections: Injections) -> Block:
    """Solve given inputs, whether a request leads to them or not.

    Raises:
        BadRequestError: The inputs are not of this network.
        NotConvergedError: Some steps have no solution; it names them.
    """
    _check_inputs(network, injections)
    found = engine.solve(injections)
    state = State(
        pd_mw=injections.pd_mw,
        qd_mvar=injections.qd_mvar,
        pg_mw=found.pg_mw,
        qg_mvar=found.qg_mvar,
        vm_pu=found.vm_pu,
        va_deg=found.va_deg,
        flows=found.flows,
    )
    return Block(network=network, injections=injections, state=state)


def _check_inputs(network: Network, injections: Injections) -> None:
    shape = (injections.n_steps, network.n_buses)
    for name in ("pd_kw", "qd_kvar", "pg_kw"):
        found = getattr(injections, name).shape
        if found != shape:
            raise BadRequestError(f"{name} has the shape {list(found)}; {network.name} needs {list(shape)}.")
    no_unit = np.setdiff1d(network.buses.bus, network.generators.bus)
    dispatched = no_unit[injections.pg_kw[:, no_unit].any(axis=0)]
    if dispatched.size:
        raise BadRequestError(f"Bus {dispatched[0]} of {network.name} has no unit, so pg_kw must be 0 there.")


class Tally:
    """What is said of all steps of a dataset, gathered block by block."""

    def __init__(self) -> None:
        """Start with no steps."""
        self._sums = np.zeros(3)  # load, losses, |flow|
        self._largest = np.full(5, -np.inf)  # voltage, loading, residuals of P, Q and flows
        self._min_vm = np.inf
        self._n_flows = 0

    def update(self, network: Network, state: State, loading_pct: Floats) -> None:
        """Take in some steps."""
        balance = residuals.balance_residuals(network, state)
        flows = residuals.flow_residuals(network, state)
        worst_flow = max(_largest(flow) for flow in (flows.pf_mw, flows.qf_mvar, flows.pt_mw, flows.qt_mvar))
        found = [state.vm_pu.max(), loading_pct.max(), _largest(balance.p_mw), _largest(balance.q_mvar), worst_flow]
        self._largest = np.maximum(self._largest, found)
        self._min_vm = min(self._min_vm, float(state.vm_pu.min()))
        losses = residuals.branch_losses_mw(state)
        self._sums += state.pd_mw.sum(), losses.sum(), np.abs(state.flows.pf_mw).sum()
        self._n_flows += losses.size

    def fingerprint(self) -> Fingerprint:
        """A few numbers by which a dataset is known again, within a tolerance."""
        return Fingerprint(
            sum_pd_mw=float(self._sums[0]),
            sum_loss_mw=float(self._sums[1]),
            min_vm_pu=self._min_vm,
            max_vm_pu=float(self._largest[0]),
            max_loading_pct=float(self._largest[1]),
            mean_abs_pf_mw=float(self._sums[2] / self._n_flows),
        )

    def residuals(self) -> ResidualMaxima:
        """The largest residuals of physics."""
        p_mw, q_mvar, flow = map(float, self._largest[2:])
        return ResidualMaxima(p_max_mw=p_mw, q_max_mvar=q_mvar, flow_max=flow)


def _largest(values: Floats) -> float:
    return float(np.abs(values).max())

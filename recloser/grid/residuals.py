"""How far stored numbers are from physics: every function gives one residual per bus, branch or step.

All arrays are [T, N] for buses and [T, E] for branches, MW, Mvar, per unit and degrees. Admittances come from the
network that is passed in: pass the registered one, not the copy that is under test. Nothing is judged here; a NaN
or an infinity in the numbers stays one in the residuals it touches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recloser.grid import physics
from recloser.grid.networks import PV
from recloser.grid.solution import Flows

if TYPE_CHECKING:
    from recloser.grid.columns import Floats
    from recloser.grid.networks import Network


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What is stored of each step: buses [T, N], branches [T, E]."""

    pd_mw: Floats
    qd_mvar: Floats
    pg_mw: Floats
    qg_mvar: Floats
    vm_pu: Floats
    va_deg: Floats
    flows: Flows


class BusResiduals(NamedTuple):
    """Per bus, [T, N]: what is put in, less what should be."""

    p_mw: Floats
    q_mvar: Floats


class SetpointResiduals(NamedTuple):
    """How far held voltages are from their set-points."""

    slack_vm_pu: Floats
    """[T]"""
    slack_va_rad: Floats
    """[T]"""
    pv_vm_pu: Floats
    """[T, N]; 0 at buses that are not PV."""


def balance_residuals(network: Network, state: State) -> BusResiduals:
    """Power balance of each bus from voltages and admittances (stored flows are not used)."""
    computed = physics.branch_flows(network, physics.phasors(state.vm_pu, state.va_deg))
    return _injected_less(network, state, computed)


def nodal_residuals(network: Network, state: State) -> BusResiduals:
    """Power balance of each bus from the stored flows (angles and branch admittances are not used)."""
    return _injected_less(network, state, state.flows)


def flow_residuals(network: Network, state: State) -> Flows:
    """Stored flows less those that follow from the voltages."""
    computed = physics.branch_flows(network, physics.phasors(state.vm_pu, state.va_deg))
    return _less(state.flows, computed)


def setpoint_residuals(network: Network, state: State) -> SetpointResiduals:
    """Stored voltages less the set-points of slack and PV buses; the slack's angle in radians, the short way round."""
    slack = network.slack_bus
    turn_deg = (state.va_deg[:, slack] - network.slack_angle_deg + 180.0) % 360.0 - 180.0
    is_pv = network.buses.type == PV
    return SetpointResiduals(
        slack_vm_pu=state.vm_pu[:, slack] - network.vset_pu[slack],
        slack_va_rad=np.deg2rad(turn_deg),
        pv_vm_pu=np.where(is_pv, state.vm_pu - np.where(is_pv, network.vset_pu, 0.0), 0.0),
    )


def branch_losses_mw(state: State) -> Floats:
    """Real power lost in each branch, MW, [T, E]."""
    return state.flows.pf_mw + state.flows.pt_mw


def system_residuals_mw(network: Network, state: State) -> Floats:
    """Production less load, losses and shunts of the whole system, MW, [T]."""
    p_shunt, _ = physics.shunt_powers(network, state.vm_pu)
    used = state.pd_mw.sum(axis=1) + branch_losses_mw(state).sum(axis=1) + p_shunt.sum(axis=1)
    return np.asarray(state.pg_mw.sum(axis=1) - used)


def loading_residuals_pct(network: Network, flows: Flows, loading_pct: Floats) -> Floats:
    """Stored loading less the one that follows from the stored flows, percent, [T, E]."""
    return np.asarray(loading_pct - physics.loading_pct(network, flows))


def angle_differences_deg(network: Network, va_deg: Floats) -> Floats:
    """Angle across each branch from its from to its to end, degrees, [T, E]."""
    return np.asarray(va_deg[:, network.branches.from_bus] - va_deg[:, network.branches.to_bus])


def _injected_less(network: Network, state: State, flows: Flows) -> BusResiduals:
    p_mw, q_mvar = physics.bus_injections(network, state.vm_pu, flows)
    return BusResiduals(state.pg_mw - state.pd_mw - p_mw, state.qg_mvar - state.qd_mvar - q_mvar)


def _less(stored: Flows, computed: Flows) -> Flows:
    return Flows(
        pf_mw=stored.pf_mw - computed.pf_mw,
        qf_mvar=stored.qf_mvar - computed.qf_mvar,
        pt_mw=stored.pt_mw - computed.pt_mw,
        qt_mvar=stored.qt_mvar - computed.qt_mvar,
    )

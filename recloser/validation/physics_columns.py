"""Columns that say how far a dataset is from physics and from its network; in MW, Mvar, per unit and degrees.

Residuals are magnitudes, so that one limit bounds both signs. What is no number becomes infinite: it must not slip
through a rule that skips missing values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recloser.grid import residuals
from recloser.grid.residuals import angle_differences_deg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from recloser.grid.columns import Floats
    from recloser.validation.facts import Facts

SLACK_PMAX_SHARE = 0.3
"""The slack takes up what dispatch leaves open, beyond its limits by this share of them."""


def magnitude(values: Floats) -> Floats:
    """The magnitude of each value; infinite where it is no number."""
    size = np.abs(values)
    return np.where(np.isnan(size), np.inf, size)


def voltages(facts: Facts) -> Mapping[str, Floats]:
    """Angle to the slack; distance of held voltages from their set-points."""
    angles = facts.array("node", "va_deg")
    to_slack = angles - angles[:, [facts.network.slack_bus]]
    return {"angle_to_slack_deg": magnitude(to_slack)}


def held_voltages(facts: Facts) -> Mapping[str, Floats]:
    """Distance of PV buses from their set-points."""
    state = facts.partial_state(needs=("vm_pu",), flows=False)
    return {"pv_vm_err_pu": magnitude(residuals.setpoint_residuals(facts.network, state).pv_vm_pu)}


def slack_magnitude(facts: Facts) -> Mapping[str, Floats]:
    """Distance of the slack from its voltage, per step."""
    state = facts.partial_state(needs=("vm_pu",), flows=False)
    return {"slack_vm_err_pu": magnitude(residuals.setpoint_residuals(facts.network, state).slack_vm_pu)}


def slack_angle(facts: Facts) -> Mapping[str, Floats]:
    """Distance of the slack from its angle, per step."""
    state = facts.partial_state(needs=("va_deg",), flows=False)
    return {"slack_va_err_rad": magnitude(residuals.setpoint_residuals(facts.network, state).slack_va_rad)}


def balance(facts: Facts) -> Mapping[str, Floats]:
    """What is put in at each bus, less what voltages and admittances carry away."""
    needs = ("pd_mw", "qd_mvar", "pg_mw", "qg_mvar", "vm_pu", "va_deg")
    found = residuals.balance_residuals(facts.network, facts.partial_state(needs=needs, flows=False))
    return {"p_res_mw": magnitude(found.p_mw), "q_res_mvar": magnitude(found.q_mvar)}


def nodal_balance(facts: Facts) -> Mapping[str, Floats]:
    """What is put in at each bus, less what the stored flows carry away."""
    needs = ("pd_mw", "qd_mvar", "pg_mw", "qg_mvar", "vm_pu")
    found = residuals.nodal_residuals(facts.network, facts.partial_state(needs=needs, flows=True))
    return {"p_nodal_res_mw": magnitude(found.p_mw), "q_nodal_res_mvar": magnitude(found.q_mvar)}


def units(facts: Facts) -> Mapping[str, Floats]:
    """Production where there is no unit, and beyond the limits of the units there are."""
    network = facts.network
    pg, qg = facts.array("node", "pg_mw"), facts.array("node", "qg_mvar")
    away = np.ones(network.n_buses, dtype=bool)
    away[network.generators.bus] = False
    low, high = np.zeros(network.n_buses), np.zeros(network.n_buses)
    low[network.generators.bus], high[network.generators.bus] = network.generators.pmin_mw, network.generators.pmax_mw
    room = SLACK_PMAX_SHARE * high[network.slack_bus]
    low[network.slack_bus] -= room
    high[network.slack_bus] += room
    beyond = np.maximum(np.maximum(low - pg, pg - high), 0.0)
    return {
        "unitless_mva": np.where(away, magnitude(np.maximum(np.abs(pg), np.abs(qg))), 0.0),
        "pg_beyond_mw": np.where(away, 0.0, magnitude(beyond)),
    }


def branch_flows(facts: Facts) -> Mapping[str, Floats]:
    """Stored flows less those that follow from voltages and admittances."""
    found = residuals.flow_residuals(facts.network, facts.partial_state(needs=("vm_pu", "va_deg"), flows=True))
    return {
        "pf_res_mw": magnitude(found.pf_mw),
        "qf_res_mvar": magnitude(found.qf_mvar),
        "pt_res_mw": magnitude(found.pt_mw),
        "qt_res_mvar": magnitude(found.qt_mvar),
    }


def branch_angles(facts: Facts) -> Mapping[str, Floats]:
    """The angle across each branch."""
    return {"angle_across_deg": magnitude(angle_differences_deg(facts.network, facts.array("node", "va_deg")))}


def branch_losses(facts: Facts) -> Mapping[str, Floats]:
    """What each branch gains, which is never more than nothing."""
    gain = -(facts.array("edge", "pf_mw") + facts.array("edge", "pt_mw"))
    return {"gain_mw": np.where(np.isnan(gain), np.inf, gain)}


def branch_loading(facts: Facts) -> Mapping[str, Floats]:
    """Stored loading less the one that follows from the stored flows."""
    stored = facts.array("edge", "loading_pct")
    return {
        "loading_res_pct": magnitude(residuals.loading_residuals_pct(facts.network, facts.flows, stored)),
        "loading_at_most_pct": magnitude(stored),
    }


def system_balance(facts: Facts) -> Mapping[str, Floats]:
    """Production less load, losses and shunts of the whole system, per step."""
    state = facts.partial_state(needs=("pd_mw", "pg_mw", "vm_pu"), flows=True)
    return {"system_res_mw": magnitude(residuals.system_residuals_mw(facts.network, state))}


def loss_shares(facts: Facts) -> Floats:
    """Losses as a share of the load, per step."""
    lost = (facts.array("edge", "pf_mw") + facts.array("edge", "pt_mw")).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(lost / facts.array("node", "pd_mw").sum(axis=1))


def outside_bus_limits(facts: Facts) -> NDArray[np.bool_]:
    """Where the voltage lies outside the limits of its bus by more than 0.005 pu, [T, N]."""
    vm_pu, buses = facts.array("node", "vm_pu"), facts.network.buses
    slack_pu = 0.005
    return ~((vm_pu >= buses.vmin_pu - slack_pu) & (vm_pu <= buses.vmax_pu + slack_pu))

"""Faults of numbers that contradict physics: units, signs, exchanges, noise, defective solvers (C23 to C43)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from recloser.grid import Network, NotConvergedError, physics
from recloser.grid.networks import PQ, REF
from recloser.validation.facts import FLOWS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from recloser.grid.physics import Complex
    from recloser.validation.corruption.draft import Draft

_TRIES = 30
_LOADED_MW = 1.0


def kilowatts(draft: Draft, rng: np.random.Generator) -> Draft:
    """Pd in kW, all buses."""
    del rng
    return draft.with_tables(node=draft.node.assign(pd_mw=draft.node["pd_mw"] * 1000))


def kilowatts_at_one_bus(draft: Draft, rng: np.random.Generator) -> Draft:
    """Pd in kW, one bus."""
    return _scaled_load(draft, rng, 1000.0)


def load_per_unit(draft: Draft, rng: np.random.Generator) -> Draft:
    """Pd in per unit."""
    del rng
    return draft.with_tables(node=draft.node.assign(pd_mw=draft.node["pd_mw"] / draft.network.base_mva))


def radians(draft: Draft, rng: np.random.Generator) -> Draft:
    """Va in radians."""
    del rng
    return draft.with_tables(node=draft.node.assign(va_deg=np.deg2rad(draft.node["va_deg"])))


def kilovolts(draft: Draft, rng: np.random.Generator) -> Draft:
    """Vm in kV."""
    del rng
    node = draft.node
    nominal = np.where(draft.network.buses.vn_kv > 0, draft.network.buses.vn_kv, 135.0)  # case14 gives none
    return draft.with_tables(node=node.assign(vm_pu=node["vm_pu"] * nominal[node["bus"]]))


def load_sign(draft: Draft, rng: np.random.Generator) -> Draft:
    """Sign of pd at one bus."""
    return _scaled_load(draft, rng, -1.0)


def flow_signs(draft: Draft, rng: np.random.Generator) -> Draft:
    """Sign of all flows."""
    del rng
    edge = draft.edge
    return draft.with_tables(edge=edge.assign(**{name: -edge[name] for name in FLOWS}))


def p_and_q_swapped(draft: Draft, rng: np.random.Generator) -> Draft:
    """Pd and qd swapped."""
    del rng
    node = draft.node
    return draft.with_tables(node=node.assign(pd_mw=node["qd_mvar"], qd_mvar=node["pd_mw"]))


def ends_swapped(draft: Draft, rng: np.random.Generator) -> Draft:
    """From and to end swapped."""
    del rng
    edge = draft.edge
    swapped = {"pf_mw": "pt_mw", "qf_mvar": "qt_mvar", "pt_mw": "pf_mw", "qt_mvar": "qf_mvar"}
    return draft.with_tables(edge=edge.assign(**{name: edge[other] for name, other in swapped.items()}))


def buses_exchanged(draft: Draft, rng: np.random.Generator) -> Draft:
    """Two buses exchanged in the features."""
    node = draft.node
    first, second = two_loads(draft, rng)
    for name in ("pd_mw", "qd_mvar", "pg_mw"):
        at_first, at_second = node.loc[node["bus"] == first, name], node.loc[node["bus"] == second, name]
        node.loc[node["bus"] == first, name] = at_second.to_numpy()
        node.loc[node["bus"] == second, name] = at_first.to_numpy()
    return draft.with_tables(node=node)


def flow_off_by_percent(draft: Draft, rng: np.random.Generator) -> Draft:
    """Pf x 1.01 on one branch."""
    return _scaled_flow(draft, rng, 1.01)


def flow_off_by_tenth(draft: Draft, rng: np.random.Generator) -> Draft:
    """Pf x 1.001 on one branch."""
    return _scaled_flow(draft, rng, 1.001)


def load_off_by_percent(draft: Draft, rng: np.random.Generator) -> Draft:
    """Pd x 1.01 at one bus."""
    return _scaled_load(draft, rng, 1.01)


def voltage_noise(draft: Draft, rng: np.random.Generator) -> Draft:
    """Vm noise 1e-4 at one PQ bus."""
    node = draft.node
    at = node["bus"] == rng.choice(np.flatnonzero(draft.network.buses.type == PQ))
    node.loc[at, "vm_pu"] += rng.normal(0, 1e-4, int(at.sum()))
    return draft.with_tables(node=node)


def angle_at_one_bus(draft: Draft, rng: np.random.Generator) -> Draft:
    """Va + 0.1 deg at one bus."""
    node = draft.node
    node.loc[node["bus"] == rng.choice(np.flatnonzero(draft.network.buses.type != REF)), "va_deg"] += 0.1
    return draft.with_tables(node=node)


def all_angles(draft: Draft, rng: np.random.Generator) -> Draft:
    """All angles + 5 deg."""
    del rng
    return draft.with_tables(node=draft.node.assign(va_deg=draft.node["va_deg"] + 5))


def one_iteration(draft: Draft, rng: np.random.Generator) -> Draft:
    """Solver stopped after one iteration."""
    del rng
    network = draft.network
    pd, qd, pg = draft.inputs()
    power = np.asarray((pg - pd - 1j * qd) / network.base_mva, dtype=np.complex128)
    voltage = _one_newton_step(network, power)
    flows = physics.branch_flows(network, voltage)
    vm_pu = np.abs(voltage)
    p_mw, q_mvar = physics.bus_injections(network, vm_pu, flows)
    slack, units = network.slack_bus, network.generators.bus
    qg = np.zeros_like(pd)
    pg[:, slack] = p_mw[:, slack] + pd[:, slack]
    qg[:, units] = q_mvar[:, units] + qd[:, units]
    node, edge = _in_order(draft.node, "bus"), _in_order(draft.edge, "branch")
    stopped = {"pg_mw": pg, "qg_mvar": qg, "vm_pu": vm_pu, "va_deg": np.angle(voltage, deg=True)}
    found = {name: getattr(flows, name).ravel() for name in FLOWS}
    loading = physics.loading_pct(network, flows).ravel()
    return draft.with_tables(
        node=node.assign(**{name: values.ravel() for name, values in stopped.items()}),
        edge=edge.assign(**found, loading_pct=loading),
    )


def outage(draft: Draft, rng: np.random.Generator) -> Draft:
    """Undeclared branch outage."""
    return _solved_elsewhere(draft, rng, _without_branch)


def charging_lost(draft: Draft, rng: np.random.Generator) -> Draft:
    """Charging of one line lost."""
    charged = np.flatnonzero(draft.network.branches.b_pu > 0)

    def lost(network: Network, branch: int) -> Network:
        return _changed(network, "b_pu", branch, 0.0)

    return _solved_elsewhere(draft, rng, lost, charged)


def tap_ignored(draft: Draft, rng: np.random.Generator) -> Draft:
    """Tap ignored on one transformer (x x 1.05 on one line where there is none)."""
    tapped = np.flatnonzero(draft.network.branches.tap != 1.0)

    def ignored(network: Network, branch: int) -> Network:
        if len(tapped):
            return _changed(network, "tap", branch, 1.0)
        return _changed(network, "x_pu", branch, float(network.branches.x_pu[branch]) * 1.05)

    return _solved_elsewhere(draft, rng, ignored, tapped if len(tapped) else None)


def two_loads(draft: Draft, rng: np.random.Generator) -> tuple[int, int]:
    """Two buses with different loads."""
    buses, base = draft.load_buses(), draft.network.buses.pd0_mw
    while True:
        first, second = map(int, rng.choice(buses, 2, replace=False))
        if abs(base[first] - base[second]) > 0.1 * max(base[first], base[second]):
            return first, second


def _solved_elsewhere(
    draft: Draft,
    rng: np.random.Generator,
    change: Callable[[Network, int], Network],
    branches: np.ndarray[tuple[int], np.dtype[np.intp]] | None = None,
) -> Draft:
    """The same inputs solved on a network with one branch changed; another branch when that has no solution."""
    candidates = np.arange(draft.network.n_branches) if branches is None else branches
    for branch in rng.permutation(candidates)[:_TRIES]:
        try:
            return draft.solved(*draft.inputs(), network=change(draft.network, int(branch)))
        except NotConvergedError:
            continue
    raise NotConvergedError(draft.subject.case, range(draft.subject.n_steps), draft.subject.n_steps)


def _without_branch(network: Network, branch: int) -> Network:
    """A branch out of service; the admittances know what that means, but engines solve branches in service only."""
    opened = _changed(network, "x_pu", branch, 1e9)
    return _changed(opened, "b_pu", branch, 0.0)


def _changed(network: Network, column: str, branch: int, value: float) -> Network:
    values = getattr(network.branches, column).copy()
    values[branch] = value
    return replace(network, branches=replace(network.branches, **{column: values}))


def _scaled_load(draft: Draft, rng: np.random.Generator, factor: float) -> Draft:
    node = draft.node
    node.loc[node["bus"] == rng.choice(draft.load_buses()), "pd_mw"] *= factor
    return draft.with_tables(node=node)


def _scaled_flow(draft: Draft, rng: np.random.Generator, factor: float) -> Draft:
    edge = draft.edge
    usual = edge["pf_mw"].abs().groupby(edge["branch"]).mean()
    edge.loc[edge["branch"] == rng.choice(usual.index[usual > _LOADED_MW]), "pf_mw"] *= factor
    return draft.with_tables(edge=edge)


def _in_order(frame: pd.DataFrame, position: str) -> pd.DataFrame:
    return frame.sort_values(["step", position], ignore_index=True)


def _one_newton_step(network: Network, power: Complex) -> Complex:
    """Voltages after one step of Newton's method from a flat start, [T, N]."""
    matrix = physics.admittance_matrix(network)
    held = np.where(np.isnan(network.vset_pu), 1.0, network.vset_pu)
    flat = held * np.exp(1j * np.deg2rad(network.slack_angle_deg))
    current, direction = matrix @ flat, flat / held
    by_angle = 1j * flat[:, None] * np.conj(np.diag(current) - matrix * flat)
    by_size = flat[:, None] * np.conj(matrix * direction) + np.diag(np.conj(current) * direction)
    free, pq = np.flatnonzero(network.buses.type != REF), np.flatnonzero(network.buses.type == PQ)
    jacobian = np.block(
        [
            [by_angle.real[np.ix_(free, free)], by_size.real[np.ix_(free, pq)]],
            [by_angle.imag[np.ix_(pq, free)], by_size.imag[np.ix_(pq, pq)]],
        ]
    )
    off = flat * np.conj(current) - power
    step = np.linalg.solve(jacobian, np.concatenate([off.real[:, free], off.imag[:, pq]], axis=1).T).T
    angle, size = np.tile(np.angle(flat), (len(power), 1)), np.tile(held, (len(power), 1))
    angle[:, free] -= step[:, : len(free)]
    size[:, pq] -= step[:, len(free) :]
    return np.asarray(size * np.exp(1j * angle))

"""The equations of the network: flows and injections that follow from voltages.

Every function is elementwise over steps and gathers over branches, without matrix products: a NaN at one bus reaches
its neighbours only, and no result depends on threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recloser.grid.solution import Flows

if TYPE_CHECKING:
    from recloser.grid.columns import Floats
    from recloser.grid.networks import Network

Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True, eq=False)
class Admittances:
    """The pi model of each branch, per unit, [E], and the shunt of each bus, [N]; the tap is on the from side."""

    ff: Complex
    ft: Complex
    tf: Complex
    tt: Complex
    shunt: Complex


@lru_cache(maxsize=16)
def admittances(network: Network) -> Admittances:
    """The admittances of a network; a branch out of service has none."""
    branches = network.branches
    series = branches.in_service / (branches.r_pu + 1j * branches.x_pu)
    charging = branches.in_service * 0.5j * branches.b_pu
    tap = branches.tap * np.exp(1j * np.deg2rad(branches.shift_deg))
    parts = (
        (series + charging) / np.abs(tap) ** 2,
        -series / np.conj(tap),
        -series / tap,
        series + charging,
        (network.buses.gs_mw + 1j * network.buses.bs_mvar) / network.base_mva,
    )
    return Admittances(*(np.asarray(part, dtype=np.complex128) for part in parts))


def admittance_matrix(network: Network) -> Complex:
    """The dense bus admittance matrix Y, per unit, [N, N]."""
    parts = admittances(network)
    start, end = network.branches.from_bus, network.branches.to_bus
    matrix = np.diag(parts.shunt)
    for rows, columns, values in (
        (start, start, parts.ff),
        (start, end, parts.ft),
        (end, start, parts.tf),
        (end, end, parts.tt),
    ):
        np.add.at(matrix, (rows, columns), values)
    return matrix


def phasors(vm_pu: Floats, va_deg: Floats) -> Complex:
    """Complex voltages, per unit, from magnitudes and angles of any one shape."""
    angle = np.deg2rad(va_deg)
    voltage = np.empty(np.broadcast(vm_pu, angle).shape, dtype=np.complex128)
    voltage.real = vm_pu * np.cos(angle)
    voltage.imag = vm_pu * np.sin(angle)
    return voltage


def branch_flows(network: Network, voltage: Complex) -> Flows:
    """Power into each branch at both ends, [T, E], from complex voltages, [T, N]."""
    parts = admittances(network)
    start, end = voltage[:, network.branches.from_bus], voltage[:, network.branches.to_bus]
    into_start = start * np.conj(parts.ff * start + parts.ft * end) * network.base_mva
    into_end = end * np.conj(parts.tf * start + parts.tt * end) * network.base_mva
    return Flows(pf_mw=into_start.real, qf_mvar=into_start.imag, pt_mw=into_end.real, qt_mvar=into_end.imag)


def shunt_powers(network: Network, vm_pu: Floats) -> tuple[Floats, Floats]:
    """What the shunt of each bus draws, MW and Mvar, [T, N]; a capacitor draws less than 0 Mvar."""
    squared = vm_pu**2
    return network.buses.gs_mw * squared, -network.buses.bs_mvar * squared


def sum_at_buses(network: Network, at_from: Floats, at_to: Floats) -> Floats:
    """For each bus, [T, N], the sum over its branches' ends of what is given per branch, [T, E]."""
    order, firsts, buses = _ends_by_bus(network)
    ends = np.concatenate([at_from, at_to], axis=1)[:, order]
    total = np.zeros((len(ends), network.n_buses))
    total[:, buses] = np.add.reduceat(ends, firsts, axis=1)
    return total


def bus_injections(network: Network, vm_pu: Floats, flows: Flows) -> tuple[Floats, Floats]:
    """Net power each bus puts in, MW and Mvar, [T, N]: what leaves by its branches plus what its shunt draws."""
    p_shunt, q_shunt = shunt_powers(network, vm_pu)
    p_mw = sum_at_buses(network, flows.pf_mw, flows.pt_mw) + p_shunt
    q_mvar = sum_at_buses(network, flows.qf_mvar, flows.qt_mvar) + q_shunt
    return p_mw, q_mvar


def loading_pct(network: Network, flows: Flows) -> Floats:
    """The larger apparent power of both ends of each branch as a share of its rating, percent, [T, E]."""
    at_from = np.hypot(flows.pf_mw, flows.qf_mvar)
    at_to = np.hypot(flows.pt_mw, flows.qt_mvar)
    return np.asarray(100 * np.maximum(at_from, at_to) / network.branches.rate_mva)


@lru_cache(maxsize=16)
def _ends_by_bus(network: Network) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
    bus_of_end = np.concatenate([network.branches.from_bus, network.branches.to_bus])
    order = np.argsort(bus_of_end, kind="stable")
    buses, firsts = np.unique(bus_of_end[order], return_index=True)
    return order, firsts, buses

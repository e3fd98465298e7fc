"""The power flow by lightsim2grid, from our own tables.

Its traps, as met in version 1.2: a step without solution is reported by a mask and nothing else; results come lines
first, then transformers; the slack's angle is taken from the start point alone; the tolerance is in MVA.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from recloser.grid.errors import EngineMissingError, NotConvergedError
from recloser.grid.request import LEVEL
from recloser.grid.solution import Flows, Solution

if TYPE_CHECKING:
    from recloser.grid.loads import Injections
    from recloser.grid.networks import Network

_FREE_LIMIT_MVA = 9900.0
_SLOT_MW = 1e-9  # a bus without load gets no slot for one, and what a step draws there would be lost


class LightSim2Grid:
    """One network in lightsim2grid; its steps are solved independently of each other."""

    name = "lightsim2grid"
    tolerance_mva = 1e-9
    max_iterations = 20

    def __init__(self, network: Network) -> None:
        """Build the network from its tables.

        Raises:
            EngineMissingError: There is no lightsim2grid for this machine.
        """
        try:
            from lightsim2grid.injectionSweep import InjectionSweepCPP  # noqa: PLC0415 - has no wheel on some machines
            from lightsim2grid.network import init_from_matpower  # noqa: PLC0415
        except ImportError as error:
            raise EngineMissingError("lightsim2grid is not installed; use the engine chord-newton.") from error
        self.version = version("lightsim2grid")
        self._network = network
        self._grid = init_from_matpower(matpower_tables(network))
        self._sweep = InjectionSweepCPP(self._grid)
        self._sweep.compute_gen_results = True
        self._sweep.init_from_n_powerflow = True
        self._start = _start_voltage(network)
        is_line = _tap_column(network) == 0
        self._branch_order = np.concatenate([np.flatnonzero(is_line), np.flatnonzero(~is_line)])

    def solve(self, injections: Injections) -> Solution:
        """Solve every step.

        Args:
            injections: The inputs of the steps.

        Raises:
            NotConvergedError: Some steps have no solution; it names them.
        """
        sweep, units = self._sweep, self._network.generators
        sweep.clear()
        sweep.modify_gen_p(np.ascontiguousarray(injections.pg_mw[:, units.bus]))
        sweep.modify_load_p(injections.pd_mw)
        sweep.modify_load_q(injections.qd_mvar)
        sweep.compute(self._start, self.max_iterations, self.tolerance_mva)
        self._check_convergence(injections)
        return self._results()

    def _check_convergence(self, injections: Injections) -> None:
        failed = np.flatnonzero(~np.asarray(self._sweep.converged_mask()))
        if failed.size:
            steps = (injections.first_step + failed).tolist()
            raise NotConvergedError(self._network.name, steps, injections.n_steps)

    def _results(self) -> Solution:
        voltage = np.asarray(self._sweep.get_voltages())
        by_kind = np.asarray(self._sweep.compute_branch_results())
        flows = np.empty((4, *by_kind.shape[:2]))
        flows[:, :, self._branch_order] = by_kind.transpose(2, 0, 1)
        produced = np.zeros((2, *voltage.shape))
        produced[:, :, self._network.generators.bus] = np.asarray(self._sweep.get_gen_results()).transpose(2, 0, 1)
        return Solution(
            vm_pu=np.abs(voltage),
            va_deg=np.angle(voltage, deg=True),
            pg_mw=produced[0],
            qg_mvar=produced[1],
            flows=Flows(*flows),
        )


def matpower_tables(network: Network) -> dict[str, Any]:
    """The network as MATPOWER's matrices; buses count from 1 there, and no tap is written as 0.

    Every step starts from the solution of these loads, so they are the usual ones: an iteration less in three steps.
    """
    buses, branches, units = network.buses, network.branches, network.generators
    n_branches, n_units = network.n_branches, network.n_generators
    kilovolts = np.where(buses.vn_kv > 0, buses.vn_kv, 1.0)
    base_load_mw = np.where(buses.pd0_mw == 0, _SLOT_MW, LEVEL * buses.pd0_mw)
    bus = [
        buses.bus + 1, buses.type, base_load_mw, LEVEL * buses.qd0_mvar, buses.gs_mw, buses.bs_mvar, buses.area,
        buses.vm0_pu, buses.va0_deg, kilovolts, buses.zone, buses.vmax_pu, buses.vmin_pu,
    ]  # fmt: skip
    unit = [
        units.bus + 1, LEVEL * units.pg0_mw, units.qg0_mvar, units.qmax_mvar, units.qmin_mvar, units.vset_pu,
        np.full(n_units, network.base_mva), units.in_service, units.pmax_mw, units.pmin_mw,
    ]  # fmt: skip
    unlimited = np.full(n_branches, _FREE_LIMIT_MVA)
    branch = [
        branches.from_bus + 1, branches.to_bus + 1, branches.r_pu, branches.x_pu, branches.b_pu,
        branches.rate_source_mva, unlimited, unlimited, _tap_column(network), branches.shift_deg, branches.in_service,
        np.full(n_branches, -360.0), np.full(n_branches, 360.0),
    ]  # fmt: skip
    return {
        "version": "2",
        "baseMVA": network.base_mva,
        "bus": np.column_stack(bus).astype(np.float64),
        "gen": np.column_stack(unit).astype(np.float64),
        "branch": np.column_stack(branch).astype(np.float64),
    }


def _tap_column(network: Network) -> Any:
    branches = network.branches
    return np.where((branches.tap == 1.0) & (branches.shift_deg == 0.0), 0.0, branches.tap)


def _start_voltage(network: Network) -> Any:
    held = np.where(np.isnan(network.vset_pu), 1.0, network.vset_pu)
    angle = np.deg2rad(network.slack_angle_deg)
    return (held * np.exp(1j * angle)).astype(np.complex128)

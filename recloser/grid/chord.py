"""The power flow in numpy alone, where lightsim2grid has no wheel, and as a second opinion elsewhere.

All steps go at once, each correction by one inverted Jacobian of the base case (a chord Newton method); the few steps
that converge slowly or not at all are taken by a full Newton method of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recloser.grid import physics
from recloser.grid.errors import NotConvergedError
from recloser.grid.networks import PQ, REF
from recloser.grid.solution import Solution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recloser.grid.columns import Floats
    from recloser.grid.loads import Injections
    from recloser.grid.networks import Network
    from recloser.grid.physics import Complex

_CHORD_ITERATIONS = 20


class ChordNewton:
    """One network and the inverse of its Jacobian at the base case."""

    name = "chord-newton"
    version = np.__version__
    tolerance_mva = 1e-8
    max_iterations = 40

    def __init__(self, network: Network) -> None:
        """Solve the base case, and keep its voltages and the inverse of its Jacobian.

        Raises:
            NotConvergedError: The base case has no solution.
        """
        self._network = network
        self._matrix = physics.admittance_matrix(network)
        self._transposed = np.ascontiguousarray(self._matrix.T)
        self._angles = np.flatnonzero(network.buses.type != REF)
        self._magnitudes = np.flatnonzero(network.buses.type == PQ)
        self._tolerance_pu = self.tolerance_mva / network.base_mva
        held = np.where(np.isnan(network.vset_pu), 1.0, network.vset_pu)
        flat = held * np.exp(1j * np.deg2rad(network.slack_angle_deg))
        voltage, converged = self._newton(flat[None, :], self._base_power()[None, :])
        if not converged:
            raise NotConvergedError(network.name, [0], 1)
        self._start = voltage[0]
        self._inverse = np.linalg.inv(self._jacobian(self._start)).T.copy()

    def solve(self, injections: Injections) -> Solution:
        """Solve every step.

        Args:
            injections: The inputs of the steps.

        Raises:
            NotConvergedError: Some steps have no solution; it names them.
        """
        power = injections.pg_mw - injections.pd_mw - 1j * injections.qd_mvar
        power /= self._network.base_mva
        with np.errstate(over="ignore", invalid="ignore"):  # a step that diverges does so without limit, and is named
            voltage, slow = self._chord(power)
            failed = self._take_slowly(voltage, power, np.flatnonzero(slow))
        if failed:
            steps = [injections.first_step + step for step in failed]
            raise NotConvergedError(self._network.name, steps, injections.n_steps)
        return self._results(voltage, injections)

    def _take_slowly(self, voltage: Complex, power: Complex, steps: NDArray[np.intp]) -> list[int]:
        """Solve some steps one by one, in place; the ones that have no solution are returned."""
        failed = []
        for step in steps.tolist():
            voltage[step], converged = self._newton(self._start[None, :], power[step : step + 1])
            if not converged:
                failed.append(step)
        return failed

    def _chord(self, power: Complex) -> tuple[Complex, NDArray[np.bool_]]:
        voltage = np.tile(self._start, (len(power), 1))
        magnitude, angle = np.abs(voltage), np.angle(voltage)
        for _ in range(_CHORD_ITERATIONS):
            mismatch = self._mismatch(voltage, power)
            slow = ~(np.abs(mismatch).max(axis=1) <= self._tolerance_pu)
            if not slow.any():
                break
            self._correct(magnitude, angle, mismatch @ self._inverse)
            voltage = magnitude * np.exp(1j * angle)
        return voltage, slow

    def _newton(self, start: Complex, power: Complex) -> tuple[Complex, bool]:
        voltage = start
        magnitude, angle = np.abs(voltage), np.angle(voltage)
        for _ in range(self.max_iterations):
            mismatch = self._mismatch(voltage, power)
            if np.abs(mismatch).max() <= self._tolerance_pu:
                return voltage, True
            if not np.isfinite(mismatch).all():
                break
            try:
                step = np.linalg.solve(self._jacobian(voltage[0]), mismatch[0])
            except np.linalg.LinAlgError:
                break
            self._correct(magnitude, angle, step[None, :])
            voltage = magnitude * np.exp(1j * angle)
        return voltage, False

    def _correct(self, magnitude: Floats, angle: Floats, step: Floats) -> None:
        n_angles = len(self._angles)
        angle[:, self._angles] -= step[:, :n_angles]
        magnitude[:, self._magnitudes] -= step[:, n_angles:]

    def _mismatch(self, voltage: Complex, power: Complex) -> Floats:
        excess = voltage * np.conj(voltage @ self._transposed) - power
        return np.concatenate([excess.real[:, self._angles], excess.imag[:, self._magnitudes]], axis=1)

    def _jacobian(self, voltage: Complex) -> Floats:
        """Derivatives of the mismatch at one step by the free angles and magnitudes."""
        current = self._matrix @ voltage
        direction = voltage / np.abs(voltage)
        by_angle = 1j * voltage[:, None] * np.conj(np.diag(current) - self._matrix * voltage)
        by_magnitude = voltage[:, None] * np.conj(self._matrix * direction) + np.diag(np.conj(current) * direction)
        angles, magnitudes = self._angles, self._magnitudes
        return np.block(
            [
                [by_angle.real[np.ix_(angles, angles)], by_magnitude.real[np.ix_(angles, magnitudes)]],
                [by_angle.imag[np.ix_(magnitudes, angles)], by_magnitude.imag[np.ix_(magnitudes, magnitudes)]],
            ]
        )

    def _base_power(self) -> Complex:
        buses, units = self._network.buses, self._network.generators
        power = -(buses.pd0_mw + 1j * buses.qd0_mvar)
        power[units.bus] += units.pg0_mw
        return np.asarray(power / self._network.base_mva)

    def _results(self, voltage: Complex, injections: Injections) -> Solution:
        network = self._network
        vm_pu = np.abs(voltage)
        flows = physics.branch_flows(network, voltage)
        p_mw, q_mvar = physics.bus_injections(network, vm_pu, flows)
        pg_mw, qg_mvar = injections.pg_mw, np.zeros_like(q_mvar)
        slack, units = network.slack_bus, network.generators.bus
        pg_mw[:, slack] = p_mw[:, slack] + injections.pd_mw[:, slack]
        qg_mvar[:, units] = q_mvar[:, units] + injections.qd_mvar[:, units]
        return Solution(vm_pu=vm_pu, va_deg=np.angle(voltage, deg=True), pg_mw=pg_mw, qg_mvar=qg_mvar, flows=flows)

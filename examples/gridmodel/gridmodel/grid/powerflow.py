"""AC power flow of many load steps at once: Newton's method with one Jacobian for all of them (a chord).

The Jacobian is that of the base case. The few steps it does not carry to the solution get a Newton iteration of
their own. Reactive limits of units are not enforced.
"""

import functools
from dataclasses import dataclass

import numpy as np

from gridmodel.grid.network import BASE_MVA, PQ, SLACK, admittances

TOLERANCE_PU = 1e-10
CHORD_ITERATIONS = 20
NEWTON_ITERATIONS = 15
CHUNK_STEPS = 2000  # keeps the working set of 118 buses below 100 MB


class DivergedError(Exception):
    """No solution was found for some steps; the message names them."""


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Steps x buses, or steps x branches; power into the branch at its from (f) and to (t) end."""

    vm_pu: np.ndarray
    va_deg: np.ndarray
    p_mw: np.ndarray
    q_mvar: np.ndarray
    pf_mw: np.ndarray
    qf_mvar: np.ndarray
    pt_mw: np.ndarray
    qt_mvar: np.ndarray
    iterations: int


def solve(network, p_mw, q_mvar):
    """Voltages, flows and the injections they need.

    Args:
        network: Gives admittances, set-points and the slack's angle.
        p_mw: Net injection, steps x buses; the slack's is a result and not read.
        q_mvar: The same; read at PQ buses only.

    Raises:
        DivergedError: Some step has no solution within the tolerance.
    """
    problem = _problem(network)
    wanted = (p_mw + 1j * q_mvar) / BASE_MVA
    chunks = [problem.solve(wanted[at : at + CHUNK_STEPS], at) for at in range(0, len(wanted), CHUNK_STEPS)]
    voltage = np.concatenate([chunk for chunk, _ in chunks])
    return _solution(network, problem.admittances, voltage, max(iterations for _, iterations in chunks))


def _solution(network, grid, voltage, iterations):
    start, end = network.ends
    injected = BASE_MVA * voltage * (voltage @ grid.bus.T).conj()
    at_from = BASE_MVA * voltage[:, start] * (voltage @ grid.from_end.T).conj()
    at_to = BASE_MVA * voltage[:, end] * (voltage @ grid.to_end.T).conj()
    return Solution(
        vm_pu=np.abs(voltage),
        va_deg=np.degrees(np.angle(voltage)),
        p_mw=injected.real,
        q_mvar=injected.imag,
        pf_mw=at_from.real,
        qf_mvar=at_from.imag,
        pt_mw=at_to.real,
        qt_mvar=at_to.imag,
        iterations=iterations,
    )


@functools.lru_cache(maxsize=8)
def _problem(network):
    return _Problem(network)


class _Problem:
    """What all steps of a network share: its matrices, its set-points, which values are unknown, where to start."""

    def __init__(self, network):
        kind = network.buses["type"].to_numpy()
        self.admittances = admittances(network)
        self.angles = np.flatnonzero(kind != SLACK)
        self.magnitudes = np.flatnonzero(kind == PQ)
        self.start = self._base_case(network)
        self.inverse = np.linalg.inv(self._jacobian(self.start)).T

    def _base_case(self, network):
        buses, units = network.buses, network.generators
        magnitude = np.ones(network.n_buses)
        magnitude[units["bus"].to_numpy()] = units["vset_pu"].to_numpy()
        angle = np.full(network.n_buses, np.radians(buses["va0_deg"].to_numpy()[network.slack]))
        wanted = -(buses["pd0_mw"].to_numpy() + 1j * buses["qd0_mvar"].to_numpy())
        np.add.at(wanted, units["bus"].to_numpy(), units["pg0_mw"].to_numpy())
        voltage = self._newton(magnitude * np.exp(1j * angle), wanted / BASE_MVA)
        if voltage is None:
            raise DivergedError(f"the base case of {network.name} has no power flow")
        return voltage

    def solve(self, wanted, first_step):
        """Voltages of all steps, and how many iterations they took."""
        magnitude = np.tile(np.abs(self.start), (len(wanted), 1))
        angle = np.tile(np.angle(self.start), (len(wanted), 1))
        with np.errstate(all="ignore"):  # a step that runs away is taken up below
            for iteration in range(1, CHORD_ITERATIONS + 1):
                voltage = magnitude * np.exp(1j * angle)
                error = self._mismatch(voltage, wanted)
                if np.abs(error).max() <= TOLERANCE_PU:
                    return voltage, iteration
                change = error @ self.inverse
                angle[:, self.angles] -= change[:, : len(self.angles)]
                magnitude[:, self.magnitudes] -= change[:, len(self.angles) :]
        return self._one_by_one(voltage, error, wanted, first_step), CHORD_ITERATIONS

    def _one_by_one(self, voltage, error, wanted, first_step):
        lost = []
        for step in np.flatnonzero(~(np.abs(error).max(axis=1) <= TOLERANCE_PU)):
            solved = self._newton(self.start, wanted[step])
            if solved is None:
                lost.append(first_step + int(step))
            else:
                voltage[step] = solved
        if lost:
            raise DivergedError(f"no power flow at {len(lost)} steps, the first of them {lost[:5]}")
        return voltage

    def _newton(self, voltage, wanted):
        with np.errstate(all="ignore"):
            for _ in range(NEWTON_ITERATIONS):
                error = self._mismatch(voltage[None], wanted[None])[0]
                if not np.isfinite(error).all():
                    return None
                if np.abs(error).max() <= TOLERANCE_PU:
                    return voltage
                change = np.linalg.solve(self._jacobian(voltage), error)
                magnitude, angle = np.abs(voltage), np.angle(voltage)
                angle[self.angles] -= change[: len(self.angles)]
                magnitude[self.magnitudes] -= change[len(self.angles) :]
                voltage = magnitude * np.exp(1j * angle)
        return None

    def _mismatch(self, voltage, wanted):
        error = voltage * (voltage @ self.admittances.bus.T).conj() - wanted
        return np.concatenate([error.real[:, self.angles], error.imag[:, self.magnitudes]], axis=1)

    def _jacobian(self, voltage):
        """Derivatives of the mismatch with respect to the unknown angles and magnitudes."""
        bus, unit = self.admittances.bus, voltage / np.abs(voltage)
        current = bus @ voltage
        by_angle = 1j * voltage[:, None] * (np.diag(current) - bus * voltage).conj()
        by_magnitude = voltage[:, None] * (bus * unit).conj() + np.diag(current.conj() * unit)
        p, q = self.angles, self.magnitudes
        return np.block(
            [
                [by_angle.real[np.ix_(p, p)], by_magnitude.real[np.ix_(p, q)]],
                [by_angle.imag[np.ix_(q, p)], by_magnitude.imag[np.ix_(q, q)]],
            ]
        )

"""What a power flow gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from recloser.grid.columns import Floats
    from recloser.grid.loads import Injections


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """Power into each branch at its from and its to end, MW and Mvar, each of shape [T, E]."""

    pf_mw: Floats
    qf_mvar: Floats
    pt_mw: Floats
    qt_mvar: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The state of the network at each step: buses of shape [T, N], branches of shape [T, E].

    `pg_mw` and `qg_mvar` are what the unit of a bus produces, 0 where there is none.
    """

    vm_pu: Floats
    va_deg: Floats
    pg_mw: Floats
    qg_mvar: Floats
    flows: Flows


class Engine(Protocol):
    """Solves the AC power flow of one network, many steps at a time, without reactive limits."""

    @property
    def name(self) -> str:
        """What it is called in a manifest."""

    @property
    def version(self) -> str:
        """Version of the library that solves."""

    @property
    def tolerance_mva(self) -> float:
        """Largest power mismatch of a converged step, MVA."""

    @property
    def max_iterations(self) -> int:
        """Iterations after which a step has not converged."""

    def solve(self, injections: Injections) -> Solution:
        """Solve every step, or raise `NotConvergedError` with the steps that have no solution."""

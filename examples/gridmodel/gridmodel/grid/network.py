"""The three IEEE networks, as the CSVs in `data/ieee` give them; its README names their columns and origin.

Buses, branches and units are positions in their tables from here on.
"""

import functools
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).parents[2] / "data" / "ieee"
BASE_MVA = 100.0
CASES = {14: "case14", 30: "case30", 118: "case118"}
SLACK, PV, PQ = 3, 2, 1


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """One grid: three tables and the name they go by."""

    name: str
    buses: pd.DataFrame
    branches: pd.DataFrame
    generators: pd.DataFrame

    @property
    def n_buses(self):
        return len(self.buses)

    @property
    def slack(self):
        """Position of the bus whose angle is given."""
        return int(np.flatnonzero(self.buses["type"] == SLACK)[0])

    @property
    def ends(self):
        """Positions of the from and the to buses of all branches."""
        return self.branches["from_bus"].to_numpy(), self.branches["to_bus"].to_numpy()

    def sha256(self):
        """The content hash that `data/ieee/README.md` defines and registers."""
        digest = hashlib.sha256(np.array([BASE_MVA], dtype="<f8").tobytes())
        for table in (self.buses, self.branches, self.generators):
            # Adding 0.0 turns -0.0 into 0.0.
            digest.update(np.ascontiguousarray(table.to_numpy(dtype="<f8") + 0.0).tobytes())
        return digest.hexdigest()

    def without_charging(self):
        """The same network with the charging of one line lost: the strongest whose loss moves a free voltage."""
        charging = self.branches["b_pu"].copy()
        free = np.isin(self.ends, np.flatnonzero(self.buses["type"] == PQ)).any(axis=0)
        charging[charging.where(free).idxmax()] = 0.0
        return replace(self, branches=self.branches.assign(b_pu=charging))


@functools.cache
def load(n_buses):
    """The network with this many buses: 14, 30 or 118."""
    name = CASES[n_buses]
    tables = (
        pd.read_csv(DATA / name / f"{table}.csv", float_precision="round_trip")
        for table in ("buses", "branches", "generators")
    )
    return Network(name, *tables)


@dataclass(frozen=True, slots=True, eq=False)
class Admittances:
    """The linear relations between voltages and currents, in per unit.

    `bus` is N x N; `from_end` and `to_end` are E x N: the current into each branch at that end.
    """

    bus: np.ndarray
    from_end: np.ndarray
    to_end: np.ndarray


def admittances(network):
    """Branches as pi models, half of the charging at each end, the tap on the from side; shunts at their buses."""
    branches, (start, end) = network.branches, network.ends
    series = branches["in_service"].to_numpy() / (branches["r_pu"].to_numpy() + 1j * branches["x_pu"].to_numpy())
    own = series + 0.5j * branches["b_pu"].to_numpy() * branches["in_service"].to_numpy()
    tap = branches["tap"].to_numpy() * np.exp(1j * np.radians(branches["shift_deg"].to_numpy()))
    rows = np.arange(len(branches))
    from_end = np.zeros((len(branches), network.n_buses), dtype=complex)
    to_end = np.zeros_like(from_end)
    from_end[rows, start], from_end[rows, end] = own / abs(tap) ** 2, -series / tap.conj()
    to_end[rows, start], to_end[rows, end] = -series / tap, own
    bus = np.diag((network.buses["gs_mw"].to_numpy() + 1j * network.buses["bs_mvar"].to_numpy()) / BASE_MVA)
    np.add.at(bus, start, from_end)
    np.add.at(bus, end, to_end)
    return Admittances(bus, from_end, to_end)


@dataclass(frozen=True, slots=True, eq=False)
class Susceptances:
    """The DC approximation, in MW per radian: `flows` is E x N, `buses` N x N.

    A phase shifter pushes `shift_flow_mw` through its branch at equal angles; `fixed_mw` is what leaves each bus
    whatever the angles are, through shunts and shifters.
    """

    flows: np.ndarray
    buses: np.ndarray
    shift_flow_mw: np.ndarray
    fixed_mw: np.ndarray


@functools.cache
def susceptances(n_buses):
    """The DC approximation of the network with this many buses."""
    network = load(n_buses)
    branches, (start, end) = network.branches, network.ends
    rows = np.arange(len(branches))
    incidence = np.zeros((len(branches), network.n_buses))
    incidence[rows, start], incidence[rows, end] = 1.0, -1.0
    strength = BASE_MVA * branches["in_service"].to_numpy() / (branches["x_pu"] * branches["tap"]).to_numpy()
    shift_flow = -strength * np.radians(branches["shift_deg"].to_numpy())
    flows = strength[:, None] * incidence
    fixed = network.buses["gs_mw"].to_numpy() + incidence.T @ shift_flow
    return Susceptances(flows, incidence.T @ flows, shift_flow, fixed)

"""The networks: frozen IEEE tables, loaded from the package and checked against their registered hashes.

`cases/cases.toml` registers them, `cases/README.md` says where they come from, what each column means and under which
licence they are passed on. Nothing here knows load series or power flow.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, fields
from functools import cache, cached_property
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from recloser.grid.columns import Branches, Buses, Floats, Generators, parse_table
from recloser.grid.errors import DamagedTablesError, UnknownCaseError
from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLES = ("buses.csv", "branches.csv", "generators.csv")
PQ, PV, REF = 1, 2, 3


class Registration(Value):
    """What is registered of a network; see the head of `cases.toml`."""

    base_mva: float
    source: str
    network_sha256: str
    files: dict[str, str]


@dataclass(frozen=True, eq=False)
class Network:
    """One network: its tables, as arrays and as the bytes they were read from."""

    name: str
    base_mva: float
    buses: Buses
    branches: Branches
    generators: Generators
    files: Mapping[str, bytes]

    @property
    def n_buses(self) -> int:
        """Number of buses, N."""
        return len(self.buses.bus)

    @property
    def n_branches(self) -> int:
        """Number of branches, E."""
        return len(self.branches.branch)

    @property
    def n_generators(self) -> int:
        """Number of units, G."""
        return len(self.generators.gen)

    @cached_property
    def slack_bus(self) -> int:
        """Position of the bus that takes up the difference of production and consumption."""
        return int(np.flatnonzero(self.buses.type == REF)[0])

    @cached_property
    def slack_unit(self) -> int:
        """Position of the unit on that bus."""
        return int(np.flatnonzero(self.generators.is_slack)[0])

    @property
    def slack_angle_deg(self) -> float:
        """The angle of the slack bus, which all angles count from."""
        return float(self.buses.va0_deg[self.slack_bus])

    @cached_property
    def vset_pu(self) -> Floats:
        """The voltage each bus is held at, [N]; NaN where no unit holds it."""
        held = np.full(self.n_buses, np.nan)
        held[self.generators.bus] = self.generators.vset_pu
        held[self.buses.type == PQ] = np.nan
        return held

    @cached_property
    def network_sha256(self) -> str:
        """The hash of the content, independent of how the CSV is written; `cases/README.md` defines it."""
        digest = hashlib.sha256(np.array([self.base_mva], dtype="<f8").tobytes())
        for table in (self.buses, self.branches, self.generators):
            columns = [getattr(table, field.name).astype("<f8") for field in fields(table)]
            digest.update((np.column_stack(columns) + 0.0).tobytes())  # -0.0 + 0.0 is 0.0
        return digest.hexdigest()


@cache
def registered_cases() -> Mapping[str, Registration]:
    """All registered networks by name, smallest first."""
    text = (_folder() / "cases.toml").read_text(encoding="utf-8")
    return MappingProxyType({name: Registration.model_validate(row) for name, row in tomllib.loads(text).items()})


@cache
def load_network(name: str) -> Network:
    """Load a registered network from the package.

    Args:
        name: `case14`, `case30` or `case118`.

    Raises:
        UnknownCaseError: No network of that name is registered.
        DamagedTablesError: The installed tables are not the registered ones.
    """
    registration = registered_cases().get(name)
    if registration is None:
        raise UnknownCaseError(f"There is no network {name!r}; there are {', '.join(registered_cases())}.")
    files = {table: (_folder() / name / table).read_bytes() for table in TABLES}
    for table, content in files.items():
        if hashlib.sha256(content).hexdigest() != registration.files[table]:
            raise DamagedTablesError(f"{name}/{table} is not the registered one; install Recloser anew.")
    network = parse_network(name, files, base_mva=registration.base_mva)
    if network.network_sha256 != registration.network_sha256:
        raise DamagedTablesError(f"The tables of {name} do not hold the registered network; install Recloser anew.")
    return network


def parse_network(name: str, files: Mapping[str, bytes], *, base_mva: float) -> Network:
    """Read a network from the bytes of its three tables, whether it is registered or not.

    Args:
        name: What to call it.
        files: The content of `buses.csv`, `branches.csv` and `generators.csv`, by these names.
        base_mva: The base of the per-unit system, MVA.

    Raises:
        DamagedTablesError: A table is missing, or is not what `cases/README.md` describes.
    """
    missing = [table for table in TABLES if table not in files]
    if missing:
        raise DamagedTablesError(f"{name}: {missing[0]} is missing; a network has {', '.join(TABLES)}.")
    network = Network(
        name=name,
        base_mva=base_mva,
        buses=parse_table(Buses, f"{name}/buses.csv", files["buses.csv"]),
        branches=parse_table(Branches, f"{name}/branches.csv", files["branches.csv"]),
        generators=parse_table(Generators, f"{name}/generators.csv", files["generators.csv"]),
        files=MappingProxyType(dict(files)),
    )
    _check_references(network)
    return network


def _check_references(network: Network) -> None:
    n_buses = network.n_buses
    ends = np.concatenate([network.branches.from_bus, network.branches.to_bus, network.generators.bus])
    faults = {
        "bus, branch and gen must count 0, 1, 2, …": any(
            not np.array_equal(ids, np.arange(len(ids)))
            for ids in (network.buses.bus, network.branches.branch, network.generators.gen)
        ),
        "a branch or unit names a bus that is not there": bool(((ends < 0) | (ends >= n_buses)).any()),
        "one bus must be of type 3 (REF), and one unit the slack": (network.buses.type == REF).sum() != 1
        or network.generators.is_slack.sum() != 1,
        "at most one unit may be on a bus": len(set(network.generators.bus.tolist())) != network.n_generators,
    }
    for fault, found in faults.items():
        if found:
            raise DamagedTablesError(f"{network.name}: {fault}.")


def _folder() -> resources.abc.Traversable:
    return resources.files("recloser.grid") / "cases"

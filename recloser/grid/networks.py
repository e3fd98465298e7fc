"""The networks: frozen IEEE tables, loaded from the package and checked against their registered hashes.

`cases/cases.toml` registers them, `cases/README.md` says where they come from, what each column means and under which
licence they are passed on. Nothing here knows load series or power flow.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tomllib
from dataclasses import dataclass, fields
from functools import cache, cached_property
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recloser.grid.errors import DamagedTablesError, UnknownCaseError
from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TABLES = ("buses.csv", "branches.csv", "generators.csv")
PQ, PV, REF = 1, 2, 3
_PARSERS: Mapping[str, tuple[Callable[[str], object], type[np.generic]]] = MappingProxyType(
    {
        "Floats": (float, np.float64),
        "Ints": (int, np.int64),
        "Bools": ({"true": True, "false": False}.__getitem__, np.bool_),
    }
)


class Registration(Value):
    """What is registered of a network; see the head of `cases.toml`."""

    base_mva: float
    source: str
    network_sha256: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Buses:
    """The columns of `buses.csv`, each of shape [N]."""

    bus: Ints
    ext_id: Ints
    type: Ints
    vn_kv: Floats
    vmin_pu: Floats
    vmax_pu: Floats
    gs_mw: Floats
    bs_mvar: Floats
    pd0_mw: Floats
    qd0_mvar: Floats
    zone: Ints
    area: Ints
    vm0_pu: Floats
    va0_deg: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """The columns of `branches.csv`, each of shape [E]."""

    branch: Ints
    from_bus: Ints
    to_bus: Ints
    r_pu: Floats
    x_pu: Floats
    b_pu: Floats
    tap: Floats
    shift_deg: Floats
    rate_mva: Floats
    rate_synthetic: Bools
    in_service: Bools
    rate_source_mva: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Generators:
    """The columns of `generators.csv`, each of shape [G]."""

    gen: Ints
    bus: Ints
    pmin_mw: Floats
    pmax_mw: Floats
    qmin_mvar: Floats
    qmax_mvar: Floats
    vset_pu: Floats
    is_slack: Bools
    c2: Floats
    c1: Floats
    c0: Floats
    pg0_mw: Floats
    qg0_mvar: Floats
    in_service: Bools


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
        buses=_parse(Buses, f"{name}/buses.csv", files["buses.csv"]),
        branches=_parse(Branches, f"{name}/branches.csv", files["branches.csv"]),
        generators=_parse(Generators, f"{name}/generators.csv", files["generators.csv"]),
        files=MappingProxyType(dict(files)),
    )
    _check_references(network)
    return network


Table = TypeVar("Table", Buses, Branches, Generators)


def _parse(kind: type[Table], where: str, content: bytes) -> Table:
    columns = {field.name: str(field.type) for field in fields(kind)}
    try:
        header, *rows = csv.reader(io.StringIO(content.decode("ascii")), strict=True)
        if header != list(columns):
            raise DamagedTablesError(f"{where}: its columns must be {','.join(columns)}.")
        by_column = zip(*rows, strict=True)
        arrays = {name: _column(columns[name], cells) for name, cells in zip(columns, by_column, strict=True)}
    except (ValueError, KeyError, csv.Error, OverflowError) as error:
        raise DamagedTablesError(f"{where} cannot be read as a table of a network: {error}") from error
    return kind(**arrays)


def _column(kind: str, cells: tuple[str, ...]) -> NDArray[Any]:
    parse, dtype = _PARSERS[kind]
    column = np.array([parse(cell) for cell in cells], dtype=dtype)
    column.flags.writeable = False
    return column


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

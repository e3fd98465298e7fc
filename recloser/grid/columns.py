"""The three tables of a network as columns, and how they are read; `cases/README.md` says what each column means."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recloser.grid.errors import DamagedTablesError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_PARSERS: Mapping[str, tuple[Callable[[str], object], type[np.generic]]] = MappingProxyType(
    {
        "Floats": (float, np.float64),
        "Ints": (int, np.int64),
        "Bools": ({"true": True, "false": False}.__getitem__, np.bool_),
    }
)


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


Table = TypeVar("Table", Buses, Branches, Generators)


def parse_table(kind: type[Table], where: str, content: bytes) -> Table:
    """Read a table from its bytes.

    Args:
        kind: What its columns are.
        where: What to call it in a message.
        content: ASCII, comma-separated, with exactly these columns.

    Raises:
        DamagedTablesError: It is not such a table.
    """
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

"""The long tables of a dataset: one row per step and bus, per step and branch, per step and unit.

Columns, order and types are the contract; the order of rows is not. Numbers are binary64 and never rounded.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recloser.grid.request import DT_MIN, T0
from recloser.grid.residuals import State
from recloser.grid.solution import Flows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.grid.blocks import Block
    from recloser.grid.columns import Floats
    from recloser.grid.networks import Network

NODE_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "step": "int32",
        "ts": "datetime64[ns, UTC]",
        "bus": "int32",
        "pd_mw": "float64",
        "qd_mvar": "float64",
        "pg_mw": "float64",
        "qg_mvar": "float64",
        "vm_pu": "float64",
        "va_deg": "float64",
    }
)
EDGE_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "step": "int32",
        "branch": "int32",
        "pf_mw": "float64",
        "qf_mvar": "float64",
        "pt_mw": "float64",
        "qt_mvar": "float64",
        "loading_pct": "float64",
    }
)
GEN_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"step": "int32", "gen": "int32", "pg_mw": "float64", "qg_mvar": "float64"}
)
TABLE_COLUMNS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"node": NODE_COLUMNS, "edge": EDGE_COLUMNS, "gen": GEN_COLUMNS}
)
"""Columns of each table, in order, with their pandas types."""

Columns = dict[str, NDArray[Any]]


def node_columns(block: Block) -> Columns:
    """The node table of some steps, T x N rows; `ts` is in nanoseconds of UTC."""
    steps, buses = keys(block.first_step, block.n_steps, block.network.n_buses)
    return {
        "step": steps,
        "ts": timestamps(steps),
        "bus": buses,
        "pd_mw": block.state.pd_mw.ravel(),
        "qd_mvar": block.state.qd_mvar.ravel(),
        "pg_mw": block.state.pg_mw.ravel(),
        "qg_mvar": block.state.qg_mvar.ravel(),
        "vm_pu": block.state.vm_pu.ravel(),
        "va_deg": block.state.va_deg.ravel(),
    }


def edge_columns(block: Block) -> Columns:
    """The edge table of some steps, T x E rows."""
    steps, branches = keys(block.first_step, block.n_steps, block.network.n_branches)
    flows = block.state.flows
    return {
        "step": steps,
        "branch": branches,
        "pf_mw": flows.pf_mw.ravel(),
        "qf_mvar": flows.qf_mvar.ravel(),
        "pt_mw": flows.pt_mw.ravel(),
        "qt_mvar": flows.qt_mvar.ravel(),
        "loading_pct": block.loading_pct.ravel(),
    }


def gen_columns(block: Block) -> Columns:
    """The table of units of some steps, T x G rows."""
    steps, units = keys(block.first_step, block.n_steps, block.network.n_generators)
    at = block.network.generators.bus
    return {
        "step": steps,
        "gen": units,
        "pg_mw": block.state.pg_mw[:, at].ravel(),
        "qg_mvar": block.state.qg_mvar[:, at].ravel(),
    }


def to_frame(columns: Columns) -> pd.DataFrame:
    """A table as pandas knows it, its timestamps in UTC."""
    frame = pd.DataFrame(columns)
    if "ts" in columns:
        frame["ts"] = frame["ts"].dt.tz_localize("UTC")
    return frame


def to_state(node: pd.DataFrame, edge: pd.DataFrame, network: Network) -> State:
    """The tables as arrays, [T, N] and [T, E], without looking at their keys.

    Args:
        node: Node rows, whole steps, in the order of step and bus.
        edge: Edge rows of the same steps, in the order of step and branch.
        network: Gives the number of buses and branches.
    """
    flows = {name: _cube(edge, name, network.n_branches) for name in ("pf_mw", "qf_mvar", "pt_mw", "qt_mvar")}
    at_buses = ("pd_mw", "qd_mvar", "pg_mw", "qg_mvar", "vm_pu", "va_deg")
    return State(flows=Flows(**flows), **{name: _cube(node, name, network.n_buses) for name in at_buses})


def timestamps(steps: NDArray[Any]) -> NDArray[np.datetime64]:
    """When each step is, in UTC, as naive nanoseconds."""
    start = np.datetime64(T0.removesuffix("Z"), "ns")
    return np.asarray(start + steps * np.timedelta64(DT_MIN * 60 * 10**9, "ns"))


def keys(first_step: int, n_steps: int, width: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The step and the position of each row, in the order we write them."""
    steps = np.arange(first_step, first_step + n_steps, dtype=np.int32)
    return np.repeat(steps, width), np.tile(np.arange(width, dtype=np.int32), n_steps)


def _cube(frame: pd.DataFrame, name: str, width: int) -> Floats:
    return frame[name].to_numpy(dtype=np.float64).reshape(-1, width)

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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.grid.blocks import Block

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
    steps, buses = _keys(block, block.network.n_buses)
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
    steps, branches = _keys(block, block.network.n_branches)
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
    steps, units = _keys(block, block.network.n_generators)
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


def timestamps(steps: NDArray[Any]) -> NDArray[np.datetime64]:
    """When each step is, in UTC, as naive nanoseconds."""
    start = np.datetime64(T0.removesuffix("Z"), "ns")
    return np.asarray(start + steps * np.timedelta64(DT_MIN * 60 * 10**9, "ns"))


def _keys(block: Block, width: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    steps = np.arange(block.first_step, block.first_step + block.n_steps, dtype=np.int32)
    return np.repeat(steps, width), np.tile(np.arange(width, dtype=np.int32), block.n_steps)

"""Faults of the tables themselves: rows, columns, types, keys, times (C01 to C17), and lost digits (C44, C45)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from recloser.validation.corruption.draft import Draft

_STEP = pd.Timedelta(minutes=15)


def one_nan(draft: Draft, rng: np.random.Generator) -> Draft:
    """One NaN in pd."""
    return _with_cells(draft, "pd_mw", rng.choice(len(draft.node), 1), np.nan)


def some_nans(draft: Draft, rng: np.random.Generator) -> Draft:
    """1 % NaN in vm."""
    node = draft.node
    return _with_cells(draft, "vm_pu", rng.choice(len(node), max(1, len(node) // 100), replace=False), np.nan)


def one_infinity(draft: Draft, rng: np.random.Generator) -> Draft:
    """One +inf in pf."""
    edge = draft.edge
    edge.loc[rng.choice(len(edge)), "pf_mw"] = np.inf
    return draft.with_tables(edge=edge)


def bus_missing(draft: Draft, rng: np.random.Generator) -> Draft:
    """A bus missing."""
    node = draft.node
    return draft.with_tables(node=node[node["bus"] != rng.integers(draft.network.n_buses)].reset_index(drop=True))


def row_dropped(draft: Draft, rng: np.random.Generator) -> Draft:
    """One row dropped."""
    node = draft.node
    return draft.with_tables(node=node.drop(index=int(rng.choice(len(node)))).reset_index(drop=True))


def end_cut(draft: Draft, rng: np.random.Generator) -> Draft:
    """Last 2 % of node rows cut."""
    del rng
    node = draft.node
    return draft.with_tables(node=node[: len(node) - max(1, len(node) // 50)])


def step_duplicated(draft: Draft, rng: np.random.Generator) -> Draft:
    """A step duplicated."""
    node = draft.node
    again = node[node["step"] == rng.integers(draft.subject.n_steps)]
    return draft.with_tables(node=pd.concat([node, again], ignore_index=True))


def step_overwritten(draft: Draft, rng: np.random.Generator) -> Draft:
    """A step overwritten by its predecessor."""
    step = int(rng.integers(1, draft.subject.n_steps))
    node, edge = draft.node, draft.edge
    for frame, kept in ((node, ["step", "ts", "bus"]), (edge, ["step", "branch"])):
        values = [name for name in frame if name not in kept]
        before = frame.loc[frame["step"] == step - 1, values].to_numpy()
        frame.loc[frame["step"] == step, values] = before
    return draft.with_tables(node=node, edge=edge)


def column_renamed(draft: Draft, rng: np.random.Generator) -> Draft:
    """vm_pu renamed."""
    del rng
    return draft.with_tables(node=draft.node.rename(columns={"vm_pu": "v_mag"}))


def columns_reordered(draft: Draft, rng: np.random.Generator) -> Draft:
    """Columns reordered."""
    node = draft.node
    names = list(node.columns)
    while names == list(node.columns):
        rng.shuffle(names)
    return draft.with_tables(node=node[names])


def numbers_as_text(draft: Draft, rng: np.random.Generator) -> Draft:
    """Numbers as text."""
    del rng
    return draft.with_tables(node=draft.node.astype({"pd_mw": str}))


def single_precision(draft: Draft, rng: np.random.Generator) -> Draft:
    """float32 storage."""
    del rng
    return draft.with_tables(node=_narrowed(draft.node), edge=_narrowed(draft.edge))


def ids_from_one(draft: Draft, rng: np.random.Generator) -> Draft:
    """Bus ids 1-based."""
    del rng
    node = draft.node
    return draft.with_tables(node=node.assign(bus=(node["bus"] + 1).astype("int32")))


def no_edges(draft: Draft, rng: np.random.Generator) -> Draft:
    """Empty edge table."""
    del rng
    return draft.with_tables(edge=draft.edge[:0])


def rows_shuffled(draft: Draft, rng: np.random.Generator) -> Draft:
    """Control: rows shuffled."""
    return draft.with_tables(
        node=draft.node.iloc[rng.permutation(len(draft.node))].reset_index(drop=True),
        edge=draft.edge.iloc[rng.permutation(len(draft.edge))].reset_index(drop=True),
    )


def times_shuffled(draft: Draft, rng: np.random.Generator) -> Draft:
    """Timestamps shuffled between steps."""
    node = draft.node
    times = node.drop_duplicates("step").set_index("step")["ts"]
    mixed = dict(zip(times.index, times.iloc[rng.permutation(len(times))], strict=True))
    return draft.with_tables(node=node.assign(ts=node["step"].map(mixed).astype(node["ts"].dtype)))


def hour_shifted(draft: Draft, rng: np.random.Generator) -> Draft:
    """One hour shift."""
    del rng
    node = draft.node
    return draft.with_tables(node=node.assign(ts=node["ts"] + 4 * _STEP))


def rounded(draft: Draft, rng: np.random.Generator) -> Draft:
    """Everything rounded to 2 decimals."""
    del rng
    return draft.with_tables(node=draft.node.round(2), edge=draft.edge.round(2))


def voltages_zero(draft: Draft, rng: np.random.Generator) -> Draft:
    """Vm and va all zero."""
    del rng
    return draft.with_tables(node=draft.node.assign(vm_pu=0.0, va_deg=0.0))


def _with_cells(draft: Draft, column: str, rows: np.ndarray[tuple[int], np.dtype[np.int64]], value: float) -> Draft:
    node = draft.node
    node.loc[rows, column] = value
    return draft.with_tables(node=node)


def _narrowed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(dict.fromkeys(frame.select_dtypes("float64"), "float32"))

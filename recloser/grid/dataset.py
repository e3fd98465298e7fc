"""A dataset in memory: the arrays a model learns from, and the long tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recloser.grid import frames
from recloser.grid.blocks import solve_blocks
from recloser.grid.engines import EngineName, make_engine
from recloser.grid.networks import load_network

if TYPE_CHECKING:
    import pandas as pd

    from recloser.grid.blocks import Block
    from recloser.grid.columns import Floats, Ints
    from recloser.grid.networks import Network
    from recloser.grid.request import DatasetRequest

NODE_FEATURES = ("pd_mw", "qd_mvar", "pg_mw")
NODE_TARGETS = ("vm_pu", "va_deg")
EDGE_TARGETS = ("pf_mw", "qf_mvar", "pt_mw", "qt_mvar")
EDGE_FEATURES = ("r_pu", "x_pu", "b_pu", "tap", "rate_mva")


@dataclass(frozen=True, eq=False)
class Dataset:
    """All steps of a request, solved; T steps, N buses, E branches."""

    request: DatasetRequest
    block: Block

    @property
    def network(self) -> Network:
        """The network it is of."""
        return self.block.network

    @property
    def node_features(self) -> Floats:
        """[T, N, 3]: `NODE_FEATURES`; inputs only, so pg is 0 at the slack, where it is a result."""
        given = self.block.injections
        return np.stack([given.pd_mw, given.qd_mvar, given.pg_mw], axis=-1)

    @property
    def node_targets(self) -> Floats:
        """[T, N, 2]: `NODE_TARGETS`."""
        return np.stack([self.block.state.vm_pu, self.block.state.va_deg], axis=-1)

    @property
    def edge_targets(self) -> Floats:
        """[T, E, 4]: `EDGE_TARGETS`."""
        flows = self.block.state.flows
        return np.stack([flows.pf_mw, flows.qf_mvar, flows.pt_mw, flows.qt_mvar], axis=-1)

    @property
    def edge_index(self) -> Ints:
        """[2, E]: positions of the from and the to bus of each branch."""
        return np.stack([self.network.branches.from_bus, self.network.branches.to_bus])

    @property
    def edge_features(self) -> Floats:
        """[E, 5]: `EDGE_FEATURES`."""
        return np.column_stack([getattr(self.network.branches, name) for name in EDGE_FEATURES])

    def node_frame(self) -> pd.DataFrame:
        """The node table, T x N rows of `frames.NODE_COLUMNS`."""
        return frames.to_frame(frames.node_columns(self.block))

    def edge_frame(self) -> pd.DataFrame:
        """The edge table, T x E rows of `frames.EDGE_COLUMNS`."""
        return frames.to_frame(frames.edge_columns(self.block))

    def gen_frame(self) -> pd.DataFrame:
        """The table of units, T x G rows of `frames.GEN_COLUMNS`."""
        return frames.to_frame(frames.gen_columns(self.block))


def generate_dataset(request: DatasetRequest, *, engine: EngineName = "auto") -> Dataset:
    """Make a dataset in memory; `write_dataset` makes one of any length in files.

    Args:
        request: What is asked for.
        engine: What solves the power flow.

    Raises:
        NotConvergedError: Some steps have no solution; it names them.
        EngineMissingError: The engine asked for is not installed.
    """
    solver = make_engine(load_network(request.case), engine)
    (block,) = solve_blocks(request, solver, steps_at_once=request.n_steps)
    return Dataset(request=request, block=block)

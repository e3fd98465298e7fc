"""A dataset on its way to being broken: its tables, and the inputs they were solved from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from recloser.grid import Injections, frames, make_engine, solve_block
from recloser.grid.loads import quantise
from recloser.validation.facts import Facts, Subject, of_dataset

if TYPE_CHECKING:
    import pandas as pd

    from recloser.grid import Dataset, Network
    from recloser.grid.columns import Floats


@dataclass(frozen=True)
class Draft:
    """The tables of a dataset; each fault makes a new draft and leaves the given one as it is."""

    subject: Subject

    @property
    def network(self) -> Network:
        """The registered network."""
        return self.subject.network

    @property
    def node(self) -> pd.DataFrame:
        """A copy of the table of buses, to be changed."""
        return self.subject.node.copy()

    @property
    def edge(self) -> pd.DataFrame:
        """A copy of the table of branches, to be changed."""
        return self.subject.edge.copy()

    def with_tables(self, *, node: pd.DataFrame | None = None, edge: pd.DataFrame | None = None) -> Draft:
        """The same with other tables."""
        node = self.subject.node if node is None else node
        edge = self.subject.edge if edge is None else edge
        return Draft(replace(self.subject, node=node, edge=edge))

    def inputs(self) -> tuple[Floats, Floats, Floats]:
        """Copies of pd, qd and pg, MW and Mvar, [T, N]."""
        facts = Facts(self.subject)
        pd, qd, pg = (facts.array("node", name).copy() for name in ("pd_mw", "qd_mvar", "pg_mw"))
        return pd, qd, pg

    def dispatched(self, pd_mw: Floats) -> Floats:
        """What units are told to produce for a load, MW, [T, N]: their share of it, within their limits."""
        units, base = self.network.generators, self.network.buses.pd0_mw.sum()
        told = units.pg0_mw * pd_mw.sum(axis=1, keepdims=True) / base
        pg_mw = np.zeros_like(pd_mw)
        pg_mw[:, units.bus] = np.clip(told, units.pmin_mw, units.pmax_mw)
        return pg_mw

    def solved(
        self, pd_mw: Floats, qd_mvar: Floats, pg_mw: Floats | None = None, *, network: Network | None = None
    ) -> Draft:
        """The same with other inputs, solved again: the physics is consistent, the inputs are not what they claim.

        Args:
            pd_mw: Real load, [T, N].
            qd_mvar: Reactive load, [T, N].
            pg_mw: Dispatch, [T, N], the load's own when nothing is said; the slack's is found anew.
            network: Another network than the registered one, if the fault is in it.

        Raises:
            NotConvergedError: The faulty inputs have no solution.
        """
        network = network or self.network
        pg_kw = quantise(self.dispatched(pd_mw) if pg_mw is None else pg_mw)
        pg_kw[:, network.slack_bus] = 0
        block = solve_block(network, make_engine(network), Injections(0, quantise(pd_mw), quantise(qd_mvar), pg_kw))
        node, edge, gen = (
            frames.to_frame(columns(block))
            for columns in (frames.node_columns, frames.edge_columns, frames.gen_columns)
        )
        return Draft(replace(self.subject, node=node, edge=edge, gen=None if self.subject.gen is None else gen))

    def load_buses(self, *, least_mw: float = 5.0) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Buses with at least so much base load, largest first."""
        base = self.network.buses.pd0_mw
        found = np.flatnonzero(base >= least_mw)
        return found[np.argsort(-base[found], kind="stable")]


def draft_of(dataset: Dataset) -> Draft:
    """A dataset in memory, to be broken."""
    return Draft(of_dataset(dataset))


def subject_of(draft: Draft) -> Subject:
    """A broken dataset, to be judged."""
    return draft.subject

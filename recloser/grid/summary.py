"""What a stored dataset holds, and whether it still is what its manifest says.

Integrity only: files, hashes and residuals. Whether the numbers are good is for a validation to say.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from recloser.grid import frames
from recloser.grid.blocks import STEPS_AT_ONCE, Tally
from recloser.grid.digest import InputDigest
from recloser.grid.errors import GridError
from recloser.grid.loads import Injections, quantise
from recloser.grid.manifest import Manifest, ResidualMaxima
from recloser.grid.networks import load_network, registered_cases
from recloser.grid.physics import loading_pct
from recloser.grid.request import DT_MIN
from recloser.grid.tables import iter_table
from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from recloser.grid.networks import Network
    from recloser.grid.residuals import State
    from recloser.grid.stored import StoredDataset


_TOO_LARGE = 1e12  # a number of MW that is none, and whose kW do not fit into 64 bits


class Check(Value):
    """One thing that was compared; `ok` is None when it could not be."""

    name: str
    ok: bool | None
    detail: str


class Summary(Value):
    """What is in a dataset; `residuals` are computed from its tables, None when they could not be."""

    manifest: Manifest
    first_ts: str
    last_ts: str
    n_branches: int | None
    loss_mwh: float
    loss_share: float | None
    residuals: ResidualMaxima | None
    checks: tuple[Check, ...]

    @property
    def intact(self) -> bool:
        """Everything was compared, and nothing differs."""
        return all(check.ok for check in self.checks)


class _UncheckableError(GridError):
    """The tables cannot be taken step by step; the message says why."""


def summarise(stored: StoredDataset) -> Summary:
    """Read a dataset and compare it with its manifest, in bounded memory."""
    manifest = stored.manifest
    network_check, network = _check_network(stored)
    damaged = stored.damaged_files()
    files_check = Check(
        name="files", ok=not damaged, detail=f"changed or missing: {', '.join(damaged)}" if damaged else ""
    )
    inputs_check, residuals = _check_tables(stored, network, readable=not damaged)
    lost_mw, load_mw = manifest.fingerprint.sum_loss_mw, manifest.fingerprint.sum_pd_mw
    steps = np.array([0, manifest.request.n_steps - 1])
    first_ts, last_ts = (f"{moment}Z" for moment in np.datetime_as_string(frames.timestamps(steps), unit="s"))
    return Summary(
        manifest=manifest,
        first_ts=first_ts,
        last_ts=last_ts,
        n_branches=network.n_branches if network else None,
        loss_mwh=lost_mw * DT_MIN / 60,
        loss_share=lost_mw / load_mw if load_mw else None,
        residuals=residuals,
        checks=(files_check, network_check, inputs_check),
    )


def _check_network(stored: StoredDataset) -> tuple[Check, Network | None]:
    """Whether the copy is the registered network, and the network to compute with: the registered one if there is."""
    try:
        network = stored.network()
    except GridError as error:
        return Check(name="network", ok=False, detail=str(error)), None
    registration = registered_cases().get(network.name)
    if registration is None:
        return Check(name="network", ok=None, detail=f"{network.name} is not registered"), network
    same = network.network_sha256 == registration.network_sha256 == stored.manifest.case.network_sha256
    detail = network.network_sha256 if same else f"it is not the registered {network.name}"
    return Check(name="network", ok=same, detail=detail), load_network(network.name)


def _check_tables(
    stored: StoredDataset, network: Network | None, *, readable: bool
) -> tuple[Check, ResidualMaxima | None]:
    if network is None or not readable:
        return Check(name="inputs", ok=None, detail="not checked: the files differ"), None
    tally = Tally()
    try:
        with InputDigest() as digest:
            for injections, state in _stored_blocks(stored, network):
                digest.update(injections)
                tally.update(network, state, loading_pct(network, state.flows))
            found = digest.hexdigest()
    except GridError as error:
        return Check(name="inputs", ok=None, detail=f"not checked: {error}"), None
    same = found == stored.manifest.inputs_sha256
    return Check(name="inputs", ok=same, detail=found if same else f"they hash to {found}"), tally.residuals()


def _stored_blocks(stored: StoredDataset, network: Network) -> Iterator[tuple[Injections, State]]:
    n_steps = stored.manifest.request.n_steps
    nodes = iter_table(stored.table_path("node"), STEPS_AT_ONCE * network.n_buses)
    edges = iter_table(stored.table_path("edge"), STEPS_AT_ONCE * network.n_branches)
    for first, node, edge in zip_longest(range(0, n_steps, STEPS_AT_ONCE), nodes, edges):
        if first is None or node is None or edge is None:
            raise _UncheckableError(f"the tables do not hold {n_steps} steps")
        expected = min(STEPS_AT_ONCE, n_steps - first)
        _check_rows(node, "node", frames.keys(first, expected, network.n_buses))
        _check_rows(edge, "edge", frames.keys(first, expected, network.n_branches))
        state = frames.to_state(node, edge, network)
        pg_kw = quantise(state.pg_mw)
        pg_kw[:, network.slack_bus] = 0
        yield Injections(first, quantise(state.pd_mw), quantise(state.qd_mvar), pg_kw), state


def _check_rows(frame: pd.DataFrame, table: str, keys: tuple[Any, Any]) -> None:
    columns = frames.TABLE_COLUMNS[table]
    if {name: str(dtype) for name, dtype in frame.dtypes.items()} != dict(columns):
        raise _UncheckableError(f"the {table} table has not the columns and types of its schema")
    position = "bus" if table == "node" else "branch"
    if not all(np.array_equal(frame[name], expected) for name, expected in zip(("step", position), keys, strict=True)):
        raise _UncheckableError(f"the {table} table is not in the order of step and {position}")
    if not (np.abs(frame.select_dtypes("float64").to_numpy()) < _TOO_LARGE).all():  # false for NaN too
        raise _UncheckableError(f"the {table} table holds numbers that are not finite, or no MW")

"""What is validated, and its tables as arrays: [T, N] for buses, [T, E] for branches.

Nothing is believed: a column that is missing or holds text, or keys that are not exactly one row per step and
position, make an array unavailable, and a rule that needs it is not run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from recloser.grid import Network, State, load_network
from recloser.grid.request import LEVEL, DatasetRequest
from recloser.grid.solution import Flows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from recloser.grid import Dataset, Manifest
    from recloser.grid.columns import Floats

POSITIONS = {"node": "bus", "edge": "branch", "gen": "gen"}
FLOWS = ("pf_mw", "qf_mvar", "pt_mw", "qt_mvar")
AT_BUSES = ("pd_mw", "qd_mvar", "pg_mw", "qg_mvar", "vm_pu", "va_deg")


class UnavailableError(Exception):
    """What a rule needs cannot be had; the message says why."""


class NotApplicableError(Exception):
    """The rule does not apply to this data; the message says why."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A dataset under validation: its tables as they are, and what they should be."""

    name: str
    case: str
    n_steps: int
    node: pd.DataFrame
    edge: pd.DataFrame
    gen: pd.DataFrame | None = None
    level: float = LEVEL
    request: DatasetRequest | None = None
    """Set when our generator is said to have made it: its inputs can then be made again."""
    manifest: Manifest | None = None
    own_network_sha256: str | None = None
    """Of the dataset's own copy of its network; None when it has none, "" when the copy cannot be read."""
    damaged_files: tuple[str, ...] = ()

    @cached_property
    def network(self) -> Network:
        """The registered network: what is judged never brings its own admittances."""
        return load_network(self.case)

    def table(self, name: str) -> pd.DataFrame:
        """A table, `node`, `edge` or `gen`, as it is.

        Raises:
            NotApplicableError: The dataset has no such table, and needs none.
        """
        frame = {"node": self.node, "edge": self.edge, "gen": self.gen}[name]
        if frame is None:
            raise NotApplicableError(f"there is no {name} table")
        return frame

    def width(self, name: str) -> int:
        """Rows of each step of a table."""
        network = self.network
        return {"node": network.n_buses, "edge": network.n_branches, "gen": network.n_generators}[name]


class Facts:
    """The arrays of a subject, made when they are first asked for."""

    def __init__(self, subject: Subject) -> None:
        """Nothing is read yet."""
        self.subject = subject
        self.network = subject.network
        self.n_steps = subject.n_steps
        self._orders: dict[str, NDArray[np.intp] | slice | UnavailableError] = {}
        self._arrays: dict[tuple[str, str], Floats] = {}

    def array(self, table: str, column: str) -> Floats:
        """A column as [T, width], in the order of step and position.

        Raises:
            UnavailableError: It is missing, holds no numbers, or the keys are not one row per step and position.
        """
        if (table, column) not in self._arrays:
            values = numbers(self.subject.table(table), table, column)[self._order(table)]
            self._arrays[table, column] = values.reshape(self.n_steps, self.subject.width(table))
        return self._arrays[table, column]

    def finite(self, table: str, column: str) -> Floats:
        """The same, and every value is a finite number.

        Raises:
            UnavailableError: It cannot be had, or holds a value that is none.
        """
        values = self.array(table, column)
        if not np.isfinite(values).all():
            raise UnavailableError(f"{table}.{column} holds values that are no finite numbers")
        return values

    def timestamps(self) -> NDArray[np.int64]:
        """`ts` in nanoseconds of UTC, [T, N]; the smallest integer where it is missing.

        Raises:
            UnavailableError: It is missing or is no time of UTC.
        """
        column = self._column("node", "ts")
        if str(column.dtype) not in {"datetime64[ns, UTC]", "datetime64[us, UTC]", "datetime64[ms, UTC]"}:
            raise UnavailableError(f"node.ts is {column.dtype}, not a time in UTC")
        stamps = column.dt.tz_localize(None).to_numpy(dtype="datetime64[ns]").view(np.int64)
        return np.asarray(stamps[self._order("node")].reshape(self.n_steps, -1))

    @cached_property
    def flows(self) -> Flows:
        """The stored flows."""
        return Flows(**{name: self.array("edge", name) for name in FLOWS})

    def partial_state(self, *, needs: tuple[str, ...], flows: bool) -> State:
        """A state of which only some columns are there; the rest is zero.

        Raises:
            UnavailableError: One that is needed cannot be had.
        """
        at_buses = np.zeros((self.n_steps, self.network.n_buses))
        at_branches = np.zeros((self.n_steps, self.network.n_branches))
        columns = {name: self.array("node", name) if name in needs else at_buses for name in AT_BUSES}
        return State(flows=self.flows if flows else Flows(*[at_branches] * len(FLOWS)), **columns)

    def _column(self, table: str, column: str) -> pd.Series[Any]:
        frame = self.subject.table(table)
        if column not in frame:
            raise UnavailableError(f"{table}.{column} is missing")
        found = frame[column]
        if found.ndim != 1:
            raise UnavailableError(f"{table}.{column} is there more than once")
        return found

    def _order(self, table: str) -> NDArray[np.intp] | slice:
        if table not in self._orders:
            try:
                self._orders[table] = self._find_order(table)
            except UnavailableError as error:
                self._orders[table] = error
        order = self._orders[table]
        if isinstance(order, UnavailableError):
            raise order
        return order

    def _find_order(self, table: str) -> NDArray[np.intp] | slice:
        frame, width = self.subject.table(table), self.subject.width(table)
        step, position = (whole_numbers(frame, table, name) for name in ("step", POSITIONS[table]))
        inside = (step >= 0) & (step < self.n_steps) & (position >= 0) & (position < width)
        row = step * width + position
        if (
            len(frame) != self.n_steps * width
            or not inside.all()
            or (np.bincount(row, minlength=len(frame)) != 1).any()
        ):
            raise UnavailableError(f"{table} has not exactly one row per step and {POSITIONS[table]}")
        if np.array_equal(row, np.arange(len(row))):
            return slice(None)
        return np.argsort(row)


def numbers(frame: pd.DataFrame, table: str, column: str) -> Floats:
    """A column as binary64, in the order of its rows.

    Raises:
        UnavailableError: It is missing or holds no numbers.
    """
    if column not in frame:
        raise UnavailableError(f"{table}.{column} is missing")
    found = frame[column]
    if found.ndim != 1 or found.dtype.kind not in "iuf":
        raise UnavailableError(f"{table}.{column} holds no numbers")
    return found.to_numpy(dtype=np.float64, na_value=np.nan)


def whole_numbers(frame: pd.DataFrame, table: str, column: str) -> NDArray[np.int64]:
    """A column of keys as whole numbers.

    Raises:
        UnavailableError: It is missing or holds anything else.
    """
    values = numbers(frame, table, column)
    if not (np.isfinite(values).all() and (values == np.rint(values)).all()):
        raise UnavailableError(f"{table}.{column} holds values that are no whole numbers")
    return np.clip(values, -(2.0**53), 2.0**53).astype(np.int64)


def of_dataset(dataset: Dataset) -> Subject:
    """A dataset in memory as a subject."""
    return Subject(
        name=dataset.request.dataset_id,
        case=dataset.request.case,
        n_steps=dataset.request.n_steps,
        node=dataset.node_frame(),
        edge=dataset.edge_frame(),
        gen=dataset.gen_frame(),
        level=dataset.request.level,
        request=dataset.request,
    )

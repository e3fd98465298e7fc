"""The tables that rules are judged on: the dataset's own, and those computed from it.

A column that cannot be had is named with its reason, so that its rule is not run instead of passing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from recloser.grid.frames import TABLE_COLUMNS
from recloser.validation import contingency, input_columns, physics_columns, provenance
from recloser.validation.comparison import COMPARISONS, Comparison
from recloser.validation.facts import POSITIONS, Facts, UnavailableError, numbers, whole_numbers
from recloser.validation.judged import Columns, Table
from recloser.validation.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recloser.grid.columns import Floats
    from recloser.validation.comparison import Baselines
    from recloser.validation.facts import Subject

_PER_BUS = (
    (("ts_err_s",), input_columns.times),
    (("angle_to_slack_deg",), physics_columns.voltages),
    (("pv_vm_err_pu",), physics_columns.held_voltages),
    (("unitless_mva", "pg_beyond_mw"), physics_columns.units),
    (("loadless_mva", "pd_below_zero_mw"), input_columns.load_places),
    (("load_factor",), input_columns.load_factors),
    (("power_factor_ratio",), input_columns.power_factors),
    (("p_res_mw", "q_res_mvar"), physics_columns.balance),
    (("p_nodal_res_mw", "q_nodal_res_mvar"), physics_columns.nodal_balance),
    (("equal_steps",), input_columns.runs),
    (("replay_diff_kw",), input_columns.replayed),
)
_PER_BRANCH = (
    (("pf_res_mw", "qf_res_mvar", "pt_res_mw", "qt_res_mvar"), physics_columns.branch_flows),
    (("angle_across_deg",), physics_columns.branch_angles),
    (("gain_mw",), physics_columns.branch_losses),
    (("loading_res_pct", "loading_at_most_pct"), physics_columns.branch_loading),
)
_PER_UNIT = ((("gen_diff_mva",), provenance.unit_rows),)
_PER_STEP = (
    (("slack_vm_err_pu",), physics_columns.slack_magnitude),
    (("slack_va_err_rad",), physics_columns.slack_angle),
    (("system_res_mw",), physics_columns.system_balance),
    (("times_seen",), input_columns.repeats),
)
_OF_SET = (
    (("inputs_differ",), provenance.input_hash),
    (("networks_differ",), provenance.network_hash),
    (("files_differ",), provenance.files),
    (("contradictions",), provenance.claims),
    (("fingerprint_err",), provenance.fingerprint),
    (("stated_residual",), provenance.stated_residuals),
    (("outage_overload_share",), contingency.outage_overload_share),
)


class Tables:
    """All tables of a subject, each made when it is asked for."""

    def __init__(self, subject: Subject, baselines: Baselines) -> None:
        """Nothing is computed yet."""
        self.subject = subject
        self.baselines = baselines
        self.facts = Facts(subject)
        self._comparison = Comparison(self.facts, baselines)
        self._makers: dict[str, Callable[[], Table]] = {
            "node": lambda: self._own("node"),
            "edge": lambda: self._own("edge"),
            "gen": lambda: self._own("gen"),
            "types": self._types,
            "bus_steps": lambda: self._computed("bus_steps", "node", _PER_BUS, self._comparison.ramps),
            "branch_steps": lambda: self._computed("branch_steps", "edge", _PER_BRANCH),
            "unit_steps": lambda: self._computed("unit_steps", "gen", _PER_UNIT),
            "steps": self._steps,
            "dataset": self._dataset,
        }
        self._made: dict[str, Table] = {}

    def __getitem__(self, name: str) -> Table:
        """A table by name.

        Raises:
            NotApplicableError: The dataset has no such table, and needs none.
        """
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def _own(self, name: str) -> Table:
        width = self.subject.width(name)
        return Table(
            name=name,
            frame=self.subject.table(name),
            keys=("step", POSITIONS[name]),
            columns=tuple(TABLE_COLUMNS[name]),
            n_rows=self.subject.n_steps * width,
            positions={"step": self.subject.n_steps, POSITIONS[name]: width},
        )

    def _types(self) -> Table:
        rows = [
            (table, name, declared, *_found(self.subject.table(table), table, name))
            for table in ("node", "edge", *(("gen",) if self.subject.gen is not None else ()))
            for name, declared in TABLE_COLUMNS[table].items()
        ]
        frame = pd.DataFrame(rows, columns=["table", "column", "declared", "found", "infinite"])
        return Table(name="types", frame=frame, keys=("table", "column"))

    def _computed(self, name: str, table: str, makers: Any, *more: Callable[[], Mapping[str, Floats]]) -> Table:
        if table == "gen":
            self.subject.table("gen")
        steps, width = self.subject.n_steps, self.subject.width(table)
        keys = {
            "step": np.repeat(np.arange(steps), width),
            POSITIONS[table]: np.tile(np.arange(width), steps),
        }
        columns = Columns()
        for names, make in makers:
            columns.add(names, partial(make, self.facts))
        for make in more:
            columns.add(("ramp_over_baseline",), make)
        return columns.table(name, keys)

    def _steps(self) -> Table:
        columns = Columns()
        columns.add(("node_rows_off",), lambda: {"node_rows_off": self._rows_off("node")})
        columns.add(("edge_rows_off",), lambda: {"edge_rows_off": self._rows_off("edge")})
        for names, make in _PER_STEP:
            columns.add(names, partial(make, self.facts))
        columns.add(("loss_share_over_lowest", "loss_share_over_highest"), self._comparison.loss_shares)
        return columns.table("steps", {"step": np.arange(self.subject.n_steps)})

    def _rows_off(self, table: str) -> Floats:
        steps = whole_numbers(self.subject.table(table), table, "step")
        inside = steps[(steps >= 0) & (steps < self.subject.n_steps)]
        count = np.bincount(inside, minlength=self.subject.n_steps)
        return (count - self.subject.width(table)).astype(np.float64)

    def _dataset(self) -> Table:
        columns = Columns()
        for names, make in _OF_SET:
            columns.add(names, partial(make, self.facts))
        for name, compare in COMPARISONS.items():
            columns.add((name,), partial(self._compared, name, compare))
        notes: dict[str, str] = {}
        for rule in load_rules():
            if rule.numbers:
                columns.add((f"{rule.id}_excess",), partial(self._comparison.excesses, rule, notes))
        return columns.table("dataset", {"row": np.zeros(1, dtype=np.int64)}, notes)

    def _compared(self, name: str, compare: Callable[[Comparison], float]) -> Mapping[str, float]:
        return {name: compare(self._comparison)}


def _found(frame: pd.DataFrame, table: str, name: str) -> tuple[str, float]:
    """The type a column has, and how many of its values are infinite."""
    if name not in frame or frame[name].ndim != 1:
        return "missing", 0.0
    try:
        infinite = float(np.isinf(numbers(frame, table, name)).sum())
    except UnavailableError:
        infinite = 0.0
    return str(frame[name].dtype), infinite

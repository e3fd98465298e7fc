"""The tables that rules are judged on: the dataset's own, and those computed from it.

A column that cannot be had is named with its reason, so that its rule is not run instead of passing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from recloser.grid.frames import TABLE_COLUMNS
from recloser.validation import contingency, input_columns, physics_columns, provenance
from recloser.validation.facts import (
    POSITIONS,
    Facts,
    NotApplicableError,
    Subject,
    UnavailableError,
    numbers,
    whole_numbers,
)
from recloser.validation.input_columns import ramps
from recloser.validation.rules import least_widths, load_rules
from recloser.validation.series import LoadSeries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from recloser.grid.columns import Floats
    from recloser.validation.baseline import Baseline, Spread
    from recloser.validation.rules import Rule

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
_MEAN_BAND_SIGMAS, _MEAN_BAND_LEAST = 4.0, 0.004
_LEAST_WORST = 1e-9


@dataclass(frozen=True)
class Table:
    """One table: its columns, and why others are not there."""

    name: str
    frame: pd.DataFrame
    keys: tuple[str, ...]
    """The columns that say where a row is."""
    unavailable: Mapping[str, str] = field(default_factory=dict)
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    """What else there is to say of a column that fails."""
    columns: tuple[str, ...] = ()
    """The columns it should have, in order."""
    n_rows: int = 0
    """The rows it should have."""
    positions: Mapping[str, int] = field(default_factory=dict)
    """Key columns that count 0, 1, 2, … up to less than this."""


@dataclass(frozen=True)
class Baselines:
    """What a set is compared with: sets of exactly its kind, and sets of its network at any length."""

    exact: Baseline | None
    alike: Baseline | None


class Tables:
    """All tables of a subject, each made when it is asked for."""

    def __init__(self, subject: Subject, baselines: Baselines) -> None:
        """Nothing is computed yet."""
        self.subject = subject
        self.baselines = baselines
        self.facts = Facts(subject)
        self._makers: dict[str, Callable[[], Table]] = {
            "node": lambda: self._own("node"),
            "edge": lambda: self._own("edge"),
            "gen": lambda: self._own("gen"),
            "types": self._types,
            "bus_steps": lambda: self._computed("bus_steps", "node", _PER_BUS, self._ramps),
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

    @cached_property
    def numbers(self) -> Mapping[str, float]:
        """The numbers of the load series and, where there is a baseline, of their comparison with it.

        Raises:
            UnavailableError: The inputs cannot be had.
        """
        inputs = (self.facts.finite("node", name) for name in ("pd_mw", "qd_mvar", "pg_mw"))
        series = LoadSeries(self.facts.network, *inputs)
        exact = self.baselines.exact
        return exact.compare(series) if exact else series.of_set()

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
        columns = _Columns()
        for names, make in makers:
            columns.add(names, partial(make, self.facts))
        for make in more:
            columns.add(("ramp_over_baseline",), make)
        return columns.table(name, keys)

    def _ramps(self) -> Mapping[str, Floats]:
        alike = self._alike()
        level = self.subject.level / alike.level
        return {"ramp_over_baseline": ramps(self.facts) / (alike.numbers["largest_ramp"].high * level)}

    def _steps(self) -> Table:
        columns = _Columns()
        columns.add(("node_rows_off",), lambda: {"node_rows_off": self._rows_off("node")})
        columns.add(("edge_rows_off",), lambda: {"edge_rows_off": self._rows_off("edge")})
        for names, make in _PER_STEP:
            columns.add(names, partial(make, self.facts))
        columns.add(("loss_share_over_lowest", "loss_share_over_highest"), self._loss_shares)
        return columns.table("steps", {"step": np.arange(self.subject.n_steps)})

    def _rows_off(self, table: str) -> Floats:
        steps = whole_numbers(self.subject.table(table), table, "step")
        inside = steps[(steps >= 0) & (steps < self.subject.n_steps)]
        count = np.bincount(inside, minlength=self.subject.n_steps)
        return (count - self.subject.width(table)).astype(np.float64)

    def _loss_shares(self) -> Mapping[str, Floats]:
        known = self._alike().numbers
        shares = physics_columns.loss_shares(self.facts)
        shares = np.where(np.isnan(shares), np.inf, shares)
        return {
            "loss_share_over_lowest": shares / known["lowest_loss_share"].low,
            "loss_share_over_highest": shares / known["highest_loss_share"].high,
        }

    def _dataset(self) -> Table:
        columns = _Columns()
        for names, make in _OF_SET:
            columns.add(names, partial(make, self.facts))
        columns.add(("autocorrelation",), lambda: {"autocorrelation": self._number("autocorrelation")})
        for name in _COMPARISONS:
            columns.add((name,), partial(self._compared, name))
        notes: dict[str, str] = {}
        for rule in load_rules():
            if rule.numbers:
                columns.add((f"{rule.id}_excess",), partial(self._excesses, rule, notes))
        return columns.table("dataset", {"row": np.zeros(1, dtype=np.int64)}, notes)

    def _compared(self, name: str) -> Mapping[str, float]:
        return {name: _COMPARISONS[name](self)}

    def _excesses(self, rule: Rule, notes: dict[str, str]) -> Mapping[str, float]:
        exact = self._exact()
        excesses = {name: self._excess(name) for name in rule.numbers if name in exact.numbers}
        if not excesses:
            raise NotApplicableError(_too_few(self.subject))
        column = f"{rule.id}_excess"
        farthest = max(excesses, key=excesses.__getitem__)
        known = exact.numbers[farthest]
        notes[column] = f"{farthest} is {self._number(farthest):.5g}; the baseline's seeds are {known.said}"
        return {column: excesses[farthest]}

    def _excess(self, name: str) -> float:
        known = self._exact().numbers[name]
        value = self._number(name)
        outside = max(known.low - value, value - known.high, 0.0)
        return outside / max(known.width, least_widths().get(name, _LEAST_WORST))

    def _number(self, name: str) -> float:
        if name not in self.numbers:
            raise UnavailableError(_too_few(self.subject))
        return self.numbers[name]

    def _known(self, name: str) -> Spread:
        if name not in self._exact().numbers:
            raise NotApplicableError(_too_few(self.subject))
        return self._exact().numbers[name]

    def _exact(self) -> Baseline:
        if self.baselines.exact is None:
            raise UnavailableError(_no_baseline(self.subject))
        return self.baselines.exact

    def _alike(self) -> Baseline:
        if self.baselines.alike is None:
            raise UnavailableError(_no_baseline(self.subject))
        return self.baselines.alike

    def outside_share_over(self) -> float:
        """Share of voltages outside the limits of their buses, over the baseline's largest."""
        return float(physics_columns.outside_bus_limits(self.facts).mean()) - self._known("outside_share").high

    def correlation_over(self) -> float:
        """Median correlation of buses with the system, over the baseline's lowest."""
        return self._number("system_correlation") - self._known("system_correlation").low

    def mean_load_off(self) -> float:
        """Distance of the mean load factor from the baseline's, in bands of four deviations."""
        known = self._known("load_factor")
        return (self._number("load_factor") - known.mean) / max(_MEAN_BAND_SIGMAS * known.sd, _MEAN_BAND_LEAST)

    def ks_over_worst(self) -> float:
        """Distance of the load factors from the baseline's, over its worst."""
        worst = self._known("ks_distance").high
        return self._number("ks_distance") / max(worst, _LEAST_WORST)

    def trend_over_worst(self) -> float:
        """Drift of the daily mean, over the baseline's worst."""
        known = self._known("daily_trend")
        return abs(self._number("daily_trend")) / max(abs(known.low), abs(known.high), _LEAST_WORST)


_COMPARISONS: Mapping[str, Callable[[Tables], float]] = {
    "outside_share_over": Tables.outside_share_over,
    "correlation_over": Tables.correlation_over,
    "mean_load_off": Tables.mean_load_off,
    "ks_over_worst": Tables.ks_over_worst,
    "trend_over_worst": Tables.trend_over_worst,
}


class _Columns:
    """Columns gathered one after the other; one that cannot be had does not stop the others."""

    def __init__(self) -> None:
        self._columns: dict[str, Any] = {}
        self._unavailable: dict[str, str] = {}
        self._not_applicable: dict[str, str] = {}

    def add(self, names: tuple[str, ...], make: Callable[[], Mapping[str, Any]]) -> None:
        try:
            # What overflows or divides by zero becomes infinite, and no limit allows that.
            with np.errstate(all="ignore"):
                self._columns.update({name: np.ravel(values) for name, values in make().items()})
        except UnavailableError as error:
            self._unavailable.update(dict.fromkeys(names, str(error)))
        except NotApplicableError as error:
            self._not_applicable.update(dict.fromkeys(names, str(error)))

    def table(self, name: str, keys: Mapping[str, Any], notes: Mapping[str, str] = MappingProxyType({})) -> Table:
        return Table(
            name=name,
            frame=pd.DataFrame({**keys, **self._columns}),
            keys=tuple(keys),
            unavailable=self._unavailable,
            not_applicable=self._not_applicable,
            notes=notes,
        )


def _found(frame: pd.DataFrame, table: str, name: str) -> tuple[str, float]:
    """The type a column has, and how many of its values are infinite."""
    if name not in frame or frame[name].ndim != 1:
        return "missing", 0.0
    try:
        infinite = float(np.isinf(numbers(frame, table, name)).sum())
    except UnavailableError:
        infinite = 0.0
    return str(frame[name].dtype), infinite


def _too_few(subject: Subject) -> str:
    return f"{subject.n_steps} steps are too few for it"


def _no_baseline(subject: Subject) -> str:
    number = subject.case.removeprefix("case")
    level = f" --level {subject.level:g}"
    return (
        f"there is no baseline for {subject.case}, {subject.n_steps} steps, level {subject.level:g}: "
        f"`recloser data baseline --case {number} --steps {subject.n_steps}{level}` makes one"
    )


def rows_of(frame: pd.DataFrame, keys: tuple[str, ...], rows: Any) -> Iterator[dict[str, int | str]]:
    """Where some rows are, by their keys; by their number where a key is missing or no plain value."""
    for row in rows:
        where = {key: frame[key].iloc[row] for key in keys if key in frame and frame[key].ndim == 1}
        yield {name: plain(value) for name, value in where.items() if pd.notna(value)} or {"row": int(row)}


def plain(value: Any) -> int | str:
    """A key as a number or as a short text."""
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return int(value)
    return str(value)[:80]

"""A table against its declaration, judged in numpy and pandas, and by Great Expectations on the same columns."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import numpy as np

import recloser
from recloser.validation.findings import Finding, Gate, Place, Report, State
from recloser.validation.table.drift import TableBaseline, drift_charts, drifts
from recloser.validation.table.intake import as_declared
from recloser.values import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    import pandas as pd

    from recloser.validation.table.expected import ColumnSpec, TableSpec

_SHOWN = 10
_TEXT = 60


def validate_table(
    name: str,
    frame: pd.DataFrame,
    spec: TableSpec,
    *,
    baseline: TableBaseline | None = None,
    now: datetime | None = None,
    docs: Path | None = None,
) -> Report:
    """Judge a table by what its owner declares.

    Args:
        name: What it is called.
        frame: As it was read.
        spec: What is declared of it.
        baseline: What drift is measured against.
        now: Against which freshness is judged.
        docs: Where to build the Data Docs of Great Expectations.
    """
    from recloser.validation.table.asked import NAME, asked_findings  # noqa: PLC0415 - takes seconds to import

    started = time.perf_counter()
    typed, strange = as_declared(frame, spec)
    findings = [_columns(frame, spec), _rows(frame, spec)]
    for column, expected in spec.columns.items():
        if column in typed:
            findings += _column_findings(column, typed[column], strange[column], expected)
    findings += [_key(frame, typed, spec)] if spec.key else []
    findings += [_fresh(typed, spec, now or utc_now())] if spec.newest else []
    findings += _drift(typed, baseline) if baseline else []
    findings += asked_findings(typed, spec, docs=docs)
    return Report(
        subject=name,
        kind="table",
        created_utc=utc_now(),
        facts={"rows": str(len(frame)), "columns": str(frame.shape[1]), "recloser": recloser.__version__}
        | ({"baseline": f"{baseline.source[:200]}, {baseline.rows} rows"} if baseline else {}),
        findings=tuple(findings),
        charts=drift_charts(typed, baseline) if baseline else (),
        judges=("numpy", NAME),
        duration_s=round(time.perf_counter() - started, 3),
    )


def _columns(frame: pd.DataFrame, spec: TableSpec) -> Finding:
    found = list(map(str, frame.columns))
    missing = [name for name in spec.columns if name not in found]
    twice = sorted({name for name in found if found.count(name) > 1})
    unknown = [] if spec.others else [name for name in found if name not in spec.columns]
    said = [
        f"{word}: {', '.join(name[:_TEXT] for name in names[:_SHOWN])}{' …' if len(names) > _SHOWN else ''}"
        for word, names in (("missing", missing), ("twice", twice), ("not declared", unknown))
        if names
    ]
    return _finding("columns", "columns are those that are declared", missing + twice + unknown, "; ".join(said))


def _rows(frame: pd.DataFrame, spec: TableSpec) -> Finding:
    most = np.inf if spec.max_rows is None else spec.max_rows
    right = spec.min_rows <= len(frame) <= most
    said = f"{len(frame)} rows, {spec.min_rows} to {most:g} are expected"
    return _finding("rows", "the number of rows is within its bounds", [] if right else [1], said)


def _column_findings(
    name: str, column: pd.Series[Any], strange: pd.Series[bool], expected: ColumnSpec
) -> Iterator[Finding]:
    rows = _Rows(name, column, expected.unit)
    yield rows.finding("type", f"{name} holds {expected.type}", strange, f"are no {expected.type}")
    if not expected.nulls:
        yield rows.finding("missing", f"{name} has no missing value", column.isna() & ~strange, "are missing")
    if expected.type in {"integer", "number"}:
        yield rows.finding("finite", f"{name} is finite", np.isinf(column), "are infinite")
        low = -np.inf if expected.min is None else expected.min
        high = np.inf if expected.max is None else expected.max
        outside = column.notna() & ~((column >= low) & (column <= high))
        unit = f" {expected.unit}" if expected.unit else ""
        yield rows.finding(
            "range", f"{name} is {low:g} to {high:g}{unit}", outside, f"are not {low:g} to {high:g}{unit}"
        )
    if allowed := expected.values:  # noqa: PD011 - not of pandas
        other = column.notna() & ~column.astype(str).isin(allowed)
        yield rows.finding("values", f"{name} is one of the declared values", other, "are none of the declared values")
    if expected.pattern is not None:
        matches = re.compile(expected.pattern).fullmatch
        other = column.notna() & ~column.map(lambda value: bool(matches(str(value)[:10_000])))
        yield rows.finding("pattern", f"{name} has its form", other.astype(bool), f"do not match {expected.pattern}")
    if expected.unique:
        again = column.notna() & column.duplicated(keep=False)
        yield rows.finding("unique", f"{name} has no value twice", again, "are there more than once")


def _key(frame: pd.DataFrame, typed: pd.DataFrame, spec: TableSpec) -> Finding:
    title = f"{' and '.join(spec.key)} tell all rows apart"
    if missing := [name for name in spec.key if name not in typed]:
        return _not_run("key", title, f"{missing[0]} is missing")
    again = typed.duplicated(list(spec.key), keep=False).to_numpy()
    said = f"{int(again.sum())} of {len(frame)} rows share their key with another"
    places = tuple(
        _place(row, {name: typed[name].iloc[row] for name in spec.key}) for row in np.flatnonzero(again)[:_SHOWN]
    )
    return _finding("key", title, np.flatnonzero(again), said, of=len(frame), places=places)


def _fresh(typed: pd.DataFrame, spec: TableSpec, now: datetime) -> Finding:
    title = f"the newest {spec.newest} is at most {spec.max_age} old, and not in the future"
    if spec.newest not in typed or spec.max_age is None or typed[spec.newest].isna().all():
        return _not_run("fresh", title, f"there is no time in {spec.newest}")
    age = now - typed[spec.newest].max().to_pydatetime()
    late = age > spec.max_age
    early = age < -spec.max_age
    return _finding(
        "fresh", title, [1] if late or early else [], f"the newest is {'from now' if early else 'old by'} {abs(age)}"
    )


def _drift(typed: pd.DataFrame, baseline: TableBaseline) -> list[Finding]:
    findings = []
    for found in drifts(typed, baseline):
        said = f"{found.measure} of {found.column} is {found.found:.4g}; at most {found.at_most:.4g} is chance"
        drifted = [1] if found.has_drifted else []
        title = f"{found.column} has not drifted: {found.measure}"
        findings.append(_finding("drift", title, drifted, said, gate=Gate.WARNING, worst=found.found))
    return findings


class _Rows:
    """Findings of the rows of one column."""

    def __init__(self, name: str, column: pd.Series[Any], unit: str) -> None:
        self._name, self._column, self._unit = name, column, unit

    def finding(self, rule: str, title: str, bad: pd.Series[bool], words: str) -> Finding:
        if not len(self._column):
            return _not_run(rule, title, "there are no rows")
        rows = np.flatnonzero(bad.to_numpy())
        said = f"{len(rows)} of {len(self._column)} values of {self._name} {words}"
        places = tuple(_place(row, {}, self._column.iloc[row]) for row in rows[:_SHOWN])
        return _finding(rule, title, rows, said, of=len(self._column), places=places, unit=self._unit)


def _place(row: int, keys: dict[str, Any], value: Any = None) -> Place:
    number = float(value) if isinstance(value, (int, float, np.number)) and np.isfinite(value) else None
    return Place(at={"row": int(row)} | {name: str(key)[:_TEXT] for name, key in keys.items()}, value=number)


def _finding(
    rule: str,
    title: str,
    bad: Any,
    said: str,
    *,
    of: int = 1,
    places: tuple[Place, ...] = (),
    gate: Gate = Gate.CRITICAL,
    unit: str = "",
    worst: float | None = None,
) -> Finding:
    count = len(bad)
    state = State.FAILED if count else State.PASSED
    known = worst if worst is not None and np.isfinite(worst) else None
    return Finding(
        rule=rule,
        title=title,
        gate=gate,
        state=state,
        message=said if count else "",
        count=count,
        of=of,
        places=places,
        unit=unit,
        worst=known,
    )


def _not_run(rule: str, title: str, why: str) -> Finding:
    return Finding(rule=rule, title=title, gate=Gate.CRITICAL, state=State.NOT_RUN, message=why)

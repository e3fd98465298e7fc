"""Pictures of a dataset and of what is wrong with it, as numbers: what, where, how much."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from recloser.validation.facts import UnavailableError
from recloser.validation.findings import Chart, Series, State
from recloser.validation.rules import load_rules

if TYPE_CHECKING:
    from recloser.grid.columns import Floats
    from recloser.validation.findings import Finding
    from recloser.validation.judged import Table
    from recloser.validation.tables import Tables

_POINTS = 300
_FLOOR = 1e-12
_WIDTHS = 0.75
_PICTURED = 4


def charts_of(tables: Tables, findings: tuple[Finding, ...]) -> tuple[Chart, ...]:
    """The system's load, the residuals of physics, and where the failed rules fail."""
    failed = [finding.rule for finding in findings if finding.state is State.FAILED]
    found = [_load(tables), _residuals(tables), *_where(tables, failed)]
    return tuple(chart for chart in found if chart is not None)


def _load(tables: Tables) -> Chart | None:
    try:
        total = tables.facts.array("node", "pd_mw").sum(axis=1)
    except UnavailableError:
        return None
    x, (shown,) = _thinned(total)
    exact = tables.baselines.exact
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    if exact is not None:
        profile = np.array(exact.profile) * tables.subject.network.buses.pd0_mw.sum()
        worst = exact.numbers["profile_worst"]
        band = worst.high + _WIDTHS * worst.width
        _, (below, above) = _thinned(profile * (1 - band), profile * (1 + band))
        low, high = tuple(below.tolist()), tuple(above.tolist())
    return Chart(
        title="Load of the system, and what the baseline allows" if low else "Load of the system",
        x_name="step",
        y_name="MW",
        x=x,
        series=(Series(name="load", y=_gaps(shown)),),
        low=low,
        high=high,
    )


def _residuals(tables: Tables) -> Chart | None:
    named = (
        ("bus_steps", "p_res_mw", "P at buses, MW"),
        ("bus_steps", "q_res_mvar", "Q at buses, Mvar"),
        ("branch_steps", "pf_res_mw", "flows, MW"),
    )
    lines = []
    x: tuple[float, ...] = ()
    for table, column, name in named:
        frame = tables[table].frame
        if column in frame:
            worst = frame[column].to_numpy().reshape(tables.subject.n_steps, -1).max(axis=1)
            x, (shown,) = _thinned(np.maximum(worst, _FLOOR))
            lines.append(Series(name=name, y=_gaps(shown)))
    if not lines:
        return None
    limit = tuple(1e-4 for _ in x)
    return Chart(
        title="Largest residual of physics at each step; the band is allowed",
        x_name="step",
        y_name="MW or Mvar",
        x=x,
        series=tuple(lines),
        low=tuple(_FLOOR for _ in x),
        high=limit,
        logarithmic=True,
    )


def _where(tables: Tables, failed: list[str]) -> list[Chart]:
    charts = []
    for rule in load_rules():
        if rule.id not in failed:
            continue
        for check in rule.checks:
            if check.table in {"bus_steps", "branch_steps", "unit_steps"} and check.column in tables[check.table].frame:
                low = -np.inf if check.min is None else check.min
                high = np.inf if check.max is None else check.max
                chart = _by_position(tables[check.table], check.column, low, high, rule.id)
                charts += [chart] if chart else []
    return charts[:_PICTURED]


def _by_position(table: Table, column: str, low: float, high: float, rule: str) -> Chart | None:
    position = table.keys[1]
    values = table.frame[column].to_numpy()
    bad = ~((values >= low) & (values <= high) & np.isfinite(values))
    if not bad.any():
        return None
    count = np.bincount(table.frame[position].to_numpy(), weights=bad).astype(np.float64)
    return Chart(
        title=f"{rule}: rows outside their limits ({column}), by {position}",
        x_name=position,
        y_name="rows",
        x=tuple(map(float, range(len(count)))),
        series=(Series(name=column, y=_gaps(count)),),
        bars=True,
    )


def _thinned(*lines: Floats) -> tuple[tuple[float, ...], list[Floats]]:
    """At most so many points; of each stretch the value farthest from the line's median, so that no spike is lost."""
    n_points = len(lines[0])
    edges = np.unique(np.linspace(0, n_points, min(_POINTS, n_points) + 1).astype(int))
    kept = []
    for line in lines:
        finite = line[np.isfinite(line)]
        off = np.abs(np.nan_to_num(line - (np.median(finite) if len(finite) else 0.0), nan=np.inf))
        kept.append(np.array([line[a:b][np.argmax(off[a:b])] for a, b in pairwise(edges)]))
    return tuple(map(float, edges[:-1])), kept


def _gaps(values: Floats) -> tuple[float | None, ...]:
    return tuple(float(value) if np.isfinite(value) else None for value in values)

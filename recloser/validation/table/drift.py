"""Drift: how far columns have moved from a baseline that was measured when they were good.

A baseline is small: of a column of numbers 201 quantiles, of a column of text the share of each of its values.
"""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field
from pydantic import ValidationError as PydanticError

from recloser.validation.errors import BaselineError
from recloser.validation.findings import Chart, Series
from recloser.validation.table.intake import as_declared
from recloser.values import Value, utc_now

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from recloser.grid.columns import Floats
    from recloser.validation.table.expected import TableSpec

_QUANTILES = 201
_MOST_VALUES = 200
_BINS = 10
_PICTURED = 6
_LEAST_SHARE = 1e-4
MOST_PSI = 0.25
"""Above it a population is taken to have changed (Siddiqi, Credit Risk Scorecards, 2006)."""
_MEAN_SIGMAS = 6.0
_KS_FACTOR = 2.2
"""Of the Kolmogorov-Smirnov test at a false alarm of 1e-4 (2 exp(-2 x^2) = 1e-4, Smirnov 1948)."""


class NumberColumn(Value):
    """A column of numbers when it was good."""

    mean: float
    sd: float
    quantiles: tuple[float, ...] = Field(min_length=2)


class TableBaseline(Value):
    """A table when it was good."""

    source: str
    created_utc: datetime
    rows: int = Field(ge=1)
    numbers: dict[str, NumberColumn]
    texts: dict[str, dict[str, float]]
    """Share of each value, of columns with few of them."""
    missing: dict[str, float]


class Drift(Value):
    """How far a column has moved, and how far it may; `at_most` is below `found` when it has drifted."""

    column: str
    measure: str
    found: float
    at_most: float

    @property
    def has_drifted(self) -> bool:
        """Whether it has moved farther than chance explains."""
        return not self.found <= self.at_most


def measure_table(frame: pd.DataFrame, spec: TableSpec, source: str) -> TableBaseline:
    """Measure a good table.

    Raises:
        BaselineError: It has no rows.
    """
    if not len(frame):
        raise BaselineError(f"{source} has no rows; a baseline is measured on a good table.")
    typed, _ = as_declared(frame, spec)
    numbers, texts = {}, {}
    for name in typed:
        kind = spec.columns[str(name)].type
        values = typed[name].dropna()
        if kind in {"integer", "number"} and len(values):
            numbers[str(name)] = _measured(values.to_numpy(dtype=np.float64))
        elif kind in {"text", "boolean"} and 0 < values.nunique() <= _MOST_VALUES:
            shares = values.astype(str).value_counts(normalize=True)
            texts[str(name)] = {str(value)[:200]: round(float(share), 9) for value, share in shares.items()}
    missing = {str(name): float(typed[name].isna().mean()) for name in typed}
    return TableBaseline(
        source=source, created_utc=utc_now(), rows=len(frame), numbers=numbers, texts=texts, missing=missing
    )


def drifts(typed: pd.DataFrame, baseline: TableBaseline) -> tuple[Drift, ...]:
    """Compare the columns of a table with a baseline of it."""
    found = []
    for name, known in baseline.numbers.items():
        if name in typed:
            values = typed[name].dropna().to_numpy(dtype=np.float64)
            values = values[np.isfinite(values)]
            found += _number_drifts(name, values, known, baseline.rows) if len(values) else []
    for name, shares in baseline.texts.items():
        if name in typed:
            found += _text_drifts(name, typed[name].dropna().astype(str), shares)
    for name, share in baseline.missing.items():
        if name in typed and len(typed):
            found.append(_missing_drift(name, float(typed[name].isna().mean()), share, len(typed), baseline.rows))
    return tuple(found)


def drift_charts(typed: pd.DataFrame, baseline: TableBaseline) -> tuple[Chart, ...]:
    """Pictures of the columns of numbers that have drifted: how they are distributed, and how they were."""
    moved = dict.fromkeys(found.column for found in drifts(typed, baseline) if found.has_drifted)
    return tuple(_chart(name, typed, baseline.numbers[name]) for name in moved if name in baseline.numbers)[:_PICTURED]


def _chart(name: str, typed: pd.DataFrame, known: NumberColumn) -> Chart:
    values = typed[name].dropna().to_numpy(dtype=np.float64)
    values = values[np.isfinite(values)]
    shares = np.linspace(0, 1, len(known.quantiles))
    now = np.quantile(values, shares) if len(values) else np.full(len(shares), np.nan)
    return Chart(
        title=f"How {name} is distributed",
        x_name="share of the rows below, percent",
        y_name=name,
        x=tuple(100 * shares),
        series=(
            Series(name="now", y=tuple(float(value) if math.isfinite(value) else None for value in now)),
            Series(name="baseline", y=known.quantiles),
        ),
    )


def write_table_baseline(baseline: TableBaseline, path: Path) -> None:
    """Write a baseline.

    Raises:
        BaselineError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(baseline.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise BaselineError(f"{path} cannot be written: {error.strerror or error}.") from error


def read_table_baseline(path: Path) -> TableBaseline:
    """Read a baseline.

    Raises:
        BaselineError: There is none, or it cannot be read.
    """
    try:
        return TableBaseline.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BaselineError(f"{path} cannot be read: {error.strerror or error}.") from error
    except PydanticError as error:
        raise BaselineError(
            f"{path} is no baseline of a table: {error.errors()[0]['msg']}; measure it anew."
        ) from error


def _measured(values: Floats) -> NumberColumn:
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise BaselineError("a column holds no finite number; a baseline is measured on a good table.")
    quantiles = np.quantile(finite, np.linspace(0, 1, _QUANTILES))
    return NumberColumn(mean=float(finite.mean()), sd=float(finite.std()), quantiles=tuple(map(float, quantiles)))


def _number_drifts(name: str, values: Floats, known: NumberColumn, rows: int) -> list[Drift]:
    quantiles = np.array(known.quantiles)
    both = len(values) * rows / (len(values) + rows)
    error = max(known.sd / math.sqrt(both), abs(known.mean) * 1e-9, 1e-12)
    drifts = [
        Drift(
            column=name,
            measure="mean, standard errors",
            found=abs(float(values.mean()) - known.mean) / error,
            at_most=_MEAN_SIGMAS,
        )
    ]
    if known.sd > 0:
        distance = _steps(values, quantiles)
        drifts.append(
            Drift(
                column=name,
                measure="Kolmogorov-Smirnov distance",
                found=distance,
                at_most=_KS_FACTOR / math.sqrt(both) + 1 / (_QUANTILES - 1),
            )
        )
        edges = np.quantile(quantiles, np.linspace(0, 1, _BINS + 1))[1:-1]
        expected = np.bincount(np.searchsorted(edges, quantiles), minlength=_BINS) / len(quantiles)
        counted = np.bincount(np.searchsorted(edges, values), minlength=_BINS) / len(values)
        drifts.append(
            Drift(
                column=name,
                measure="population stability index",
                found=_psi(counted, expected, both),
                at_most=MOST_PSI + _psi_by_chance(both),
            )
        )
    return drifts


def _steps(values: Floats, quantiles: Floats) -> float:
    """The distance of two distributions that may both stand in steps: compared at the values, not between them."""
    at = np.unique(quantiles)
    found = np.searchsorted(np.sort(values), at, side="right") / len(values)
    expected = np.searchsorted(quantiles, at, side="right") / len(quantiles)
    below = np.searchsorted(np.sort(values), at, side="left") / len(values)
    expected_below = np.searchsorted(quantiles, at, side="left") / len(quantiles)
    return float(max(np.abs(found - expected).max(), np.abs(below - expected_below).max()))


def _text_drifts(name: str, values: pd.Series[Any], shares: dict[str, float]) -> list[Drift]:
    if not len(values):
        return []
    found = values.value_counts(normalize=True).to_dict()
    unseen = float(sum(share for value, share in found.items() if str(value)[:200] not in shares))
    counted = np.array([found.get(value, 0.0) for value in shares])
    stability = _psi(counted, np.array(list(shares.values())), len(values))
    return [
        Drift(column=name, measure="share of values never seen before", found=unseen, at_most=0.01),
        Drift(
            column=name,
            measure="population stability index",
            found=stability,
            at_most=MOST_PSI + _psi_by_chance(len(values), len(shares)),
        ),
    ]


def _missing_drift(name: str, found: float, known: float, rows: int, rows_then: int) -> Drift:
    error = math.sqrt(max(known * (1 - known), 1e-4) * (1 / rows + 1 / rows_then))
    return Drift(column=name, measure="share missing", found=found, at_most=known + _MEAN_SIGMAS * error + 0.01)


def _psi(found: Floats, expected: Floats, rows: float) -> float:
    least = max(_LEAST_SHARE, 0.5 / rows)  # a bin that is empty by chance is no infinite change
    found, expected = np.maximum(found, least), np.maximum(expected, least)
    return float(((found - expected) * np.log(found / expected)).sum())


def _psi_by_chance(rows: float, bins: int = _BINS) -> float:
    """What the index is of samples of one population: chi-squared over the rows, taken at six deviations."""
    return ((bins - 1) + _MEAN_SIGMAS * math.sqrt(2 * (bins - 1))) / rows

"""Tables of any kind: types, drift, and what may be declared."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from recloser.validation import BaselineError
from recloser.validation.table import ALLOWED_EXPECTATIONS, ColumnSpec, Expectation, TableSpec, measure_table
from recloser.validation.table.drift import drift_charts, drifts
from recloser.validation.table.intake import as_declared

SPEC = TableSpec(columns={"x": ColumnSpec(type="number"), "kind": ColumnSpec(type="text", nulls=True)})


def table(seed: int, rows: int = 4000) -> pd.DataFrame:
    """A table of one population."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.gamma(3, 10, rows), "kind": rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])})


def drifted(frame: pd.DataFrame) -> set[str]:
    """The measures by which a table has drifted from `table(0)`."""
    typed, _ = as_declared(frame, SPEC)
    baseline = measure_table(table(0), SPEC, "good")
    return {found.measure for found in drifts(typed, baseline) if found.has_drifted}


def test_samples_of_one_population_have_not_drifted() -> None:
    """Two hundred of them, of several sizes."""
    for seed in range(1, 201):
        assert not drifted(table(seed, rows=(30, 300, 4000, 20_000)[seed % 4]))


def test_a_shift_is_found() -> None:
    """By mean, distance or stability; by values never seen; by what is missing."""
    good = table(1)
    assert "mean, standard errors" in drifted(good.assign(x=good["x"] * 1.2))
    assert "Kolmogorov-Smirnov distance" in drifted(
        good.assign(x=np.where(good["x"] > 30, good["x"] + 5, good["x"] - 5))
    )
    assert "share of values never seen before" in drifted(good.assign(kind=good["kind"].replace("c", "d")))
    assert "population stability index" in drifted(good.assign(kind="c"))
    assert "share missing" in drifted(good.assign(x=good["x"].where(good["x"] < 50)))
    assert drifted(good.assign(x=np.round(good["x"], -2)))


def test_what_has_drifted_is_pictured() -> None:
    """As quantiles, now and then; what has not is left out."""
    good = table(1)
    baseline = measure_table(table(0), SPEC, "good")
    (chart,) = drift_charts(as_declared(good.assign(x=good["x"] + 9), SPEC)[0], baseline)
    assert [series.name for series in chart.series] == ["now", "baseline"]
    assert not drift_charts(as_declared(good, SPEC)[0], baseline)


def test_counts_and_constants_have_not_drifted_from_themselves() -> None:
    """Distributions in steps are compared where they have values."""
    spec = TableSpec(columns={"n": ColumnSpec(type="integer"), "one": ColumnSpec(type="number")})
    rng = np.random.default_rng(0)
    frames = [pd.DataFrame({"n": rng.poisson(2, 3000), "one": 1.0}) for _ in range(30)]
    baseline = measure_table(frames[0], spec, "good")
    for frame in frames[1:]:
        assert not [found for found in drifts(as_declared(frame, spec)[0], baseline) if found.has_drifted]


def test_an_empty_table_is_no_baseline() -> None:
    """Nothing is measured on it."""
    with pytest.raises(BaselineError, match="no rows"):
        measure_table(table(0)[:0], SPEC, "empty")


@given(st.lists(st.one_of(st.none(), st.text(max_size=8), st.integers().map(str), st.floats().map(str)), max_size=20))
def test_any_text_is_taken_or_counted(cells: list[str | None]) -> None:
    """A cell is missing, of the declared type, or strange, and never an error."""
    frame = pd.DataFrame({"c": pd.Series(cells, dtype=object)})
    for kind in ("integer", "number", "text", "boolean", "timestamp"):
        spec = TableSpec(columns={"c": ColumnSpec(type=kind)})
        typed, strange = as_declared(frame, spec)
        assert len(typed) == len(cells)
        assert not (strange["c"] & frame["c"].isna()).any()
        assert (strange["c"] | frame["c"].isna() | typed["c"].notna()).all()


@pytest.mark.parametrize("name", ["ExpectQueryResultsToMatchComparison", "UnexpectedRowsExpectation", "os.system", ""])
def test_only_allowed_expectations_may_be_asked_for(name: str) -> None:
    """None that runs a query or code."""
    with pytest.raises(ValidationError):
        Expectation(type=name)


def test_arguments_that_an_expectation_does_not_take_are_refused() -> None:
    """So that a misspelt limit is not silently none."""
    with pytest.raises(ValidationError, match="minimum"):
        Expectation(type="ExpectColumnMeanToBeBetween", arguments={"column": "x", "minimum": 1})
    assert len(ALLOWED_EXPECTATIONS) > 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ("z",)},
        {"newest": "x"},
        {"newest": "z", "max_age": "P1D"},
        {"expectations": ({"type": "ExpectColumnValuesToBeUnique", "arguments": {"column": "z"}},)},
        {"columns": {"x": {"type": "text", "pattern": "("}}},
        {"columns": {}},
    ],
)
def test_a_declaration_that_names_what_is_not_there_is_refused(wrong: dict[str, object]) -> None:
    """Before any data is looked at."""
    with pytest.raises(ValidationError):
        TableSpec.model_validate({"columns": {"x": {"type": "number"}}} | wrong)

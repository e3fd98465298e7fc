"""Data on which a check could pass without having looked: empty, missing, text, infinite, of odd types."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recloser.grid import Dataset, generate_dataset, request_dataset
from recloser.grid.frames import EDGE_COLUMNS, NODE_COLUMNS
from recloser.validation import Report, State, Subject, Verdict, check_subject, of_dataset

VALUES = [name for name, dtype in NODE_COLUMNS.items() if dtype == "float64"]
FLOWS = [name for name, dtype in EDGE_COLUMNS.items() if dtype == "float64"]


@pytest.fixture
def good(small: Dataset) -> Subject:
    """A good subject, whose tables a test may change."""
    subject = of_dataset(small)
    return replace(subject, node=subject.node.copy(), edge=subject.edge.copy())


def fails(subject: Subject) -> Report:
    """Judge, and see that it fails."""
    report = check_subject(subject)
    assert report.verdict is Verdict.FAILED
    assert not report.holds
    return report


def test_empty_tables_fail(good: Subject) -> None:
    """No rule passes because there is nothing to object to."""
    report = fails(replace(good, node=good.node[:0], edge=good.edge[:0]))
    passed = {finding.rule for finding in report.of_state(State.PASSED)}
    assert not passed & {"R02", "R04", "R05", "R07", "R09", "R13", "R19", "R20", "R21", "R22", "R25"}


def test_tables_without_columns_fail(good: Subject) -> None:
    """All that needs one is not run."""
    fails(replace(good, node=pd.DataFrame(), edge=pd.DataFrame()))


@pytest.mark.parametrize("column", VALUES)
def test_a_column_of_nothing_fails(good: Subject, column: str) -> None:
    """All values missing."""
    report = fails(replace(good, node=good.node.assign(**{column: np.nan})))
    assert "R07" in report.failed_rules()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, -1e308])
@pytest.mark.parametrize("column", VALUES)
def test_one_impossible_value_fails(good: Subject, column: str, value: float) -> None:
    """Wherever it is."""
    node = good.node
    node.loc[77, column] = value
    fails(replace(good, node=node))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
@pytest.mark.parametrize("column", FLOWS)
def test_one_impossible_flow_fails(good: Subject, column: str, value: float) -> None:
    """In the table of branches as well."""
    edge = good.edge
    edge.loc[77, column] = value
    fails(replace(good, edge=edge))


@pytest.mark.parametrize("dtype", [str, object, "float32", "string", "category", "complex128"])
@pytest.mark.parametrize("column", ["pd_mw", "vm_pu", "bus", "step", "ts"])
def test_a_column_of_another_type_fails(good: Subject, column: str, dtype: str) -> None:
    """Whatever it is, by the schema; the rules that need its numbers are not run or judged by value."""
    try:
        changed = good.node.astype({column: dtype})
    except TypeError:
        pytest.skip(f"pandas makes no {dtype} of {column}")
    report = fails(replace(good, node=changed))
    assert "R01" in report.failed_rules()


@pytest.mark.parametrize("column", [*NODE_COLUMNS])
def test_a_missing_column_fails(good: Subject, column: str) -> None:
    """By the schema, and the physics that needs it is not run."""
    assert "R01" in fails(replace(good, node=good.node.drop(columns=column))).failed_rules()


def test_a_column_that_is_there_twice_fails(good: Subject) -> None:
    """Pandas gives a table where a column is expected."""
    fails(replace(good, node=pd.concat([good.node, good.node[["pd_mw"]]], axis=1)))


@pytest.mark.parametrize("key", ["step", "bus"])
@pytest.mark.parametrize("value", [-1, 10_000, 2**31 - 1, -(2**31)])
def test_a_key_out_of_range_fails(good: Subject, key: str, value: int) -> None:
    """No index error, and no wrapping around."""
    node = good.node
    node.loc[5, key] = value
    assert {"R04", "R05"} & set(fails(replace(good, node=node)).failed_rules())


def test_keys_that_are_no_whole_numbers_fail(good: Subject) -> None:
    """Half a step is none."""
    fails(replace(good, node=good.node.assign(step=good.node["step"] + 0.5)))


def test_more_steps_than_declared_fail(small: Dataset) -> None:
    """And fewer do."""
    fails(replace(of_dataset(small), n_steps=49))
    fails(replace(of_dataset(small), n_steps=51))


def test_tables_of_another_network_fail(small: Dataset, medium: Dataset) -> None:
    """Each must have the buses of the case that is declared."""
    fails(replace(of_dataset(small), case="case30"))
    fails(replace(of_dataset(medium), case="case14"))


def test_what_was_not_run_is_never_passed(good: Subject) -> None:
    """Its message says why."""
    report = check_subject(replace(good, node=good.node.rename(columns={"va_deg": "angle"})))
    not_run = {finding.rule: finding.message for finding in report.of_state(State.NOT_RUN)}
    assert {"R11", "R12", "R13", "R19", "R20", "R21"} <= set(not_run)
    assert "va_deg is missing" in not_run["R19"]
    assert not report.spotless


def test_a_set_without_a_baseline_holds_but_is_not_spotless() -> None:
    """Its statistics cannot be judged, and the message says what would help."""
    report = check_subject(of_dataset(generate_dataset(request_dataset("14", 30, seed=3))))
    assert report.holds
    assert report.verdict is Verdict.INCOMPLETE
    assert not report.spotless
    assert "recloser data baseline --case 14 --steps 30" in report.of_state(State.NOT_RUN)[0].message


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_very_short_sets_are_judged(steps: int) -> None:
    """Statistics that need more steps do not stop the rest."""
    report = check_subject(of_dataset(generate_dataset(request_dataset("14", steps, seed=3))))
    assert not [finding for finding in report.of_state(State.FAILED) if finding.gate == "critical"]

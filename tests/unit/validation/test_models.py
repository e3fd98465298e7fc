"""Judgement of models: forecasts, estimations and optimal power flows, by numbers the reference measured."""

import math

import pytest

from recloser.validation import Finding, State
from recloser.validation.models import check_estimation, check_forecast, check_opf


def states(findings: tuple[Finding, ...]) -> list[State]:
    """Passed or failed, in order."""
    return [finding.state for finding in findings]


def test_the_unstable_forecaster_is_found() -> None:
    """Least squares on the small set: root 1.19, 6.3 % against 1.2 % of persistence; with ridge it is good."""
    bad = check_forecast(companion_root=1.19, mape_pct=6.3, persistence_mape_pct=1.2)
    good = check_forecast(companion_root=0.98, mape_pct=1.1, persistence_mape_pct=1.2)
    assert states(bad) == [State.FAILED, State.FAILED]
    assert states(good) == [State.PASSED, State.PASSED]


def test_a_gross_error_stands_out_of_an_estimation() -> None:
    """And residuals far below the noise are no good sign either."""
    assert states(check_estimation(objective=21, degrees_of_freedom=20, largest_normalised=2.1)) == [State.PASSED] * 2
    assert State.FAILED in states(check_estimation(objective=90, degrees_of_freedom=20, largest_normalised=7))
    assert State.FAILED in states(check_estimation(objective=0, degrees_of_freedom=200, largest_normalised=0))
    assert State.FAILED in states(check_estimation(objective=1, degrees_of_freedom=0, largest_normalised=0))


def test_pandapowers_case118_costs_too_much() -> None:
    """129704.74 instead of 129660.69 $/h."""
    assert states(check_opf("case118", ac_cost=129660.69, dc_cost=125947.87, balance_mw=1e-9)) == [State.PASSED] * 4
    assert State.FAILED in states(check_opf("case118", ac_cost=129704.74))
    assert State.FAILED in states(check_opf("case14", ac_cost=7000.0, dc_cost=7642.59))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_fails(value: float) -> None:
    """In each of them."""
    assert State.PASSED not in states(check_forecast(companion_root=value, mape_pct=value, persistence_mape_pct=1))
    assert State.PASSED not in states(check_opf("case14", ac_cost=value, balance_mw=value))

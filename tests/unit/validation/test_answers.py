"""Answers of a service about models of a grid: the numbers the reference measured, and answers that are none."""

from typing import Any

import pytest

from recloser.validation import State, Verdict, check_answer

FORECAST = {"forecast": [[1.0]], "companion_root": 0.98, "stable": True}
ESTIMATE = {"objective": 21.0, "dof": 20, "largest_normalised_residual": 2.1}
DISPATCH = {"cost": 7642.59, "pg_mw": [200.0, 59.0], "load_mw": 259.0}
BASE = {"n_buses": 14, "load_scale": 1.0, "costs": "quadratic"}


@pytest.mark.parametrize(
    ("model", "good", "asked", "broken", "rule"),
    [
        ("forecast", FORECAST, {}, {"companion_root": 1.19}, "R38"),
        ("estimation", ESTIMATE, {}, {"largest_normalised_residual": 7.0}, "R39"),
        ("estimation", ESTIMATE, {}, {"dof": None}, "R39"),
        ("dispatch", DISPATCH, BASE, {"cost": 7700.0}, "R40"),
        ("dispatch", DISPATCH, BASE, {"pg_mw": [200.0, 60.0]}, "R40"),
        ("dispatch", DISPATCH, BASE, {"pg_mw": ["many"]}, "R40"),
    ],
)
def test_a_model_is_judged_by_its_answer(
    model: Any, good: dict[str, Any], asked: dict[str, Any], broken: dict[str, Any], rule: str
) -> None:
    """A good one passes; one number out of bounds, or none at all, is named by its rule."""
    assert check_answer("it", model, good, asked).verdict is Verdict.PASSED
    report = check_answer("it", model, good | broken, asked)
    assert [finding.rule for finding in report.of_state(State.FAILED)] == [rule]


@pytest.mark.parametrize("model", ["forecast", "estimation", "dispatch"])
@pytest.mark.parametrize("document", [{}, [], None, "ok", {"error": "busy"}])
def test_an_answer_without_its_numbers_breaks_its_contract(model: Any, document: object) -> None:
    """Critical, and never a pass."""
    report = check_answer("it", model, document, BASE)
    assert (report.verdict, report.holds) == (Verdict.FAILED, False)
    assert report.findings[0].message.startswith("the answer has no")


def test_a_dispatch_whose_cost_nobody_knows_is_judged_by_its_balance() -> None:
    """Other loads or costs have no known answer; an unknown network has nothing to be judged by."""
    for other in ({"load_scale": 0.9}, {"costs": "linear"}):
        assert len(check_answer("it", "dispatch", DISPATCH | {"cost": 1.0}, BASE | other).findings) == 1
    assert not check_answer("it", "dispatch", DISPATCH, {"n_buses": 15}).holds

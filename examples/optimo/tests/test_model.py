"""What a schedule must obey, and how it must answer to changed inputs, on 14 buses over 24 hours."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from optimo import assembly, inputs, model, solver

GAP = 1e-4


def solve(case):
    return solver.solve(case, model.build(case), mip_gap=GAP, time_limit_s=60)


@pytest.fixture(scope="module")
def case():
    return inputs.read(str(Path(__file__).parents[1] / "data" / "case14"))


@pytest.fixture(scope="module")
def solution(case):
    return solve(case)


@pytest.fixture(scope="module")
def units(case, solution):
    """The schedule with each row's unit data beside it."""
    return solution.schedule.merge(case.generators, on="gen").sort_values(["gen", "hour"])


def test_every_bus_is_balanced(solution):
    """What flows in equals what flows out, to rounding."""
    assert solution.balance_max_mw < 1e-6


def test_units_stay_within_their_limits(units):
    """A unit that is on runs between pmin and pmax, one that is off produces nothing."""
    assert (units["p_mw"] >= units["pmin_mw"] * units["on"] - 1e-5).all()
    assert (units["p_mw"] <= units["pmax_mw"] * units["on"] + 1e-5).all()


def test_all_load_is_served(case, solution):
    """Production equals load and shunts: nothing is shed where capacity is ample."""
    produced_mw = solution.schedule.groupby("hour")["p_mw"].sum().to_numpy()
    demand_mw = case.pd_mw.sum(axis=1) + case.buses["gs_mw"].sum()
    assert solution.shed_mwh == pytest.approx(0, abs=1e-6)
    assert produced_mw == pytest.approx(demand_mw, abs=1e-4)


def test_reserve_is_committed(case, units):
    """In each hour the units that are on could serve 1.1 times the load."""
    committed_mw = (units["on"] * units["pmax_mw"]).groupby(units["hour"]).sum().to_numpy()
    assert (committed_mw >= 1.1 * case.pd_mw.sum(axis=1) - 1e-5).all()


def test_ramps_are_respected(units):
    """Power above the minimum moves by no more than the ramp from hour to hour."""
    above_min_mw = units["p_mw"] - units["pmin_mw"] * units["on"]
    steps_mw = above_min_mw.groupby(units["gen"]).diff().abs()
    assert not (steps_mw > units["ramp_mw"] + 1e-5).any()


def test_started_units_stay_on_for_their_minimum_up_time(units):
    """No run that begins and ends within the day is shorter than min_up_h."""
    for _, unit in units.groupby("gen"):
        on = "".join(unit["on"].astype(str))
        inner_runs = [run for run in on.strip("1").split("0") if run]
        assert all(len(run) >= unit["min_up_h"].iloc[0] for run in inner_runs)


def test_the_relaxation_bounds_the_objective(case, solution):
    """Letting units be half on cannot cost more."""
    problem = model.build(case)
    limits = np.array([(one.lower, one.upper) for one in problem.constraints]).T
    relaxed = milp(
        problem.cost,
        bounds=Bounds(problem.lower, problem.upper),
        constraints=LinearConstraint(assembly.from_terms(problem), *limits),
    )
    assert relaxed.fun <= solution.objective * (1 + 1e-9)
    assert solution.bound <= solution.objective * (1 + 1e-9)


def test_more_load_does_not_cost_less(case, solution):
    """One per cent more load: the cost does not fall, within the gap."""
    assert solve(dataclasses.replace(case, pd_mw=1.01 * case.pd_mw)).objective >= solution.objective * (1 - GAP)


def test_prices_scale_the_objective(case, solution, monkeypatch):
    """All prices twice as high: the objective too, within the gap."""
    monkeypatch.setattr(model, "SHED_PER_MWH", 2 * model.SHED_PER_MWH)
    prices = ["cost_per_mwh", "noload_cost", "startup_cost"]
    dearer = case.generators.assign(**{price: 2 * case.generators[price] for price in prices})
    twice = solve(dataclasses.replace(case, generators=dearer))
    assert twice.objective == pytest.approx(2 * solution.objective, rel=2 * GAP)


def test_the_order_of_rows_does_not_matter(inputs_14, solution):
    """The same tables in another order: the same objective, within the gap."""
    for path in inputs_14.glob("*.csv"):
        pd.read_csv(path, dtype=str).sample(frac=1, random_state=7).to_csv(path, index=False)
    assert solve(inputs.read(str(inputs_14))).objective == pytest.approx(solution.objective, rel=2 * GAP)


def test_both_assemblies_give_the_same_matrix(case):
    """The sheet and the list of coefficients are two ways to one matrix."""
    problem = model.build(case)
    difference = assembly.from_sheet(problem) - assembly.from_terms(problem)
    assert abs(difference).max() == 0


def test_larger_models_are_not_written_as_a_sheet(case, monkeypatch):
    """Above the limit no sheet is made: it would hold billions of zeros."""
    monkeypatch.setattr(assembly, "SHEET_CELLS", 1000)
    monkeypatch.delattr(assembly, "from_sheet")
    assert assembly.matrix(model.build(case)).shape == (1310, 1032)


def test_a_branch_given_twice_is_told(inputs_14, caplog):
    """A repeated branch row is legal (a parallel line), but usually an error of delivery."""
    shutil.copy(inputs_14 / "branches.csv", inputs_14 / "copy.csv")
    last = (inputs_14 / "copy.csv").read_text().splitlines()[-1]
    with (inputs_14 / "branches.csv").open("a") as file:
        file.write(last + "\n")
    assembly.from_sheet(model.build(inputs.read(str(inputs_14))))
    assert "24 constraints repeat others: flow branch" in caplog.text

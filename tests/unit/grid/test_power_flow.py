"""The two engines: they agree, they are exact, and they never pass off a step without solution."""

import pickle
import sys
from dataclasses import replace

import numpy as np
import pytest

from recloser.grid import (
    BadRequestError,
    EngineMissingError,
    Injections,
    NotConvergedError,
    generate_dataset,
    load_network,
    make_engine,
    make_injections,
    request_dataset,
    solve_block,
)
from recloser.grid.engines import EngineName
from recloser.grid.residuals import balance_residuals

CASES = ("case14", "case30", "case118")
ENGINES: tuple[EngineName, ...] = ("lightsim2grid", "chord-newton")


def some_inputs(case: str, n_steps: int = 20, level: float = 0.85) -> Injections:
    """The inputs of a few steps."""
    request = request_dataset(case, n_steps, level=level)
    (block,) = make_injections(request, load_network(case), steps_at_once=n_steps)
    return block


@pytest.mark.parametrize("case", CASES)
def test_both_engines_find_the_same_state(case: str) -> None:
    """One is compiled and sparse, the other is numpy: 1e-8 pu, 1e-8 degrees, 1e-6 MW."""
    first, second = (make_engine(load_network(case), name).solve(some_inputs(case, 96)) for name in ENGINES)
    for name, tolerance in {"vm_pu": 1e-8, "va_deg": 1e-8, "pg_mw": 1e-6, "qg_mvar": 1e-6}.items():
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=0, atol=tolerance, err_msg=name)
    for name in ("pf_mw", "qf_mvar", "pt_mw", "qt_mvar"):
        flows = getattr(first.flows, name), getattr(second.flows, name)
        np.testing.assert_allclose(*flows, rtol=0, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
def test_held_voltages_are_held(case: str, engine: EngineName) -> None:
    """The slack is at its registered angle (30 degrees in case118), every unit at its set-point."""
    network = load_network(case)
    found = make_engine(network, engine).solve(some_inputs(case))
    np.testing.assert_allclose(found.va_deg[:, network.slack_bus], network.slack_angle_deg, rtol=0, atol=1e-10)
    held = ~np.isnan(network.vset_pu)
    np.testing.assert_allclose(found.vm_pu[:, held], np.tile(network.vset_pu[held], (20, 1)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_only_the_slack_departs_from_the_dispatch(engine: EngineName) -> None:
    """Losses are made up for at one bus."""
    network = load_network("case118")
    given = some_inputs("case118")
    found = make_engine(network, engine).solve(given)
    others = np.arange(network.n_buses) != network.slack_bus
    np.testing.assert_allclose(found.pg_mw[:, others], given.pg_mw[:, others], rtol=0, atol=1e-9)
    assert (found.pg_mw[:, network.slack_bus] > 0).all()
    no_unit = np.setdiff1d(network.buses.bus, network.generators.bus)
    assert not found.qg_mvar[:, no_unit].any()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_step_without_solution_is_named_and_nothing_is_returned(engine: EngineName) -> None:
    """Ten times the load cannot be served; steps count from the start of the dataset."""
    given = some_inputs("case30")
    pd_kw = given.pd_kw.copy()
    pd_kw[[3, 11]] *= 10
    with pytest.raises(NotConvergedError, match="case30 did not converge at 2 of 20 steps: 103, 111;") as caught:
        make_engine(load_network("case30"), engine).solve(replace(given, first_step=100, pd_kw=pd_kw))
    assert caught.value.steps == (103, 111)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_goes_on_after_a_step_without_solution(engine: EngineName) -> None:
    """What it keeps between calls is not spoilt."""
    solver = make_engine(load_network("case30"), engine)
    given = some_inputs("case30")
    before = solver.solve(given)
    with pytest.raises(NotConvergedError):
        solver.solve(replace(given, pd_kw=given.pd_kw * 10))
    assert np.array_equal(solver.solve(given).vm_pu, before.vm_pu)


def test_load_at_a_bus_that_had_none_is_served() -> None:
    """Two buses exchanged is a fault we solve on purpose; no engine may drop what it has no slot for."""
    network = load_network("case14")
    given = some_inputs("case14")
    pd_kw, qd_kvar = given.pd_kw.copy(), given.qd_kvar.copy()
    pd_kw[:, [2, 6]], qd_kvar[:, [2, 6]] = pd_kw[:, [6, 2]], qd_kvar[:, [6, 2]]
    moved = replace(given, pd_kw=pd_kw, qd_kvar=qd_kvar)
    first, second = (solve_block(network, make_engine(network, name), moved).state for name in ENGINES)
    np.testing.assert_allclose(first.va_deg, second.va_deg, rtol=0, atol=1e-8)
    assert np.abs(balance_residuals(network, first).p_mw).max() < 1e-6
    assert np.abs(balance_residuals(network, first).q_mvar).max() < 1e-6


def test_inputs_of_another_network_are_refused() -> None:
    """The message says which input and why."""
    network = load_network("case14")
    engine = make_engine(network)
    with pytest.raises(BadRequestError, match=r"pd_kw has the shape \[20, 30\]; case14 needs \[20, 14\]"):
        solve_block(network, engine, some_inputs("case30"))
    given = some_inputs("case14")
    given.pg_kw[3, 9] = 5
    with pytest.raises(BadRequestError, match="Bus 9 of case14 has no unit"):
        solve_block(network, engine, given)


def test_many_failed_steps_are_counted_and_the_first_are_named() -> None:
    """A message stays one line, and travels between processes."""
    error = NotConvergedError("case14", range(40), 50)
    assert "40 of 50 steps: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 30 more;" in str(error)
    assert pickle.loads(pickle.dumps(error)).steps == error.steps  # noqa: S301 - our own bytes


@pytest.mark.parametrize("engine", ENGINES)
def test_heavy_load_converges(engine: EngineName) -> None:
    """At 1.6 times the base load some steps need more than the fast way."""
    found = make_engine(load_network("case118"), engine).solve(some_inputs("case118", 24, level=1.6))
    assert np.isfinite(found.vm_pu).all()
    assert found.vm_pu.min() > 0.5


def test_a_step_is_solved_the_same_alone_and_among_others() -> None:
    """lightsim2grid's rows are independent of each other, to the last bit."""
    engine = make_engine(load_network("case118"), "lightsim2grid")
    given = some_inputs("case118", 30)
    together = engine.solve(given)
    alone = engine.solve(Injections(7, given.pd_kw[7:9].copy(), given.qd_kvar[7:9].copy(), given.pg_kw[7:9].copy()))
    assert np.array_equal(together.vm_pu[7:9], alone.vm_pu)
    assert np.array_equal(together.flows.qt_mvar[7:9], alone.flows.qt_mvar)


def test_without_lightsim2grid_numpy_solves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux on arm64 has no wheel of it; who asks for it by name is told."""
    monkeypatch.setitem(sys.modules, "lightsim2grid.injectionSweep", None)
    network = load_network("case14")
    assert make_engine(network).name == "chord-newton"
    with pytest.raises(EngineMissingError, match="use the engine chord-newton"):
        make_engine(network, "lightsim2grid")


def test_lightsim2grid_is_taken_where_it_is() -> None:
    """It is the faster of the two."""
    assert make_engine(load_network("case14")).name == "lightsim2grid"


def test_an_engine_never_changes_its_inputs() -> None:
    """Inputs are hashed, written and compared after they were solved."""
    request = request_dataset("case14", 10)
    before = some_inputs("case14", 10)
    for engine in ENGINES:
        after = generate_dataset(request, engine=engine).block.injections
        for name in ("pd_kw", "qd_kvar", "pg_kw"):
            assert np.array_equal(getattr(before, name), getattr(after, name))

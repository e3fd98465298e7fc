"""Loads vary as they should, and the power flow obeys physics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmodel.grid import dataset, loads, powerflow
from gridmodel.grid.network import CASES, admittances, load

SETS = [(50, 14), (200, 30), (96, 118)]


def residuals_mw(network, made):
    """How far the document is from Kirchhoff's laws, worst P and worst Q over all buses and steps."""
    vm, va = made.node_targets[..., 0], np.radians(made.node_targets[..., 1])
    voltage = vm * np.exp(1j * va)
    injected = 100 * voltage * (voltage @ admittances(network).bus.T).conj()
    p_error = made.node_features[..., 2] - made.node_features[..., 0] - injected.real
    controlled = network.buses["type"].to_numpy() != 1
    q_error = np.where(controlled, 0, -made.node_features[..., 1] - injected.imag)
    return np.abs(p_error).max(), np.abs(q_error).max()


@pytest.mark.parametrize(("n_steps", "n_buses"), SETS)
def test_every_step_obeys_kirchhoff(n_steps, n_buses):
    """Power balances at every bus within 1e-7 MW."""
    network = load(n_buses)
    assert max(residuals_mw(network, dataset.generate(network, n_steps=n_steps, seed=3))) < 1e-7


@settings(max_examples=15, deadline=None)
@given(n_steps=st.integers(1, 40), n_buses=st.sampled_from([14, 30]), seed=st.integers(0, 2**53 - 1))
def test_any_request_gives_a_sound_set(n_steps, n_buses, seed):
    """Shapes as asked, numbers finite, balance kept."""
    network = load(n_buses)
    made = dataset.generate(network, n_steps=n_steps, seed=seed)
    assert made.node_features.shape == (n_steps, n_buses, 3)
    assert made.edge_targets.shape == (n_steps, len(network.branches), 4)
    assert np.isfinite(made.node_targets).all()
    assert max(residuals_mw(network, made)) < 1e-7


@pytest.mark.parametrize(("n_steps", "n_buses"), SETS)
def test_set_points_are_held(n_steps, n_buses):
    """Units hold their voltage, the slack its angle; branches lose power, never make it."""
    network = load(n_buses)
    made = dataset.generate(network, n_steps=n_steps, seed=3)
    units = network.generators
    held = made.node_targets[:, units["bus"], 0]
    np.testing.assert_allclose(held, np.tile(units["vset_pu"], (n_steps, 1)), atol=1e-12)
    np.testing.assert_allclose(made.node_targets[:, network.slack, 1], network.buses["va0_deg"][network.slack])
    assert (made.edge_targets[..., 0] + made.edge_targets[..., 2]).min() > -1e-9


def test_the_seed_decides():
    """The same seed gives the same set, another one another."""
    one, same, other = (dataset.generate(load(14), n_steps=20, seed=seed) for seed in (5, 5, 6))
    assert one.meta == same.meta
    np.testing.assert_array_equal(one.node_targets, same.node_targets)
    assert one.meta["inputs_sha256"] != other.meta["inputs_sha256"]


def test_loads_are_correlated_in_time_and_space():
    """The system's load moves slowly, and buses move with it."""
    pd_mw = loads.make(load(118), 1000, 1).pd_mw
    total = pd_mw.sum(axis=1)
    assert np.corrcoef(total[1:], total[:-1])[0, 1] > 0.95
    loaded = pd_mw[:, pd_mw[0] > 0]
    assert np.median([np.corrcoef(total, bus)[0, 1] for bus in loaded.T]) > 0.9


def test_loads_are_whole_kilowatts():
    """So that their hash is the same on any machine."""
    made = loads.make(load(30), 50, 1)
    for power in (made.pd_mw, made.qd_mvar, made.pg_mw):
        np.testing.assert_array_equal(power, np.rint(1000 * power) / 1000)


def test_dispatch_stays_within_the_units_limits():
    """Except for the slack, which takes what is left."""
    network = load(118)
    made = dataset.generate(network, n_steps=200, seed=2)
    units = network.generators[~network.generators["is_slack"]]
    power = made.node_features[:, units["bus"], 2]
    assert (power >= units["pmin_mw"].to_numpy() - 1e-9).all()
    assert (power <= units["pmax_mw"].to_numpy() + 1e-9).all()


def test_chunks_do_not_show(monkeypatch):
    """A set solved in chunks is the set solved at once."""
    network = load(14)
    whole = dataset.generate(network, n_steps=50, seed=1)
    monkeypatch.setattr(powerflow, "CHUNK_STEPS", 7)
    np.testing.assert_allclose(
        dataset.generate(network, n_steps=50, seed=1).node_targets, whole.node_targets, atol=1e-9
    )


def test_steps_the_chord_loses_are_solved_one_by_one(monkeypatch):
    """A heavily loaded step converges with a Newton iteration of its own."""
    network = load(14)
    made = loads.make(network, 20, 1)
    monkeypatch.setattr(powerflow, "CHORD_ITERATIONS", 3)
    solution = powerflow.solve(network, 2 * (made.pg_mw - made.pd_mw), -2 * made.qd_mvar)
    injected = solution.p_mw[:, 1:] - 2 * (made.pg_mw - made.pd_mw)[:, 1:]
    assert np.abs(injected).max() < 1e-7


def test_a_step_without_a_solution_is_named():
    """Twenty times the load has no power flow; the others do not hide it."""
    network = load(14)
    made = loads.make(network, 5, 1)
    factor = np.array([1, 1, 20, 1, 1])[:, None]
    with pytest.raises(powerflow.DivergedError, match=r"at 1 steps, the first of them \[2\]"):
        powerflow.solve(network, factor * (made.pg_mw - made.pd_mw), -factor * made.qd_mvar)


def test_the_case118_defect_is_silent_but_wrong():
    """Without the charging of one line all shapes and tables are right, and the reactive balance is not."""
    network = load(118)
    made = dataset.generate(network, n_steps=5, seed=1, solved_on=network.without_charging())
    assert made.meta["network_sha256"] == network.sha256()
    p_error, q_error = residuals_mw(network, made)
    assert p_error < 1e-7
    assert q_error > 0.1


@pytest.mark.parametrize("n_buses", CASES)
def test_the_document_names_itself(n_buses):
    """What is in it, in which units, made from what."""
    meta = dataset.generate(load(n_buses), n_steps=1, seed=9).meta
    assert (meta["n_buses"], meta["n_steps"], meta["seed"]) == (n_buses, 1, 9)
    assert meta["case"] == f"case{n_buses}"
    assert meta["n_edges"] == len(load(n_buses).branches)

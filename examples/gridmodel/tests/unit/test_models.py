"""Forecast, state estimation and dispatch, each on what is known about it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gridmodel import estimation, forecasting, models, opf
from gridmodel.grid import dataset
from gridmodel.grid.network import CASES, load, susceptances


def mape(forecast, truth):
    """Mean absolute error relative to the truth."""
    return float(np.abs(forecast / truth - 1).mean())


def test_a_known_autoregression_is_found():
    """On a long history of a model without noise to speak of, the forecast is the model's own."""
    generator = np.random.default_rng(1)
    truth = np.array([[0.7, 0.2], [-0.1, 0.8]])
    series = np.zeros((3000, 2))
    for at in range(1, len(series)):
        series[at] = series[at - 1] @ truth.T + generator.standard_normal(2)
    for method in forecasting.METHODS:
        made = forecasting.forecast(series, steps=1, method=method)
        np.testing.assert_allclose(made.values[0], series[-1] @ truth.T, atol=0.25)
        assert made.companion_root == pytest.approx(np.abs(np.linalg.eigvals(truth)).max(), abs=0.05)


@settings(max_examples=60, deadline=None)
@given(arrays(float, st.tuples(st.integers(4, 30), st.integers(1, 6)), elements=st.floats(-1e9, 1e9)))
def test_any_history_has_a_stable_finite_forecast(history):
    """Ridge never runs away, whatever the history is."""
    made = forecasting.forecast(history, steps=96)
    assert made.values.shape == (96, history.shape[1])
    assert np.isfinite(made.values).all()
    assert made.stable


def test_constant_series_stay_constant():
    """Buses without load are forecast to have none."""
    history = np.column_stack([np.zeros(20), np.sin(np.arange(20)), np.full(20, 7.0)])
    made = forecasting.forecast(history, steps=3)
    np.testing.assert_array_equal(made.values[:, [0, 2]], [[0, 7]] * 3)
    np.testing.assert_array_equal(forecasting.forecast(history[:, [0, 2]], steps=2).values, [[0, 7]] * 2)


def test_least_squares_is_unstable_on_the_small_set_and_ridge_is_not():
    """Over twenty seeds: least squares mostly runs away and is worse than the last value; ridge never is."""
    errors = {method: [] for method in (*forecasting.METHODS, "last")}
    stable = {method: [] for method in forecasting.METHODS}
    for seed in range(100, 120):
        pd_mw = dataset.generate(load(14), n_steps=50, seed=seed).node_features[..., 0]
        known, truth = pd_mw[:-5], pd_mw[-5:]
        loaded = truth[0] > 0
        errors["last"].append(mape(known[-1, loaded], truth[:, loaded]))
        for method in forecasting.METHODS:
            made = forecasting.forecast(known, steps=5, method=method)
            errors[method].append(mape(made.values[:, loaded], truth[:, loaded]))
            stable[method].append(made.stable)
    assert all(stable["ridge"])
    assert np.mean(stable["least_squares"]) < 0.5
    assert np.mean(errors["ridge"]) < 1.1 * np.mean(errors["last"])
    assert np.mean(errors["least_squares"]) > 2 * np.mean(errors["last"])


@pytest.fixture(params=CASES)
def measured(request):
    """A network, and injections and flows of an AC solution of it."""
    network = load(request.param)
    made = dataset.generate(network, n_steps=1, seed=4)
    pd_mw, _, pg_mw = made.node_features[0].T
    return network, pg_mw - pd_mw, made.edge_targets[0, :, 0]


def test_exact_measurements_are_explained_exactly():
    """Injections and flows of known angles give these angles back, with nothing left over."""
    network, dc = load(118), susceptances(118)
    angle = np.radians(np.linspace(-20, 20, 118))
    angle -= angle[network.slack]
    made = estimation.estimate(
        network, p_injection_mw=dc.buses @ angle + dc.fixed_mw, p_flow_mw=dc.flows @ angle + dc.shift_flow_mw
    )
    np.testing.assert_allclose(made.angle_deg, np.degrees(angle), atol=1e-9)
    assert made.objective < 1e-12
    assert made.suspect is None


def test_sound_ac_measurements_raise_no_alarm(measured):
    """The error of the approximation is inside the default sigma."""
    network, injections, flows = measured
    made = estimation.estimate(network, p_injection_mw=injections, p_flow_mw=flows)
    assert not made.bad_data
    assert made.dof == network.n_buses + len(network.branches) - (network.n_buses - 1)


def test_a_gross_error_is_found_and_named(measured):
    """60 MW too much at any injection or flow: the test fails and the suspect is the culprit."""
    network, injections, flows = measured
    for bus in range(0, network.n_buses, 7):
        wrong = injections + 60 * (np.arange(network.n_buses) == bus)
        made = estimation.estimate(network, p_injection_mw=wrong, p_flow_mw=flows)
        assert made.suspect == {"kind": "p_injection_mw", "bus": bus}
    wrong = flows + 60 * (np.arange(len(flows)) == 3)
    found = estimation.estimate(network, p_injection_mw=injections, p_flow_mw=wrong).suspect
    assert found == {"kind": "p_flow_mw", "branch": 3}


@pytest.mark.parametrize("n_buses", CASES)
@pytest.mark.parametrize("costs", opf.COSTS)
def test_a_dispatch_serves_the_load_within_the_limits(n_buses, costs):
    """Balance, units and branches; the price of a MW is what one more MW costs."""
    network = load(n_buses)
    made = opf.dispatch(network, load_scale=1.0, costs=costs)
    assert made.pg_mw.sum() == pytest.approx(made.load_mw + network.buses["gs_mw"].sum())
    assert (made.pg_mw <= network.generators["pmax_mw"] + 1e-6).all()
    assert (np.abs(made.p_flow_mw) <= network.branches["rate_mva"] + 1e-6).all()
    more = opf.dispatch(network, load_scale=1.0 + 1e-3, costs=costs)
    paid = made.price @ network.buses["pd0_mw"] * 1e-3
    assert more.cost - made.cost == pytest.approx(paid, rel=0.02)


def test_a_load_beyond_all_units_is_infeasible():
    """It says how much could not be served."""
    with pytest.raises(opf.InfeasibleError, match=r"1295\.0 MW"):
        opf.dispatch(load(14), load_scale=5)


def test_every_model_is_ready_unless_left_out():
    """The start tries each; one that is left out, or fails, is not ready."""
    assert all(models.prepare().values())
    assert [name for name, ready in models.prepare("opf").items() if not ready] == ["opf"]
    with pytest.raises(ValueError, match="no model 'opt'; there are power-flow, forecasting"):
        models.prepare("opt")


def test_a_model_that_fails_its_trial_is_not_ready(monkeypatch):
    """Its failure is logged, the others are tried all the same."""

    def broken():
        raise RuntimeError("no")

    monkeypatch.setitem(models.MODELS, "opf", broken)
    assert models.prepare() == {"power-flow": True, "forecasting": True, "state-estimation": True, "opf": False}

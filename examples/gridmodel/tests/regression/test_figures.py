"""Figures that must not move unnoticed: data sets, known answers, and the mistakes that were made before."""

import numpy as np
import pytest

from gridmodel import forecasting, opf
from gridmodel.grid import dataset, loads, powerflow
from gridmodel.grid.network import CASES, admittances, load

# seed 1; sums in MW, voltages in pu. Inputs are compared by hash, results by tolerance: their last bits depend on the
# machine.
FINGERPRINTS = {
    (50, 14): {
        "inputs_sha256": "9845285ff0fc4f7f1ce83319f744c57db01b94f720937b7e22728e1c0d1acbff",
        "sum_pd": 10586.291,
        "sum_loss": 447.078085796,
        "min_vm": 1.01,
        "mean_abs_pf": 26.9534797254,
    },
    (200, 30): {
        "inputs_sha256": "9c03e43ecb0f0de63ea63fc6073628769d652075ef683233c607d6d3bd9e5761",
        "sum_pd": 32014.136,
        "sum_loss": 344.410926602,
        "min_vm": 0.962276951893,
        "mean_abs_pf": 7.3796275042,
    },
    (1000, 118): {
        "inputs_sha256": "a19ec0f32534e029932744db4ab0afa56a0eb8731a38b304c5213e5f4b937b05",
        "sum_pd": 3539671.483,
        "sum_loss": 95883.7413175,
        "min_vm": 0.943,
        "mean_abs_pf": 43.0563917349,
    },
}
# data/ieee/README.md: DC optimal power flow and base power flow of PYPOWER 5.1.21.
DC_OPF = {14: 7642.5937, 30: 565.2060, 118: 125947.8727}
BASE = {14: (13.3933, 1.01, 1.09), 30: (2.4438, 0.9606, 1.0), 118: (132.8629, 0.943, 1.05)}


@pytest.mark.parametrize(("n_steps", "n_buses"), FINGERPRINTS)
def test_the_reference_sets_stay_as_they_are(n_steps, n_buses):
    """The same inputs to the last bit, the same physics to nine digits."""
    made = dataset.generate(load(n_buses), n_steps=n_steps, seed=1)
    expected = dict(FINGERPRINTS[n_steps, n_buses])
    assert made.meta["inputs_sha256"] == expected.pop("inputs_sha256")
    flows = made.edge_targets
    assert {
        "sum_pd": made.node_features[..., 0].sum(),
        "sum_loss": (flows[..., 0] + flows[..., 2]).sum(),
        "min_vm": made.node_targets[..., 0].min(),
        "mean_abs_pf": np.abs(flows[..., 0]).mean(),
    } == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n_buses", CASES)
def test_the_base_power_flow_is_the_published_one(n_buses):
    """Losses, lowest and highest voltage."""
    network = load(n_buses)
    buses, units = network.buses, network.generators
    p_mw = -buses["pd0_mw"].to_numpy()
    np.add.at(p_mw, units["bus"].to_numpy(), units["pg0_mw"].to_numpy())
    solution = powerflow.solve(network, p_mw[None], -buses["qd0_mvar"].to_numpy()[None])
    found = ((solution.pf_mw + solution.pt_mw).sum(), solution.vm_pu.min(), solution.vm_pu.max())
    assert found == pytest.approx(BASE[n_buses], abs=5e-5)


@pytest.mark.parametrize("n_buses", CASES)
def test_the_quadratic_dispatch_costs_what_is_published(n_buses):
    """To 1e-7 of the cost."""
    made = opf.dispatch(load(n_buses), load_scale=1.0, costs="quadratic")
    assert made.cost == pytest.approx(DC_OPF[n_buses], rel=2e-7)


def test_bus_81_has_the_voltage_that_a_lost_charging_takes_from_it():
    """0.99681 pu; a widely used copy of this case gives 0.98324 because four lines lost their charging."""
    network = load(118)
    buses, units = network.buses, network.generators
    p_mw = -buses["pd0_mw"].to_numpy()
    np.add.at(p_mw, units["bus"].to_numpy(), units["pg0_mw"].to_numpy())
    solution = powerflow.solve(network, p_mw[None], -buses["qd0_mvar"].to_numpy()[None])
    assert solution.vm_pu[0, buses["ext_id"] == 81] == pytest.approx(0.99681, abs=5e-6)


def test_parallel_branches_carry_their_own_flows():
    """Seven pairs of case118 connect the same buses; flows are kept by branch, and their admittances add up."""
    network = load(118)
    pairs = network.branches[["from_bus", "to_bus"]].duplicated(keep=False)
    assert pairs.sum() == 14
    assert np.abs(admittances(network).bus.sum(axis=1)).max() < 20
    flows = dataset.generate(network, n_steps=1, seed=0).edge_targets[0, pairs, 0]
    assert (np.abs(flows) > 0.1).all()


def test_the_slack_angle_of_case118_is_30_degrees():
    """A flat start at 0 would turn all angles by it."""
    network = load(118)
    made = dataset.generate(network, n_steps=1, seed=0)
    assert made.node_targets[0, network.slack, 1] == pytest.approx(30.0)


def test_buses_without_load_do_not_upset_the_forecast():
    """Constant columns once made the scale zero and every forecast `null`."""
    pd_mw = loads.make(load(14), 50, 1).pd_mw
    made = forecasting.forecast(pd_mw, steps=5)
    assert np.isfinite(made.values).all()
    assert (made.values[:, pd_mw[0] == 0] == 0).all()

"""The tables are the registered ones, and the matrices made from them are consistent."""

import numpy as np
import pytest

from gridmodel.grid import layout
from gridmodel.grid.network import CASES, admittances, load, susceptances

# data/ieee/README.md registers them.
REGISTERED = {
    14: "e42b8aa65f9fdf7f0a1a7e8759a58085dca046d6e4f3cb63d79667d70fd5bfd1",
    30: "5cb2a373651b996f4034cbe896ea88496edf1d037eec7bb5c8175622981ce732",
    118: "f7a97375d8fa16c83923bed34e16e17a21ae1843a7c54f8b1a05f2af85bb04b8",
}


@pytest.mark.parametrize("n_buses", CASES)
def test_the_tables_are_the_registered_ones(n_buses):
    """Content hash and size."""
    network = load(n_buses)
    assert network.n_buses == n_buses
    assert network.sha256() == REGISTERED[n_buses]


@pytest.mark.parametrize("n_buses", CASES)
def test_the_bus_matrix_is_that_of_its_branches(n_buses):
    """At any voltages, the current into a bus is the sum of its branches' and its shunt's."""
    network = load(n_buses)
    grid = admittances(network)
    voltage = np.exp(1j * np.linspace(0, 1, n_buses))
    current = (network.buses["gs_mw"] + 1j * network.buses["bs_mvar"]).to_numpy() / 100 * voltage
    start, end = network.ends
    np.add.at(current, start, grid.from_end @ voltage)
    np.add.at(current, end, grid.to_end @ voltage)
    np.testing.assert_allclose(grid.bus @ voltage, current, atol=1e-12)


@pytest.mark.parametrize("n_buses", CASES)
def test_dc_flows_leave_nothing_behind(n_buses):
    """What all buses inject adds up to nothing but shunts."""
    dc = susceptances(n_buses)
    angles = np.linspace(-0.2, 0.2, n_buses)
    assert (dc.buses @ angles).sum() == pytest.approx(0, abs=1e-6)
    assert dc.fixed_mw.sum() == pytest.approx(load(n_buses).buses["gs_mw"].sum())


def test_losing_a_charging_shows_in_no_other_column():
    """One value of one column differs, and the original keeps it."""
    network = load(118)
    damaged = network.without_charging()
    differing = (network.branches != damaged.branches).sum()
    assert differing["b_pu"] == 1
    assert differing.sum() == 1
    assert network.sha256() == REGISTERED[118]


@pytest.mark.parametrize("n_buses", CASES)
def test_buses_are_laid_out_apart(n_buses):
    """All on the page, no two on one spot, the same every time."""
    places = layout.positions(load(n_buses))
    assert places.shape == (n_buses, 2)
    assert places.min() == 0
    assert places.max() == 1
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(n_buses)
    assert apart.min() > 0.01
    np.testing.assert_array_equal(places, layout.positions(load(n_buses)))

"""Known answers: PYPOWER and pandapower on our tables, and a network that is silently wrong."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pypower.api import rundcopf, runopf, runpf

from recloser.grid import Flows, Network, State, generate_dataset, load_network, request_dataset
from recloser.grid.residuals import balance_residuals
from tests.integration.grid.oracles import OPTIONS, pypower_case

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

    from recloser.grid.engines import EngineName

CASES = ("case14", "case30", "case118")
N_STEPS = {"case14": 50, "case30": 200, "case118": 1000}
PD, QD = 2, 3
PG, QG = 1, 2
VM, VA = 7, 8
PF, QF, PT, QT = 13, 14, 15, 16


@pytest.mark.parametrize("engine", ["lightsim2grid", "chord-newton"])
@pytest.mark.parametrize("case", CASES)
def test_the_power_flow_is_pypowers(case: str, engine: EngineName) -> None:
    """Ten steps spread over the dataset: 1e-8 pu, 1e-8 degrees, 1e-6 MW, in voltages, flows and units."""
    dataset = generate_dataset(request_dataset(case, N_STEPS[case], seed=11), engine=engine)
    given, state, units = dataset.block.injections, dataset.block.state, dataset.network.generators
    for step in np.linspace(0, N_STEPS[case] - 1, 10).astype(int):
        oracle = pypower_case(case)
        oracle["bus"][:, PD], oracle["bus"][:, QD] = given.pd_mw[step], given.qd_mvar[step]
        oracle["gen"][:, PG] = given.pg_mw[step, units.bus]
        found, converged = runpf(oracle, OPTIONS)
        assert converged
        expected = {
            "vm_pu": (state.vm_pu[step], found["bus"][:, VM], 1e-8),
            "va_deg": (state.va_deg[step], found["bus"][:, VA], 1e-8),
            "pg_mw": (state.pg_mw[step, units.bus], found["gen"][:, PG], 1e-6),
            "qg_mvar": (state.qg_mvar[step, units.bus], found["gen"][:, QG], 1e-6),
            "pf_mw": (state.flows.pf_mw[step], found["branch"][:, PF], 1e-6),
            "qf_mvar": (state.flows.qf_mvar[step], found["branch"][:, QF], 1e-6),
            "pt_mw": (state.flows.pt_mw[step], found["branch"][:, PT], 1e-6),
            "qt_mvar": (state.flows.qt_mvar[step], found["branch"][:, QT], 1e-6),
        }
        for name, (ours, theirs, tolerance) in expected.items():
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance, err_msg=f"{name} at step {step}")


@pytest.mark.parametrize(
    ("case", "ac_usd_per_h", "dc_usd_per_h", "losses_mw", "slack_mw"),
    [
        ("case14", 8081.53, 7642.59, 13.393, 232.393),
        ("case30", 576.89, 565.21, 2.444, 25.974),
        ("case118", 129_660.69, 125_947.87, 132.863, 513.863),
    ],
)
def test_the_tables_have_the_published_optimal_power_flow(
    case: str, ac_usd_per_h: float, dc_usd_per_h: float, losses_mw: float, slack_mw: float
) -> None:
    """Objectives of AC and DC OPF, losses and slack of the base case: what others found for the same networks."""
    ac = runopf(pypower_case(case), OPTIONS)
    assert ac["success"]
    assert ac["f"] == pytest.approx(ac_usd_per_h, abs=0.005)
    dc = rundcopf(pypower_case(case), OPTIONS)
    assert dc["success"]
    assert dc["f"] == pytest.approx(dc_usd_per_h, abs=0.005)
    base, converged = runpf(pypower_case(case), OPTIONS)
    assert converged
    assert base["branch"][:, [PF, PT]].sum() == pytest.approx(losses_mw, abs=5e-4)
    assert base["gen"][load_network(case).slack_unit, PG] == pytest.approx(slack_mw, abs=5e-4)


def test_pandapowers_case118_is_found_to_be_another_network() -> None:
    """It solves, its tables are well-formed, and four of its lines have the wrong charging: physics says where."""
    import pandapower.networks  # noqa: PLC0415

    network = load_network("case118")
    state = solve_in_pandapower(network, pandapower.networks.case118())
    residuals = balance_residuals(network, state)
    assert np.abs(residuals.p_mw).max() < 1e-6, "real power does not depend on charging"
    worst = np.argsort(-np.abs(residuals.q_mvar[0]))
    assert np.abs(residuals.q_mvar).max() > 1.0
    assert 81 in network.buses.ext_id[worst[:4]], "the bus it solves to 0.983 in place of 0.997 pu"
    assert (np.abs(residuals.q_mvar) > 1e-4).sum() < 20, "the rest of the network is right"
    assert state.vm_pu[0, np.flatnonzero(network.buses.ext_id == 81)[0]] == pytest.approx(0.98325, abs=1e-4)


def test_case118_rebuilt_in_pandapower_from_our_tables_is_ours() -> None:
    """The control: the same solver and the same residuals, and nothing is found."""
    from pandapower.converter.pypower.from_ppc import from_ppc  # noqa: PLC0415

    network = load_network("case118")
    net = from_ppc(pypower_case("case118"), f_hz=60, validate_conversion=False)
    residuals = balance_residuals(network, solve_in_pandapower(network, net))
    assert max(np.abs(residuals.p_mw).max(), np.abs(residuals.q_mvar).max()) < 1e-6


def solve_in_pandapower(network: Network, net: pandapowerNet) -> State:
    """The base case as pandapower solves it; its buses are in our order."""
    import pandapower  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecations are not ours
        pandapower.runpp(net, tolerance_mva=1e-9, trafo_model="pi", numba=False)
    assert len(net.bus) == network.n_buses
    produced = np.zeros((2, network.n_buses))
    for element in ("gen", "ext_grid", "sgen"):
        found: Any = net[f"res_{element}"]
        at = net.bus.index.get_indexer(net[element]["bus"])
        np.add.at(produced, (slice(None), at), found[["p_mw", "q_mvar"]].to_numpy().T)
    none = np.zeros((1, network.n_branches))
    return State(
        pd_mw=network.buses.pd0_mw[None],
        qd_mvar=network.buses.qd0_mvar[None],
        pg_mw=produced[:1],
        qg_mvar=produced[1:],
        vm_pu=net.res_bus["vm_pu"].to_numpy()[None],
        va_deg=net.res_bus["va_degree"].to_numpy()[None],
        flows=Flows(none, none, none, none),
    )

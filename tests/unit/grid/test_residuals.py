"""Residuals: nothing where physics holds, and something at the right place where it does not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.grid import Network, State, generate_dataset, load_network, parse_network, physics, request_dataset
from recloser.grid import residuals as res

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = ("case14", "case30", "case118")
STEPS = 12
STEP, TOLERANCE = 5, 1e-6


@cache
def solved(case: str) -> tuple[Network, State]:
    """A few clean steps."""
    dataset = generate_dataset(request_dataset(case, STEPS, seed=8))
    return dataset.network, dataset.block.state


def spoil(values: np.ndarray, column: int, change: Callable[[float], float]) -> np.ndarray:
    """A copy with one number changed."""
    copy = values.copy()
    copy[STEP, column] = change(copy[STEP, column])
    return copy


def hit(values: np.ndarray) -> list[tuple[int, int]]:
    """Step and position of every residual that is not nothing; NaN is not nothing."""
    return [(int(step), int(at)) for step, at in np.argwhere(~(np.abs(values) <= TOLERANCE))]


def neighbours(network: Network, bus: int) -> set[int]:
    """A bus and the other ends of its branches."""
    ends = np.column_stack([network.branches.from_bus, network.branches.to_bus])
    return set(ends[(ends == bus).any(axis=1)].ravel().tolist())


@pytest.mark.parametrize("case", CASES)
def test_a_solved_step_has_no_residuals(case: str) -> None:
    """As clean as the reference: 1e-8 MW and Mvar at buses, 1.5e-10 in flows, set-points to the last bits."""
    network, state = solved(case)
    for found in (res.balance_residuals(network, state), res.nodal_residuals(network, state)):
        assert np.abs(found.p_mw).max() <= 1e-8
        assert np.abs(found.q_mvar).max() <= 1e-8
    flows = res.flow_residuals(network, state)
    assert max(np.abs(flow).max() for flow in (flows.pf_mw, flows.qf_mvar, flows.pt_mw, flows.qt_mvar)) <= 1.5e-10
    held = res.setpoint_residuals(network, state)
    assert max(np.abs(values).max() for values in held) <= 1e-12
    assert np.abs(res.system_residuals_mw(network, state)).max() <= 1e-8
    assert res.branch_losses_mw(state).min() >= -1e-9


@pytest.mark.parametrize("case", CASES)
def test_injections_by_branches_are_those_of_the_admittance_matrix(case: str) -> None:
    """Two ways to the same sum: gathered over branches, and V conj(Y V)."""
    network, state = solved(case)
    voltage = physics.phasors(state.vm_pu, state.va_deg)
    by_matrix = voltage * np.conj(voltage @ physics.admittance_matrix(network).T) * network.base_mva
    p_mw, q_mvar = physics.bus_injections(network, state.vm_pu, physics.branch_flows(network, voltage))
    np.testing.assert_allclose(p_mw + 1j * q_mvar, by_matrix, rtol=0, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(bus=st.integers(0, 117), error_mw=st.sampled_from([-50.0, -0.001, 0.001, 3.0]))
def test_a_wrong_load_shows_at_its_bus_alone(bus: int, error_mw: float) -> None:
    """One kilowatt is seen, by voltages and by flows."""
    network, state = solved("case118")
    spoilt = replace(state, pd_mw=spoil(state.pd_mw, bus, lambda mw: mw + error_mw))
    for found in (res.balance_residuals(network, spoilt), res.nodal_residuals(network, spoilt)):
        assert hit(found.p_mw) == [(STEP, bus)]
        assert found.p_mw[STEP, bus] == pytest.approx(-error_mw, abs=TOLERANCE)
        assert not hit(found.q_mvar)
    assert res.system_residuals_mw(network, spoilt)[STEP] == pytest.approx(-error_mw, abs=TOLERANCE)


@settings(max_examples=30, deadline=None)
@given(bus=st.integers(0, 117), broken=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_a_number_that_is_none_stays_with_its_neighbours(bus: int, broken: float) -> None:
    """It is not judged as a good one, and it does not spoil the rest of the step."""
    network, state = solved("case118")
    with np.errstate(invalid="ignore"):
        found = res.balance_residuals(network, replace(state, vm_pu=spoil(state.vm_pu, bus, lambda _: broken)))
    assert {at for _, at in hit(found.p_mw)} == neighbours(network, bus)
    assert {step for step, _ in hit(found.p_mw)} == {STEP}


@settings(max_examples=30, deadline=None)
@given(branch=st.integers(0, 185), name=st.sampled_from(["pf_mw", "qf_mvar", "pt_mw", "qt_mvar"]))
def test_a_wrong_flow_shows_on_its_branch_and_at_its_bus(branch: int, name: str) -> None:
    """Voltages say which of the four numbers; the sum at the bus says so without admittances."""
    network, state = solved("case118")
    wrong = spoil(getattr(state.flows, name), branch, lambda flow: flow + 1)
    spoilt = replace(state, flows=replace(state.flows, **{name: wrong}))
    flows = res.flow_residuals(network, spoilt)
    assert hit(getattr(flows, name)) == [(STEP, branch)]
    assert sum(len(hit(getattr(flows, other))) for other in ("pf_mw", "qf_mvar", "pt_mw", "qt_mvar")) == 1
    ends = network.branches.from_bus if "f_" in name else network.branches.to_bus
    nodal = res.nodal_residuals(network, spoilt)
    assert hit(nodal.p_mw if name.startswith("p") else nodal.q_mvar) == [(STEP, ends[branch])]
    assert not hit(res.balance_residuals(network, spoilt).p_mw)


@pytest.mark.parametrize("case", CASES)
def test_a_moved_voltage_shows_in_flows_but_not_in_their_sums(case: str) -> None:
    """The stored flows still add up; only the voltages disagree with them."""
    network, state = solved(case)
    bus = int(np.flatnonzero(network.buses.type == 1)[0])
    spoilt = replace(state, va_deg=spoil(state.va_deg, bus, lambda deg: deg + 0.001))
    assert (STEP, bus) in hit(res.balance_residuals(network, spoilt).p_mw)
    assert hit(res.flow_residuals(network, spoilt).pf_mw)
    assert not hit(res.nodal_residuals(network, spoilt).p_mw)


def test_shifting_all_angles_shows_at_the_slack_alone() -> None:
    """No flow depends on where angles are counted from, so only the registered angle tells."""
    network, state = solved("case14")
    spoilt = replace(state, va_deg=state.va_deg + 5)
    assert not hit(res.balance_residuals(network, spoilt).p_mw)
    held = res.setpoint_residuals(network, spoilt)
    np.testing.assert_allclose(held.slack_va_rad, np.deg2rad(5), rtol=0, atol=1e-12)


def test_a_full_turn_of_the_slack_is_no_error() -> None:
    """390 degrees are 30 degrees."""
    network, state = solved("case118")
    held = res.setpoint_residuals(network, replace(state, va_deg=state.va_deg + 360))
    assert np.abs(held.slack_va_rad).max() < 1e-12


def test_a_unit_off_its_set_point_is_found_at_its_bus() -> None:
    """PQ buses have no set-point and are never blamed."""
    network, state = solved("case14")
    spoilt = replace(state, vm_pu=state.vm_pu + 0.01)
    held = res.setpoint_residuals(network, spoilt)
    assert {at for _, at in hit(held.pv_vm_pu)} == {1, 2, 5, 7}
    np.testing.assert_allclose(held.slack_vm_pu, 0.01, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        ("branches.csv", b"\n0,0,1,0.01938,0.05917,0.0528,", b"\n0,0,1,0.01938,0.05917,0.0,"),
        ("branches.csv", b"0.932", b"1.0"),
        ("branches.csv", b",true,9900.0\n", b",false,9900.0\n"),
        ("buses.csv", b",0.0,19.0,", b",0.0,0.0,"),
    ],
    ids=["a line's charging", "a tap", "a branch out of service", "a shunt"],
)
def test_another_network_than_the_one_solved_is_noticed(table: str, old: bytes, new: bytes) -> None:
    """What the silent bugs of network data look like: every table is well-formed, and physics does not hold."""
    network, state = solved("case14")
    content = network.files[table]
    assert old in content
    changed = dict(network.files) | {table: content.replace(old, new, 1)}
    other = parse_network("other", changed, base_mva=100.0)
    found = res.balance_residuals(other, state)
    assert hit(found.q_mvar)
    assert not hit(res.nodal_residuals(network, state).q_mvar)


def test_loading_counts_the_worse_end_against_the_rating() -> None:
    """One per cent of loading is one per cent of the rating in MVA."""
    network, state = solved("case14")
    loading = physics.loading_pct(network, state.flows)
    at_from = np.abs(state.flows.pf_mw + 1j * state.flows.qf_mvar)
    at_to = np.abs(state.flows.pt_mw + 1j * state.flows.qt_mvar)
    np.testing.assert_allclose(loading, 100 * np.maximum(at_from, at_to) / network.branches.rate_mva)
    assert (at_to > at_from).any()
    assert hit(res.loading_residuals_pct(network, state.flows, spoil(loading, 3, lambda pct: pct + 1))) == [(STEP, 3)]


def test_angles_across_branches_are_those_of_their_ends() -> None:
    """From end less to end."""
    network = load_network("case30")
    _, state = solved("case30")
    across = res.angle_differences_deg(network, state.va_deg)
    assert across[3, 7] == state.va_deg[3, network.branches.from_bus[7]] - state.va_deg[3, network.branches.to_bus[7]]

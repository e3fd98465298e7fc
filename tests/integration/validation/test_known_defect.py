"""pandapower's case118, which solves, is well-formed, and has the wrong charging on four lines (its issue 3110)."""

from dataclasses import replace

import numpy as np
import pandapower.networks

from recloser.grid import Block, Injections, frames, load_network, physics
from recloser.validation import Subject, check_subject
from tests.integration.grid.test_known_answers import solve_in_pandapower


def test_pandapowers_case118_is_found_by_its_voltages() -> None:
    """Its flows are taken from its own voltages: reactive power does not balance, bus 81 (`ext_id`) among the worst."""
    network = load_network("case118")
    state = solve_in_pandapower(network, pandapower.networks.case118())
    state = replace(state, flows=physics.branch_flows(network, physics.phasors(state.vm_pu, state.va_deg)))
    nothing = np.zeros(state.pd_mw.shape, dtype=np.int64)
    block = Block(network, Injections(0, nothing, nothing, nothing), state)
    node, edge = (frames.to_frame(columns(block)) for columns in (frames.node_columns, frames.edge_columns))
    report = check_subject(Subject("pandapower", "case118", 1, node, edge))
    (finding,) = (found for found in report.findings if found.rule == "R20")
    assert "R20" in report.failed_rules()
    assert 81 in network.buses.ext_id[[place.at["bus"] for place in finding.places]]

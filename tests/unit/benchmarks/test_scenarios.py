"""The scenarios of the healing benchmark are data: all of them are read, and what they name is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.healing import Scenario, read
from recloser.faults import find_fault
from recloser.healing.remedies import REMEDIES
from recloser.target import load_target
from recloser.values import Cause

ROOT = Path(__file__).parents[3]
SCENARIOS = read()


def test_there_are_enough_and_none_twice() -> None:
    """At least forty, of all kinds."""
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS) >= 40
    assert max(len(one.faults) for one in SCENARIOS) == 4
    assert any(not one.expect.is_success for one in SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_what_a_scenario_names_exists(scenario: Scenario) -> None:
    """Faults, remedies, causes, and the text of the declaration that is replaced."""
    target = load_target(ROOT / "examples" / "optimo")
    for name in scenario.faults:
        find_fault(target, name)
    assert set(scenario.remedies) <= set(REMEDIES)
    assert scenario.cause is None or Cause(scenario.cause)
    declared = (ROOT / "examples" / "optimo" / "recloser.toml").read_text()
    assert all(find in declared for find, _ in scenario.declare)

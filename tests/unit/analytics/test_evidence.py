"""What many nights say of a test: suspect, to be quarantined, to be released."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.analytics.evidence import HALF_LIFE_DAYS, assess
from recloser.analytics.flakes import flake_score
from tests.unit.analytics.planted import Nights, at


def assessed(nights: Nights, night: int = 60) -> pd.Series:
    """What is said of the only test."""
    (_, row), *rest = assess(nights.frame(), now=at(night)).iterrows()
    assert not rest
    return row


def test_evidence_is_counted_by_states() -> None:
    """A state without a pass says nothing of flakiness; a mixed one makes a suspect."""
    nights = Nights()
    nights.run("t", "..FFF.F.", trees="aabbccdd")
    row = assessed(nights)
    assert (row.failures, row.runs, row.mixed_states) == (2, 6, 2)
    assert row.suspect


def test_another_environment_is_another_state_and_another_row() -> None:
    """The same tree fails there and passes here: that is not flaky."""
    nights = Nights()
    nights.run("t", "....", trees="aaaa")
    for row in nights.rows[:2]:
        row |= {"state": "a|other", "failed": True}
    assert assess(nights.frame(), now=at(9))["suspect"].tolist() == [False, False]


def test_evidence_fades_by_half_in_two_weeks() -> None:
    """And the shown rate does not: it is what was counted."""
    nights = Nights()
    nights.run("t", "F.F.F.", trees="aaaaaa")
    ages = np.array([0, HALF_LIFE_DAYS, 2 * HALF_LIFE_DAYS])
    rows = [assessed(nights, 5 + int(age)) for age in ages]
    assert [row.score for row in rows] == pytest.approx(flake_score(3 * 0.5 ** (ages / 14), 3 * 0.5 ** (ages / 14)))
    assert len({row.rate for row in rows}) == 1


@pytest.mark.parametrize(
    ("outcomes", "trees", "probe", "quarantined"),
    [
        ("F.FF.F.", "aaaabbb", "", True),
        ("FF..F..", "aaaaaaa", "", False),
        ("FF..F..", "aaaaaaa", "F", True),
        ("F......", "aaaaaaa", "F", False),
    ],
)
def test_quarantine_takes_two_mixed_states_or_a_positive_probe(
    outcomes: str,
    trees: str,
    probe: str,
    quarantined: bool,  # noqa: FBT001
) -> None:
    """And a score above the threshold in any case."""
    nights = Nights()
    nights.run("t", outcomes, trees=trees)
    nights.again(6, "t", probe, probe="shuffled", tree=trees[6])
    assert assessed(nights, 7).quarantine == quarantined


def test_a_broken_test_is_never_quarantined() -> None:
    """However flaky it was before."""
    nights = Nights()
    nights.run("t", "F." * 2 + "." * 40 + "F" * 16, trees="aabb" + "c" * 40 + "d" * 16)
    row = assessed(nights)
    assert (row.suspect, row.broken, row.quarantine) == (True, True, False)


def test_release_counts_from_the_last_failure() -> None:
    """In every state; one that depends on order has to pass two shuffles as well."""
    nights = Nights()
    nights.again(0, "t", "F", probe="shuffled")
    nights.again(1, "t", "." * 142, probe="same")
    assert not assessed(nights).release
    nights.again(2, "t", "..", probe="shuffled")
    assert assessed(nights).release
    nights.again(3, "t", "F", probe="")
    assert not assessed(nights).release


def test_what_may_leave_quarantine_is_not_put_back() -> None:
    """Its score may still be high: what it did before it was clean counts no more."""
    nights = Nights()
    nights.again(0, "t", "FFFF....FFFF", probe="same")
    assert assessed(nights, 1).quarantine
    nights.again(1, "t", "." * 142, probe="same")
    row = assessed(nights, 1)
    assert (row.score > row.threshold, row.release, row.quarantine) == (True, True, False)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), st.data())
def test_always_or_never_failing_is_never_suspect(states: list[str], data: st.DataObject) -> None:
    """And who is suspect does not depend on the order of the outcomes."""
    outcomes = data.draw(st.text(alphabet=".F", min_size=len(states), max_size=len(states)))
    nights = Nights()
    nights.run("t", outcomes, trees="".join(states))
    row = assessed(nights)
    seen = {state: {o for o, s in zip(outcomes, states, strict=True) if s == state} for state in states}
    assert row.mixed_states == sum(len(both) == 2 for both in seen.values())
    assert row.suspect == (row.mixed_states > 0)
    nights.rows.reverse()
    assert assessed(nights).mixed_states == row.mixed_states


def test_no_outcomes_say_nothing() -> None:
    """An empty history is no error."""
    nights = Nights()
    nights.run("t", "..")
    assert assess(nights.frame().iloc[:0], now=at(1)).empty

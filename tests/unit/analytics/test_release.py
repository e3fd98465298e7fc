"""The way out of quarantine."""

import pytest

from recloser.analytics.flakes import END_TO_END, UNIT, FlakeRule
from recloser.analytics.release import clean_runs_needed, release_standings
from recloser.values import ReleaseStanding
from tests.unit.analytics.planted import Nights, at


def standing(nights: Nights, *, ordered: bool = False) -> ReleaseStanding:
    """Of the test `t`."""
    key = ("unit", "t")
    return release_standings(nights.frame(), {key}, ordered={key} if ordered else ())[key]


@pytest.mark.parametrize(("rule", "runs"), [(UNIT, 142), (END_TO_END, 14)])
def test_as_many_clean_runs_are_needed_as_the_reference_says(rule: FlakeRule, runs: int) -> None:
    """From the prior alone, q95 below the threshold."""
    assert clean_runs_needed(rule) == runs


def test_the_count_begins_anew_at_the_last_failure() -> None:
    """Runs before it speak for nothing; what did not run has not passed."""
    nights = Nights()
    nights.run("t", "....F. ..", tier="e2e")
    told = standing(nights)
    assert (told.last_failed, told.clean_runs, told.needed_runs) == (at(4), 3, 14)
    assert not told.is_due
    assert release_standings(nights.frame(), {("unit", "gone")}) == {}


def test_reruns_and_probes_count_and_runs_at_the_base_do_not() -> None:
    """With nine probes a night a unit test is out in about two weeks."""
    nights = Nights()
    nights.run("t", "F" + "." * 15)
    nights.again(0, "t", ".......", probe="confirm-base")
    for night in range(1, 16):
        nights.again(night, "t", "." * 9, probe="same")
    assert standing(nights).is_due
    assert standing(nights).clean_runs == 150


def test_a_test_that_depends_on_order_needs_clean_shuffles_too() -> None:
    """Whether the entry says so, or a probe that moved it failed."""
    known, seen = Nights(), Nights()
    for nights in (known, seen):
        nights.run("t", "F" + "." * 20, tier="e2e")
    seen.again(0, "t", "F", probe="shuffled", tier="e2e", minute=-30)
    for nights, ordered in ((known, True), (seen, False)):
        assert not standing(nights, ordered=ordered).is_due
        assert "0 of 2 shuffled" in standing(nights, ordered=ordered).sentence
        nights.again(20, "t", "..", probe="shuffled", tier="e2e")
        assert standing(nights, ordered=ordered).is_due


def test_another_environment_ends_no_count() -> None:
    """An environment that was given up would else hold a test for good; a failure anywhere begins it anew."""
    nights = Nights()
    nights.run("t", "F" + "." * 14, tier="e2e")
    for row in nights.rows[8:]:
        row["state"] = "t|new"
    assert standing(nights).is_due
    nights.again(20, "t", "F", probe="", tier="e2e")
    assert standing(nights).clean_runs == 0

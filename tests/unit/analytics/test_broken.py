"""A break in a test's outcomes is told from flakiness."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln

from recloser.analytics.broken import best_splits, change_points
from tests.unit.analytics.planted import Nights, cycle_of

ANY_TIME = settings(deadline=None)
SERIES = st.lists(st.lists(st.booleans(), min_size=2, max_size=30), min_size=1, max_size=5)


def brute_force(outcomes: list[bool]) -> list[float]:
    """The Bayes factor of every split, one after the other."""
    found = []
    for split in range(1, len(outcomes)):
        parts = [(sum(part), len(part)) for part in (outcomes[:split], outcomes[split:], outcomes)]
        left, right, whole = (betaln(0.3 + x, 0.5 + n - x) for x, n in parts)
        found.append(left + right - betaln(0.3, 0.5) - whole)
    return found


@ANY_TIME
@given(SERIES)
def test_the_best_split_is_found_in_every_segment(series: list[list[bool]]) -> None:
    """The same as by trying each split of each series alone."""
    starts = np.cumsum([0, *map(len, series)])[:-1]
    found = best_splits(np.concatenate(series).astype(float), starts)
    for at, outcomes in enumerate(series):
        tried = brute_force(outcomes)
        assert found["evidence"][at] == pytest.approx(max(tried), abs=1e-9)
        assert tried[found["split"][at] - starts[at] - 1] == pytest.approx(max(tried), abs=1e-9)


@ANY_TIME
@given(st.integers(40, 80), st.integers(9, 20))
def test_a_break_is_found_where_it_is(passes: int, failures: int) -> None:
    """Many passes, then only failures; and a mended test is not broken."""
    series = np.array([0.0] * passes + [1.0] * failures)
    found = best_splits(series, np.array([0]))
    assert (found["split"][0], bool(found["broken"][0])) == (passes, True)
    assert not best_splits(series[::-1], np.array([0]))["broken"][0]


def test_a_flaky_test_is_hardly_ever_broken() -> None:
    """Of a thousand that fail every third time for sixty nights, none."""
    series = (np.random.default_rng(7).random(60_000) < 1 / 3).astype(float)
    assert not best_splits(series, np.arange(0, 60_000, 60))["broken"].any()


def test_nothing_has_no_split() -> None:
    """And a single outcome has none with evidence."""
    assert best_splits(np.empty(0), np.empty(0, dtype=np.intp)).empty
    assert best_splits(np.ones(1), np.array([0]))["evidence"][0] == -np.inf


def test_a_break_is_dated_by_its_cycle() -> None:
    """Runs at the base are of other code and do not hide it; tests that never failed are left out."""
    nights = Nights()
    nights.run("broken", "." * 30 + "F" * 10)
    nights.again(39, "broken", "." * 9, probe="confirm-base")
    nights.run("flaky", "..F" * 13 + ".")
    nights.run("healthy", "." * 40)
    found = change_points(nights.frame()).set_index("test")
    assert sorted(found.index) == ["broken", "flaky"]
    assert found["broken"].to_dict() == {"broken": True, "flaky": False}
    assert found["since"]["broken"] == cycle_of(30)
    assert found["rate_after"]["broken"] == 1.0

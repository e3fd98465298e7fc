"""Formulas of flakiness agree with the distributions they come from, and with the figures of the reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from recloser.analytics.flakes import (
    END_TO_END,
    UNIT,
    FlakeRule,
    chance_to_miss,
    flake_score,
    may_release,
    rule_of,
    runs_to_confirm,
    shown_rate,
)

ANY_TIME = settings(deadline=None)
COUNTS = st.tuples(st.integers(0, 200), st.integers(0, 5000))


@pytest.mark.parametrize(
    ("failures", "runs", "rule", "crosses"),
    [
        (3, 10, UNIT, True),
        (3, 50, UNIT, True),
        (4, 100, UNIT, True),
        (2, 10, UNIT, False),
        (4, 10, END_TO_END, True),
        (5, 20, END_TO_END, True),
        (3, 20, END_TO_END, False),
    ],
)
def test_what_crosses_the_threshold(failures: int, runs: int, rule: FlakeRule, crosses: bool) -> None:  # noqa: FBT001
    """As the reference lists it."""
    assert bool(flake_score(failures, runs - failures, rule) > rule.threshold) is crosses


@ANY_TIME
@given(COUNTS)
def test_the_score_is_a_quantile_of_its_posterior(counts: tuple[int, int]) -> None:
    """The 5 % quantile of a Beta distribution, and it rises with failures and falls with passes."""
    failures, passes = counts
    score = float(flake_score(failures, passes))
    assert score == pytest.approx(stats.beta.ppf(0.05, 0.5 + failures, 49.5 + passes), rel=1e-6, abs=1e-12)
    assert flake_score(failures + 1, passes) > score
    assert flake_score(failures, passes + 1) < score


@ANY_TIME
@given(COUNTS)
def test_the_shown_rate_lies_in_its_interval(counts: tuple[int, int]) -> None:
    """The interval holds 90 % of the posterior and mirrors when passes and failures change places."""
    failures, passes = counts
    mean, low, high = shown_rate(failures, failures + passes)
    posterior = stats.beta(failures + 0.5, passes + 0.5)
    assert 0 <= low < high <= 1
    assert posterior.cdf(high) - posterior.cdf(low) == pytest.approx(0.9, abs=1e-6)
    mirrored = shown_rate(passes, failures + passes)
    assert np.allclose((1 - mean, 1 - high, 1 - low), mirrored)


def test_formulas_take_arrays() -> None:
    """Element by element."""
    together = flake_score([0, 3], [10, 7])
    assert together.tolist() == [float(flake_score(0, 10)), float(flake_score(3, 7))]


@pytest.mark.parametrize(("rule", "runs"), [(UNIT, 142), (END_TO_END, 14)])
def test_release_takes_so_many_clean_runs(rule: FlakeRule, runs: int) -> None:
    """142 of a unit test, 14 end to end, and not one less."""
    assert may_release([runs - 1, runs], rule).tolist() == [False, True]


def test_to_miss_a_flaky_test_is_never_impossible() -> None:
    """299 passes rule out 1 % at 95 %, and 298 do not."""
    assert chance_to_miss(0.01, 299) < 0.05 < chance_to_miss(0.01, 298)


@pytest.mark.parametrize(("rate", "runs"), [(0.0, 1), (0.05, 4), (0.2, 6), (0.3, 8)])
def test_a_failure_is_confirmed_beyond_flakiness(rate: float, runs: int) -> None:
    """As often as its rate asks for."""
    assert runs_to_confirm(rate) == runs
    assert runs_to_confirm(1.0) > 1_000_000


def test_end_to_end_tests_are_allowed_more() -> None:
    """Every other tier is held to the rule of unit tests."""
    assert [rule_of(tier) for tier in ("e2e", "E2E", "unit", "integration", "")] == [END_TO_END] * 2 + [UNIT] * 3

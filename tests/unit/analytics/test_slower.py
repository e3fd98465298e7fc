"""Slower is said of what was run again, or of a whole series; never of single tests when the machine is slow."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from recloser.analytics.screening import DURATION, MEMORY, Measure, screen, staying_up
from recloser.analytics.series import changes, latest_rise, local_maxima, window_t
from recloser.analytics.slower import find_slower, overlap, plan_timing
from recloser.analytics.timing import alarming, bounding_rank, p_larger, shift
from recloser.values import ProbeKind
from tests.unit.analytics.planted import Nights, cycle_of

ANY_TIME = settings(deadline=None)
NIGHTS = 25
TIMES = st.lists(st.floats(0.01, 100), min_size=3, max_size=6)


def timed(nights: Nights, test: str, seconds: np.ndarray, **facts: object) -> None:
    """One pass of a test in each night, that took so long."""
    for night, duration_s in enumerate(seconds.tolist()):
        nights.again(night, test, ".", probe="", minute=0, **({"duration_s": duration_s, "position": 1} | facts))


def noise(size: int, seed: int, level: float = 1.0) -> np.ndarray:
    """Durations of an unchanged test."""
    return level * np.exp(np.random.default_rng(seed).normal(0, 0.05, size))


@pytest.fixture
def nights() -> Nights:
    """A suite of which one test takes twice as long in the last night."""
    nights = Nights()
    for number in range(20):
        timed(nights, f"t{number}", noise(NIGHTS, number))
    timed(nights, "slow", noise(NIGHTS, 99) * np.where(np.arange(NIGHTS) == NIGHTS - 1, 2.0, 1.0))
    return nights


def test_a_screen_finds_candidates_to_run_again(nights: Nights) -> None:
    """Nothing is slower yet; head and base are to be run five times each, in turns."""
    found = find_slower(nights.frame(), cycle_of(NIGHTS - 1))
    (candidate,) = found.candidates
    assert (found.slower, found.measured, found.machine_wide) == ((), 21, False)
    assert (candidate.test_id, candidate.confirmed) == ("slow", None)
    assert candidate.ratio == pytest.approx(2, rel=0.2)
    assert [(probe.kind, probe.tests, probe.runs) for probe in plan_timing(found)] == [
        (ProbeKind.TIME_HEAD, ("slow",), 5),
        (ProbeKind.TIME_BASE, ("slow",), 5),
    ]


@pytest.mark.parametrize(("step", "confirmed"), [(2.0, True), (1.0, False)])
def test_a_candidate_is_confirmed_by_head_against_base(nights: Nights, step: float, *, confirmed: bool) -> None:
    """In the same night on the same machine: what does not last was noise."""
    for probe, level in (("time-head", step), ("time-base", 1.0)):
        for duration_s in noise(5, int(10 * level), level):
            nights.again(NIGHTS - 1, "slow", ".", probe=probe, duration_s=duration_s)
    found = find_slower(nights.frame(), cycle_of(NIGHTS - 1))
    (judged,) = found.slower + found.candidates
    assert (judged.confirmed, len(found.slower)) == (confirmed, confirmed)
    assert judged.low is not None
    assert judged.high is not None
    assert judged.low <= judged.ratio <= judged.high
    assert ("Takes 2." in judged.sentence or "Takes 1.9" in judged.sentence) is confirmed
    assert plan_timing(found) == ()


def test_three_candidates_are_run_more_often(nights: Nights) -> None:
    """With five runs each, none of three could pass."""
    for name in ("also slow", "slow too"):
        timed(nights, name, noise(NIGHTS, 5) * np.where(np.arange(NIGHTS) == NIGHTS - 1, 2.0, 1.0))
    assert {probe.runs for probe in plan_timing(find_slower(nights.frame(), cycle_of(NIGHTS - 1)))} == {8}


def test_a_slow_machine_is_one_incident() -> None:
    """More than three tests in ten shift together: none of them is told of, however small they are."""
    nights = Nights()
    for number in range(20):
        step = 3.0 if number < 7 else 1.0
        timed(nights, f"t{number}", noise(NIGHTS, number, 0.01) * np.where(np.arange(NIGHTS) == NIGHTS - 1, step, 1.0))
    found = find_slower(nights.frame(), cycle_of(NIGHTS - 1))
    assert (found.machine_wide, found.shifted, found.slower) == (True, 7, ())
    assert plan_timing(found) == ()


@pytest.mark.parametrize(
    "facts", [{"attempt": 2}, {"position": 0}, {"probe": "shuffled"}, {"state": "t|other"}, {"duration_s": 0.0}]
)
def test_what_cannot_be_compared_is_not(nights: Nights, facts: dict[str, object]) -> None:
    """Retried, first in its process, a probe, another environment, not timed."""
    nights.rows[-1] |= facts
    found = find_slower(nights.frame(), cycle_of(NIGHTS - 1))
    assert not [each for each in found.candidates if each.test_id == "slow"]


def test_the_quarantined_are_not_compared_and_bad_nights_are_no_baseline(nights: Nights) -> None:
    """A test that was slow in nights that do not count is compared with those that do."""
    frame = nights.frame()
    assert find_slower(frame, cycle_of(NIGHTS - 1), besides={("unit", "slow")}).candidates == ()
    good = [cycle_of(night) for night in range(4)]
    assert find_slower(frame, cycle_of(NIGHTS - 1), good=good).measured == 0
    assert find_slower(frame, "20990101").measured == 0


def test_memory_is_compared_likewise(nights: Nights) -> None:
    """In its own unit, with its own floor."""
    frame = nights.frame().assign(peak_rss_mib=100.0)
    last = (frame["cycle"] == cycle_of(NIGHTS - 1)) & (frame["test"] == "slow")
    (candidate,) = find_slower(
        frame.assign(peak_rss_mib=np.where(last, 300.0, 100.0)), cycle_of(24), measure=MEMORY
    ).candidates
    assert (candidate.measure, candidate.unit, candidate.before, candidate.now) == ("memory", "MiB", 100.0, 300.0)
    assert find_slower(frame, cycle_of(24), measure=Measure("memory", "peak_rss_mib", "MiB", 1.0)).candidates == ()


@pytest.mark.parametrize(("before", "after"), [(20, 5), (40, 14)])
def test_a_rise_that_no_single_night_shows_is_found_in_the_series(before: int, after: int) -> None:
    """By the last five nights while the series is short, by two detectors later on; it is dated."""
    nights = Nights()
    steps = np.where(np.arange(before + after) >= before, 1.7, 1.0)
    timed(nights, "steady", noise(before + after, 1))
    timed(nights, "risen", noise(before + after, 2) * steps)
    found = find_slower(nights.frame(), cycle_of(before + after - 1))
    (rise,) = found.candidates
    assert rise.test_id == "risen"
    assert rise.ratio == pytest.approx(1.7, rel=0.1)
    assert (rise.since, rise.base) == (cycle_of(before), cycle_of(before - 1))
    assert {probe.base for probe in plan_timing(found)} == {cycle_of(before - 1)}


@pytest.mark.parametrize("nights_ago", [2, 3])
def test_what_stays_up_in_its_noise_is_found_and_dated(nights_ago: int) -> None:
    """No night stands out of noise of 25 %; two or three do together, and are timed against the night before them."""
    unsteady = np.tile([1.0, 1.25, 0.75, 1.2, 0.8], NIGHTS // 5)
    steps = np.where(np.arange(NIGHTS) >= NIGHTS - nights_ago, 2.0, 1.0)
    nights = Nights()
    timed(nights, "risen", np.where(steps > 1, 2.1, unsteady))
    timed(nights, "once", np.where(np.arange(NIGHTS) == NIGHTS - 2, 2.1, unsteady))
    (rise,) = find_slower(nights.frame(), cycle_of(NIGHTS - 1)).candidates
    assert (rise.test_id, rise.since) == ("risen", cycle_of(NIGHTS - nights_ago))
    assert rise.base == cycle_of(NIGHTS - nights_ago - 1)


@ANY_TIME
@given(st.integers(0, 1000), st.floats(0.5, 20))
def test_what_stays_up_does_not_depend_on_units(seed: int, factor: float) -> None:
    """Nor on runs that are missing, and it is none where it did not run now."""
    rng = np.random.default_rng(seed)
    runs = rng.lognormal(0, 0.3, (25, 30)) * np.where(np.arange(25) > 22, 2.0, 1.0)[:, None]
    once = staying_up(runs, np.full(30, 0.2))
    assert np.array_equal(once, staying_up(factor * runs, np.full(30, factor * 0.2)))
    gaps = np.insert(runs, rng.integers(0, 25, 5), np.nan, axis=0)
    assert np.array_equal(once, staying_up(gaps, np.full(30, 0.2)))
    assert not staying_up(np.vstack([runs, np.full(30, np.nan)]), np.full(30, 0.2)).any()


@ANY_TIME
@given(TIMES, TIMES)
def test_p_agrees_with_scipy(now: list[float], before: list[float]) -> None:
    """Exact, ties included: the same as scipy's permutation of all arrangements."""
    exact = stats.mannwhitneyu(now, before, alternative="greater", method=stats.PermutationMethod(n_resamples=np.inf))
    assert p_larger(np.array(now), np.array(before)) == pytest.approx(exact.pvalue)


@pytest.mark.parametrize(("runs", "smallest"), [(5, 1 / 252), (8, 1 / 12_870)])
def test_the_smallest_p_is_one_arrangement(runs: int, smallest: float) -> None:
    """Five and five, eight and eight; larger samples are approximated."""
    now, before = np.arange(runs) + 100.0, np.arange(runs) + 1.0
    assert p_larger(now, before) == pytest.approx(smallest)
    assert p_larger(np.arange(30) + 100.0, np.arange(30.0)) < 1e-9


@pytest.mark.parametrize(("one", "other"), [(2, 2), (3, 4), (5, 5)])
def test_the_bound_is_missed_with_at_most_the_stated_probability(one: int, other: int) -> None:
    """By going through all arrangements of the statistic."""
    sums = [sum(chosen) - one * (one - 1) // 2 for chosen in itertools.combinations(range(one + other), one)]
    rank = bounding_rank(one, other)
    assert np.mean(np.array(sums) <= rank - 1) <= 0.05 or rank == 0
    assert np.mean(np.array(sums) <= rank) > 0.05


@ANY_TIME
@given(TIMES, TIMES, st.floats(0.1, 10))
def test_a_ratio_moves_with_its_scale(base: list[float], head: list[float], factor: float) -> None:
    """Measured in other units the ratio is the same; times a factor it is that factor larger."""
    found, scaled = shift(base, head), shift(base, [factor * each for each in head])
    assert scaled.ratio == pytest.approx(factor * found.ratio)
    assert found.low <= found.ratio * (1 + 1e-9)
    both = shift([factor * each for each in base], [factor * each for each in head])
    assert both.ratio == pytest.approx(found.ratio)


def test_alarms_are_held_to_all_candidates_of_the_night() -> None:
    """One of five by chance is no alarm; a real one among few is; a small one is not."""
    real, small, chance = shift([1, 1.1, 1.2, 1.3, 1.4], [2, 2.1, 2.2, 2.3, 2.4]), shift([1] * 5, [1.1] * 5), None
    assert alarming([real]) == [True]
    assert alarming([small]) == [False]
    chance = shift([1, 2, 3, 4, 5], [1.5, 2.5, 3.5, 4.5, 5.5])
    assert alarming([real, *[chance] * 4]) == [False] * 5
    assert alarming([]) == []


@ANY_TIME
@given(st.integers(0, 1000), st.floats(0.5, 20))
def test_a_screen_does_not_depend_on_units(seed: int, factor: float) -> None:
    """Seconds or milliseconds, with the floor in the same unit."""
    rng = np.random.default_rng(seed)
    history, now = rng.lognormal(0, 0.3, (20, 30)), rng.lognormal(0.3, 0.5, 30)
    once = screen(now, history, np.full(30, 0.2))
    again = screen(factor * now, factor * history, np.full(30, factor * 0.2))
    assert np.array_equal(once, again)
    assert not (once[0] & ~once[1]).any()


def test_a_screen_needs_a_history() -> None:
    """Five runs; and what did not run now is not slower."""
    history = np.ones((20, 3))
    history[4:, 0] = np.nan
    looks, _ = screen(np.array([9.0, np.nan, 9.0]), history, np.zeros(3))
    assert looks.tolist() == [False, False, True]


def test_windows_agree_with_welch() -> None:
    """The same t as scipy's, at each place that has enough on both sides."""
    values = np.random.default_rng(3).normal(0, 1, 50)
    t = window_t(values)
    for at in (12, 24, 30, 38):
        before, after = values[max(0, at - 24) : at], values[at : at + 12]
        assert t[at] == pytest.approx(stats.ttest_ind(after, before, equal_var=False).statistic)
    assert not t[:12].any()
    assert not t[39:].any()


def test_changes_are_found_up_and_down_and_nowhere_else() -> None:
    """Both ends of a stretch of slow runs; nothing in noise, and nothing in a constant."""
    values = np.exp(np.random.default_rng(4).normal(0, 0.1, 120))
    assert changes(values) == ()
    assert changes(np.ones(80)) == ()
    values[40:80] *= 1.6
    found = changes(values)
    assert [change.at for change in found] == pytest.approx([40, 80], abs=1)
    assert [change.t > 0 for change in found] == [True, False]
    assert latest_rise(values) is None


def test_a_series_that_is_too_short_has_no_rise() -> None:
    """Nor one that is empty."""
    assert latest_rise(np.arange(1.0, 25.0)) is None
    assert latest_rise(np.empty(0)) is None


@ANY_TIME
@given(st.lists(st.floats(0, 10), max_size=40), st.integers(1, 12))
def test_local_maxima_are_apart(values: list[float], reach: int) -> None:
    """And none within reach is larger."""
    found = local_maxima(np.array(values), reach)
    assert all(later - earlier > reach for earlier, later in itertools.pairwise(found))
    assert all(values[at] == max(values[max(0, at - reach) : at + reach + 1]) for at in found)


def test_alarms_that_last_overlap() -> None:
    """The self-test of alarms: 1 where they are the same, 0 where they have nothing in common."""
    assert overlap({("u", "a"), ("u", "b")}, {("u", "b"), ("u", "c")}) == pytest.approx(1 / 3)
    assert overlap([], []) is None


def test_nothing_is_not_slower() -> None:
    """An empty history."""
    nights = Nights()
    timed(nights, "t", np.ones(3))
    empty = nights.frame().iloc[:0]
    assert find_slower(empty, cycle_of(2), measure=DURATION).measured == 0

"""When a service is taken for hung, and when it is given up."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.services.effort import Effort
from recloser.services.patience import MOST_S, Pulse, Restarts, pause_s

TIMES = st.lists(st.floats(min_value=0, max_value=1_000), max_size=40).map(sorted)


def test_pauses_double_up_to_their_limit() -> None:
    """50 ms at first, five seconds for ever."""
    assert [pause_s(restarts) for restarts in range(4)] == [0.05, 0.1, 0.2, 0.4]
    assert pause_s(7) == pause_s(10_000) == MOST_S
    assert all(shorter <= longer for shorter, longer in pairwise(map(pause_s, range(100))))


@given(TIMES, st.integers(min_value=0, max_value=5), st.floats(min_value=0.1, max_value=100))
def test_no_window_ever_has_more_restarts_than_allowed(times: list[float], most: int, window_s: float) -> None:
    """And one that is refused would have been one too many."""
    restarts = Restarts(most, window_s)
    allowed: list[float] = []
    for now in times:
        recent = [at for at in allowed if at > now - window_s]
        assert restarts.allowed(now) is (len(recent) < most)
        if len(recent) < most:
            allowed.append(now)


@given(TIMES, st.integers(min_value=0, max_value=5))
def test_without_a_window_the_whole_run_counts(times: list[float], most: int) -> None:
    """However long it lasts."""
    restarts = Restarts(most, None)
    assert sum(restarts.allowed(now) for now in times) == min(most, len(times))


@pytest.mark.parametrize(
    ("effort", "hangs_at"),
    [
        (lambda now: Effort(cpu_s=7.0, waits=False), 2),
        (lambda now: Effort(cpu_s=now * 0.01, waits=False), 2),
        (lambda now: Effort(cpu_s=now * 0.5, waits=False), 10),
        (lambda now: Effort(cpu_s=0.0, waits=True), 10),
    ],
    ids=["idle", "hardly anything", "works", "waits for a processor"],
)
def test_what_is_busy_has_more_time_than_what_hangs(effort: object, hangs_at: int) -> None:
    """Three misses for what does nothing, `busy_s` for what works or is kept from it."""
    pulse = Pulse(retries=3, busy_s=10.0)
    hung = [pulse.missed(float(now), lambda now=now: effort(now)) for now in range(12)]  # type: ignore[operator, misc]
    assert hung.index(True) == hangs_at


def test_an_answer_makes_up_for_all_misses() -> None:
    """They count in a row only."""
    pulse = Pulse(retries=2, busy_s=0.0)
    idle = Effort(cpu_s=0.0, waits=False)
    for now in range(10):
        assert not pulse.missed(now, lambda: idle)
        pulse.answered()
    assert not pulse.missed(10, lambda: idle)
    assert pulse.missed(11, lambda: idle)

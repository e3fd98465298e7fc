"""The tests that take longest."""

from recloser.analytics.slowest import slowest
from recloser.values import TestStatus
from tests.unit.analytics.nights import One, frame


def test_are_ranked_by_the_median_of_their_passes() -> None:
    """One slow night makes no slow test, and a failure takes whatever it takes."""
    steady = [One(night, "steady", duration_s=2) for night in range(4)]
    once = [One(night, "once", duration_s=90 if night == 2 else 1) for night in range(4)]
    failed = [One(0, "failed", TestStatus.FAILED, duration_s=99)]
    found = slowest(frame([*once, *failed, *steady], 4), 5)
    assert [(test.test_id, test.median_s) for test in found] == [("steady", 2), ("once", 1)]
    assert slowest(frame(steady, 4), 0) == ()
    assert slowest(frame([], 0), 5) == ()


def test_tell_their_trend_from_four_passes_on() -> None:
    """Median of the newer half over that of the older; the middle one of an odd number is in neither."""
    took = [1.0, 1.0, 50.0, 2.0, 4.0]
    (test,) = slowest(frame([One(night, "t", duration_s=seconds) for night, seconds in enumerate(took)], 5), 1)
    assert (test.trend, test.durations_s) == (3.0, tuple(took))
    (test,) = slowest(frame([One(night, "t") for night in range(3)], 3), 1)
    assert test.trend is None
    (test,) = slowest(frame([One(night, "t", duration_s=0) for night in range(4)], 4), 1)
    assert test.trend is None

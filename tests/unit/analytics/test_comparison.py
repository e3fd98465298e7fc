"""A night beside the last good one."""

import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.analytics.comparison import compare
from recloser.values import Comparison, TestChange, TestStatus
from tests.unit.analytics.nights import One, frame

P, F, S, N = TestStatus.PASSED, TestStatus.FAILED, TestStatus.SKIPPED, TestStatus.NOT_RUN


def story(*statuses: TestStatus | None, test: str = "t") -> list[One]:
    """How one test ended night by night; None where it was not there."""
    return [One(night, test, status) for night, status in enumerate(statuses) if status is not None]


def compared(attempts: list[One], *good: int, unverified: tuple[str, ...] = ()) -> Comparison:
    """The last night beside the good ones."""
    nights = 1 + max(one.night for one in attempts)
    greens = [f"n{night}" for night in good]
    return compare(frame(attempts, nights), f"n{nights - 1}", good=greens, unverified=unverified)


def names(changes: tuple[TestChange, ...]) -> list[str]:
    """The tests of some changes."""
    return [change.test_id for change in changes]


class TestNewFailure:
    """What passed in the last good night and fails now."""

    def test_tells_what_it_was_and_since_when_it_fails(self) -> None:
        """It stays new until a night is green again; nights in which it did not run do not interrupt it."""
        found = compared(story(P, P, F, S, F), 0, 1)
        (change,) = found.new_failures
        assert (change.suite, change.test_id, change.status, change.was) == ("unit", "t", F, P)
        assert (change.since, found.base) == ("n2", "n1")
        assert (found.still_failing, found.added, found.fixed) == ((), (), ())
        assert (found.failed, found.judged, found.failure_rate) == (1, 1, 1.0)
        assert [change.since for change in compared(story(P, F, P, F, F), 0).new_failures] == ["n3"]

    def test_fails_in_every_attempt(self) -> None:
        """What passes when it is run again is not broken, and probes decide nothing."""
        rerun = One(1, "t", P, number=2)
        assert compared([*story(P, F), rerun], 0).new_failures == ()
        assert compared([*story(P, F), One(1, "t", F, number=2)], 0).failed == 1
        assert compared([*story(P, P), One(1, "t", F, probe="shuffled")], 0).failed == 0
        assert names(compared([*story(P, F), One(1, "t", P, probe="isolated")], 0).new_failures) == ["t"]

    @pytest.mark.parametrize("status", [F, TestStatus.ERROR, TestStatus.CRASHED, TestStatus.TIMED_OUT])
    def test_may_fail_in_any_way(self, status: TestStatus) -> None:
        """A crash or a time limit speaks against the code as a failed assertion does."""
        assert [change.status for change in compared(story(P, status), 0).new_failures] == [status]

    def test_needs_a_good_night(self) -> None:
        """A baseline comes from green nights only; the newest in which the test was judged counts."""
        assert names(compared(story(P, F), *()).still_failing) == ["t"]
        other = [One(0, "u"), One(1, "u"), One(2, "u")]
        assert names(compared([*story(P, S, F), *other], 0, 1).new_failures) == ["t"]
        assert names(compared([*story(P, F, F), *other], 0, 1).new_failures) == []


class TestOtherChanges:
    """What was fixed, still fails, came or went."""

    def test_fixed_failed_when_it_was_last_judged(self) -> None:
        """A skip between does not hide the repair."""
        (change,) = compared(story(P, F, S, P), 0).fixed
        assert (change.was, change.status, change.since) == (F, P, "n3")
        assert compared(story(F, P, P), 1).fixed == ()

    def test_still_failing_goes_back_to_where_it_began(self) -> None:
        """A failure that the good night had as well is old."""
        (change,) = compared(story(P, F, F, F), 1).still_failing
        assert (change.was, change.since) == (F, "n1")

    def test_added_and_removed_are_beside_the_base(self) -> None:
        """A test that came after the base is added, one that it had is removed; each says what it is or was."""
        found = compared([*story(P, P, None), *story(None, F, F, test="u"), *story(None, None, P, test="v")], 0)
        assert [(change.test_id, change.status, change.was) for change in found.added] == [
            ("u", F, None),
            ("v", P, None),
        ]
        assert [(change.test_id, change.status, change.was) for change in found.removed] == [("t", N, P)]
        assert found.new_failures == ()
        assert found.still_failing == ()
        came_back = compared([*story(P, None, P), *story(P, P, P, test="u")], 0, 1)
        assert (names(came_back.added), came_back.base) == (["t"], "n1")

    @pytest.mark.parametrize("unverified", [(), ("unit",)])
    def test_removed_are_only_tests_of_suites_that_ran(self, unverified: tuple[str, ...]) -> None:
        """A suite that was not judged, or did not run at all, lost none of its tests."""
        e2e = [One(0, "x", suite="e2e")]
        found = compared([*story(P, None), One(0, "u"), One(1, "u"), *e2e], 0, unverified=unverified)
        assert names(found.removed) == ([] if unverified else ["t"])

    def test_a_suite_that_never_ran_before_adds_nothing(self) -> None:
        """On the first night everything would be new."""
        found = compared([One(0, "t"), One(1, "t"), One(1, "x", F, suite="e2e")], 0)
        assert found.added == ()
        assert names(found.still_failing) == ["x"]
        assert compared(story(F)).still_failing == (TestChange(suite="unit", test_id="t", status=F, since="n0"),)

    def test_the_same_name_in_two_suites_is_two_tests(self) -> None:
        """What fails in one suite is not excused by the other."""
        found = compared([One(night, "t", suite=suite) for night in (0, 1) for suite in ("a", "b")][:-1], 0)
        assert (found.removed, found.judged) == ((), 1)
        found = compared(
            [One(0, "t", suite="a"), One(0, "t", suite="b"), One(1, "t", suite="a"), One(1, "t", F, suite="b")], 0
        )
        assert [(change.suite, change.test_id) for change in found.new_failures] == [("b", "t")]

    def test_without_any_attempt_says_so(self) -> None:
        """A night in which nothing ran has no failure rate, and removed nothing."""
        found = compare(frame(story(P), 2), "n1", good=["n0"])
        assert found == Comparison(base="n0")
        assert found.failure_rate is None
        assert compare(frame([], 1), "n0") == Comparison()


class TestSlower:
    """The screen."""

    def test_is_against_the_median_of_good_nights(self) -> None:
        """A bad night's duration is no baseline, nor is one that needed a second run."""
        took = [1.0, 1.2, 9.0, 9.0, 1.1, 1.8]
        attempts = [One(night, "t", duration_s=seconds) for night, seconds in enumerate(took)]
        attempts[3] = One(3, "t", F, duration_s=9.0)
        (slow,) = compared([*attempts, One(3, "t", number=2, duration_s=9.0)], 0, 1, 3, 4).slower
        assert (slow.test_id, slow.duration_s, slow.baseline_s, slow.samples) == ("t", 1.8, 1.1, 3)
        assert slow.ratio == pytest.approx(1.8 / 1.1)

    def test_takes_the_ten_newest_good_nights(self) -> None:
        """What a test took half a year ago is another machine's news."""
        took = [0.1] * 11 + [1.0] * 10 + [1.4]
        attempts = [One(night, "t", duration_s=seconds) for night, seconds in enumerate(took)]
        assert compared(attempts, *range(21)).slower == ()

    @pytest.mark.parametrize(
        ("baseline_s", "duration_s", "found"),
        [(1.0, 1.49, False), (1.0, 1.51, True), (0.01, 0.10, False), (0.01, 0.12, True), (0.0, 0.2, True)],
    )
    def test_needs_a_ratio_and_seconds(self, *, baseline_s: float, duration_s: float, found: bool) -> None:
        """Milliseconds that double are noise."""
        attempts = [One(0, "t", duration_s=baseline_s), One(1, "t", duration_s=duration_s)]
        assert bool(compared(attempts, 0).slower) is found

    def test_needs_a_share_of_the_suites_median(self) -> None:
        """Among tests of a minute, two seconds are nothing; in another suite they may be much."""
        long = [One(night, f"long{n}", suite="e2e", duration_s=60) for night in (0, 1) for n in range(3)]
        quick = [
            One(night, "quick", suite=suite, duration_s=1 + 2 * night) for night in (0, 1) for suite in ("e2e", "a")
        ]
        assert [slow.suite for slow in compared([*long, *quick], 0).slower] == ["a"]

    def test_is_no_word_on_what_failed(self) -> None:
        """A test that fails takes whatever it takes, also when its rerun passes."""
        attempts = [One(0, "t", duration_s=1), One(1, "t", F, duration_s=9)]
        assert compared(attempts, 0).slower == ()
        assert compared([*attempts, One(1, "t", number=2, duration_s=9)], 0).slower == ()


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[One], int, tuple[int, ...]]:
    """A few nights of a few tests, with reruns, and which nights were good."""
    nights = draw(st.integers(1, 5))
    attempts = []
    for night, suite, test in product(range(nights), "ab", "xyz"):
        statuses = draw(
            st.lists(st.sampled_from([P, P, F, F, S, N, TestStatus.XFAILED, TestStatus.CRASHED]), max_size=3)
        )
        attempts += [One(night, test, status, number, suite) for number, status in enumerate(statuses, start=1)]
    good = draw(st.sets(st.integers(0, nights - 1)))
    return attempts, nights, tuple(sorted(good))


def ended(attempts: list[One], night: int, suite: str, test: str) -> str:
    """How a test ended in a night, in the plainest words."""
    mine = [one.status for one in attempts if (one.night, one.suite, one.test) == (night, suite, test)]
    judged = [status for status in mine if status.is_pass or status.is_failure]
    if any(status.is_pass for status in judged):
        return "passed"
    return "failed" if judged else "unjudged" if mine else "absent"


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_every_failure_is_in_one_place(history: tuple[list[One], int, tuple[int, ...]], draw: random.Random) -> None:
    """Whatever happened: new, added and still failing divide what fails; fixed, added, removed are what they say."""
    attempts, nights, good = history
    now, base = nights - 1, [night for night in good if night < nights - 1]
    tests = sorted({(one.suite, one.test) for one in attempts})
    ends = {test: [ended(attempts, night, *test) for night in range(nights)] for test in tests}
    found = compare(frame(attempts, nights), f"n{now}", good=[f"n{night}" for night in good])

    def places(changes: tuple[TestChange, ...]) -> list[tuple[str, str]]:
        return [(change.suite, change.test_id) for change in changes]

    def last_judged(test: tuple[str, str], among: list[int]) -> str:
        judged = [ends[test][night] for night in among if ends[test][night] in {"passed", "failed"}]
        return judged[-1] if judged else ""

    failing = [test for test in tests if ends[test][now] == "failed"]
    added = [change for change in found.added if (change.suite, change.test_id) in failing]
    assert sorted(places((*found.new_failures, *found.still_failing, *added))) == failing
    assert places(found.new_failures) == [test for test in failing if last_judged(test, base) == "passed"]
    past = list(range(now))
    passing = [test for test in tests if ends[test][now] == "passed"]
    assert places(found.fixed) == [test for test in passing if last_judged(test, past) == "failed"]
    assert (found.failed, found.judged) == (len(failing), len(failing) + len(passing))
    assert all(ends[test][now] == "absent" for test in places(found.removed))
    assert all(ends[test][now] != "absent" for test in places(found.added))
    assert found.base == (f"n{base[-1]}" if base else None)
    draw.shuffle(attempts)
    assert compare(frame(attempts, nights), f"n{now}", good=[f"n{night}" for night in reversed(good)]) == found

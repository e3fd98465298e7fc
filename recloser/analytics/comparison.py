"""A night beside the last good one: what fails newly, what is fixed, what is slower, added, removed.

`nights` says when a test has passed or failed in a night.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from recloser.analytics.nights import ABSENT, FAILED, PASSED, STATUSES, UNJUDGED, Nights, mark_at, newest
from recloser.values import Comparison, SlowerTest, TestChange, TestStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

RATIO = 1.5
"""Slower than this many times its baseline: a screen, which most unit tests of milliseconds pass by chance."""
FLOOR_S = 0.1
"""Slower by less is no finding (test-intelligence.md 2.4, 2)."""
FLOOR_OF_SUITE = 0.05
"""Nor by less than this share of the median test of its suite (same place)."""
BASELINES = 10
"""Good nights that a baseline is the median of."""
SHORTEST_S = 0.001
"""What a baseline is at least: below it a clock measures itself."""


def compare(
    outcomes: pd.DataFrame, cycle: str, *, good: Iterable[str] = (), unverified: Collection[str] = ()
) -> Comparison:
    """Compare a night with the last good one.

    Args:
        outcomes: Attempts of this night and of earlier ones, the good ones among them, as `History.outcomes` reads
            them; later nights are ignored.
        cycle: Id of this night.
        good: Ids of green nights: the newest before this one is the base.
        unverified: Suites that were not judged this time: what is missing of them was not removed.

    Returns:
        Every test that fails is in one of three places. *New*: it passed when it was last judged in a good night, and
        stays new until a night is green again; `since` tells how long it has failed. *Added*: its suite had no such
        test in the base. *Still failing*: every other. *Fixed* failed when it was last judged, and passes. A suite
        that never ran before has no added tests. *Slower* passed at once in both, by more than `RATIO` and by more than
        both floors.
    """
    nights = Nights.of(outcomes, cycle)
    known = [nights.cycles.index(one) for one in good if one in nights.cycles]
    greens = sorted(place for place in known if place < nights.now)
    facts = _Facts(nights, greens)
    failing = nights.marks[nights.now] == FAILED
    new = failing & (facts.reference == PASSED)
    added = facts.added & ~new
    fixed = (nights.marks[nights.now] == PASSED) & (facts.latest == FAILED)
    return Comparison(
        base=nights.cycles[greens[-1]] if greens else None,
        new_failures=facts.changes(new, facts.reference_row),
        fixed=facts.changes(fixed, facts.latest_row),
        still_failing=facts.changes(failing & ~new & ~added, facts.latest_row),
        slower=tuple(_slower(nights, greens)),
        added=facts.changes(added),
        removed=tuple(facts.removed(unverified)),
        failed=int(failing.sum()),
        judged=int((nights.marks[nights.now] > UNJUDGED).sum()),
    )


class _Facts:
    """What earlier nights say of each test."""

    def __init__(self, nights: Nights, greens: Sequence[int]) -> None:
        self._nights = nights
        past = nights.marks[: nights.now]
        is_good = np.zeros((len(past), 1), dtype=bool)
        is_good[list(greens)] = True
        self.reference_row = newest((past > UNJUDGED) & is_good)
        self.reference = mark_at(past, self.reference_row)
        self.latest_row = newest(past > UNJUDGED)
        self.latest = mark_at(past, self.latest_row)
        self._base_row = np.full(len(nights.tests), ABSENT)
        for suite in np.unique(nights.suites):
            of_suite = nights.suites == suite
            present = past[:, of_suite].max(axis=1) > ABSENT
            self._base_row[of_suite] = _base(present, greens)
        self._in_base = mark_at(past, self._base_row) > ABSENT
        self.added = (self._base_row > ABSENT) & ~self._in_base & (nights.marks[nights.now] > ABSENT)

    def changes(self, wanted: Array, was: Array | None = None) -> tuple[TestChange, ...]:
        """The wanted tests by name, with what they were in the night of the row that is given for each."""
        return tuple(self._change(test, ABSENT if was is None else int(was[test])) for test in self._by_name(wanted))

    def removed(self, unverified: Collection[str]) -> Iterator[TestChange]:
        """Tests that the base has and this night has not, of suites that were judged in it."""
        nights = self._nights
        here = nights.marks[nights.now] > ABSENT
        ran = set(nights.suites[here]) - set(unverified)
        gone = self._in_base & ~here & np.isin(nights.suites, list(ran))
        for test in self._by_name(gone):
            was = STATUSES[nights.statuses[self._base_row[test], test]]
            yield TestChange(suite=nights.suites[test], test_id=nights.tests[test], status=TestStatus.NOT_RUN, was=was)

    def _change(self, test: int, was: int) -> TestChange:
        nights = self._nights
        return TestChange(
            suite=nights.suites[test],
            test_id=nights.tests[test],
            status=STATUSES[nights.statuses[nights.now, test]],
            was=None if was == ABSENT else STATUSES[nights.statuses[was, test]],
            since=self._since(test),
        )

    def _since(self, test: int) -> str:
        """The first night of the unbroken row of nights in which it ended as it does now; unjudged ones break none."""
        marks = self._nights.marks[:, test]
        others = np.flatnonzero((marks > UNJUDGED) & (marks != marks[-1]))
        alike = np.flatnonzero(marks == marks[-1])
        return self._nights.cycles[int(alike[alike > others[-1]][0] if len(others) else alike[0])]

    def _by_name(self, wanted: Array) -> list[int]:
        nights = self._nights
        return sorted(np.flatnonzero(wanted).tolist(), key=lambda test: (nights.suites[test], nights.tests[test]))


def _base(present: Array, greens: Sequence[int]) -> int:
    """The night that tells which tests a suite had: the last good one it ran in, else the last."""
    ran = np.flatnonzero(present)
    good = [row for row in greens if present[row]]
    return int(good[-1] if good else ran[-1] if len(ran) else ABSENT)


def _slower(nights: Nights, greens: Sequence[int]) -> Iterator[SlowerTest]:
    """Tests that pass the screen, the one that lost most first."""
    before = nights.durations_s[list(greens[-BASELINES:])]
    present = nights.durations_s[-1]
    samples = (~np.isnan(before)).sum(axis=0)
    known = np.flatnonzero((samples > 0) & ~np.isnan(present))
    baseline = np.maximum(np.nanmedian(before[:, known], axis=0), SHORTEST_S) if len(known) else np.empty(0)
    usual = pd.Series(baseline).groupby(nights.suites[known]).transform("median").to_numpy()
    lost = present[known] - baseline
    found = np.flatnonzero((present[known] > RATIO * baseline) & (lost > np.maximum(FLOOR_S, FLOOR_OF_SUITE * usual)))
    for place in sorted(found.tolist(), key=lambda place: (-lost[place], nights.tests[known[place]])):
        test = known[place]
        yield SlowerTest(
            suite=nights.suites[test],
            test_id=nights.tests[test],
            duration_s=float(present[test]),
            baseline_s=float(baseline[place]),
            samples=int(samples[test]),
        )

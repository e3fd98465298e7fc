"""What a month of nights says of a suite: failed, flaky, slow, obsolete tests, and the shape of the pyramid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recloser.analytics.nights import ABSENT, FAILED, PASSED, UNJUDGED, Nights, newest
from recloser.analytics.outcomes import KEYS
from recloser.analytics.slowest import slowest
from recloser.values import IdleTest, Judgement, Metric, Review, TestRate, TierShare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

LEAST_PASS_RATE = 0.95
"""A test that passes at once in fewer of its cycles is flaky."""
SLOW_S = 10.0
"""A test that takes longer is slow."""
MOST_SLOW = 50
"""Slow tests that are listed."""
LEAST_CYCLES = 5
"""In which a test must have been skipped, or be missing at the end, to be called obsolete."""
TIER_TARGETS: Mapping[str, float] = {"unit": 0.7, "integration": 0.2, "e2e": 0.1}
TIER_TOLERANCE = 0.1
"""A tier's share may differ by this much."""


def review(
    outcomes: pd.DataFrame,
    *,
    least_pass_rate: float = LEAST_PASS_RATE,
    slow_s: float = SLOW_S,
    tiers: Mapping[str, float] = TIER_TARGETS,
) -> Review:
    """Sum up the cycles of a frame.

    Args:
        outcomes: An outcome frame of the cycles under review. Probes do not count.
        least_pass_rate: Share of cycles in which a test should pass at once.
        slow_s: Seconds that a test may take, as a median of its passes.
        tiers: Share of the tests that each tier should have.
    """
    cycles = list(outcomes["cycle"].cat.categories) if len(outcomes) else []
    if not cycles:
        return Review()
    nights = Nights.of(outcomes, cycles[-1])
    here = nights.marks[nights.now] != ABSENT
    last = newest(nights.marks >= FAILED)
    failing = (last != ABSENT) & here & (nights.marks[last, np.arange(len(here))] == FAILED)
    at_once = _passed_at_once(outcomes, nights)
    judged = (nights.marks >= FAILED).sum(axis=0)
    flaky = (at_once < least_pass_rate * judged) & (at_once > 0)
    found = Review(
        cycles=tuple(map(str, cycles)),
        tests=int(here.sum()),
        failed=_rates(nights, failing, at_once, judged),
        flaky=_rates(nights, flaky, at_once, judged),
        slow=tuple(test for test in slowest(outcomes, MOST_SLOW) if test.median_s > slow_s),
        obsolete=tuple(_obsolete(nights)),
        tiers=_tiers(outcomes, cycles[-1], tiers),
    )
    return found.model_copy(update={"metrics": _metrics(found)})


def _passed_at_once(outcomes: pd.DataFrame, nights: Nights) -> NDArray[np.int64]:
    """In how many cycles each test passed without having failed in any attempt."""
    main = outcomes[outcomes["probe"] == ""]
    failed = main[main["failed"]].groupby(["cycle", *KEYS], observed=True).size().index
    column = {name: at for at, name in enumerate(zip(nights.suites.tolist(), nights.tests.tolist(), strict=True))}
    row = {cycle: at for at, cycle in enumerate(nights.cycles)}
    passed = nights.marks == PASSED
    for cycle, suite, test in failed:
        passed[row[cycle], column[suite, test]] = False
    counts: NDArray[np.int64] = passed.sum(axis=0)
    return counts


def _rates(
    nights: Nights, wanted: NDArray[np.bool_], passed: NDArray[np.int64], judged: NDArray[np.int64]
) -> tuple[TestRate, ...]:
    """The wanted tests, those that pass least first."""
    rates = [
        TestRate(
            suite=str(nights.suites[at]),
            test_id=str(nights.tests[at]),
            passed=int(passed[at]),
            judged=int(judged[at]),
        )
        for at in np.flatnonzero(wanted).tolist()
    ]
    return tuple(sorted(rates, key=lambda rate: (rate.pass_rate, rate.suite, rate.test_id)))


def _obsolete(nights: Nights) -> Iterator[IdleTest]:
    """Tests that were skipped each time, and tests that are no longer there."""
    there = nights.marks != ABSENT
    idle = (there.sum(axis=0) >= LEAST_CYCLES) & ~(nights.marks > UNJUDGED).any(axis=0) & there[-1]
    missing_since = nights.now - newest(there)
    gone = missing_since >= LEAST_CYCLES
    for at in np.flatnonzero(idle | gone).tolist():
        times = int(there[:, at].sum())
        reason = (
            f"skipped in all {times} cycles" if idle[at] else f"not there in the last {int(missing_since[at])} cycles"
        )
        yield IdleTest(suite=str(nights.suites[at]), test_id=str(nights.tests[at]), reason=reason)


def _tiers(outcomes: pd.DataFrame, cycle: str, targets: Mapping[str, float]) -> tuple[TierShare, ...]:
    """The share of each tier in the last cycle; those with a target first."""
    last = outcomes[(outcomes["cycle"] == cycle) & (outcomes["probe"] == "")]
    counts = {str(tier): int(size) for tier, size in last.drop_duplicates(KEYS)["tier"].value_counts().items() if size}
    total = max(sum(counts.values()), 1)
    names = [*targets, *sorted(counts.keys() - targets.keys())]
    return tuple(
        TierShare(tier=name, tests=counts.get(name, 0), share=counts.get(name, 0) / total, target=targets.get(name))
        for name in names
    )


def _metrics(found: Review) -> tuple[Metric, ...]:
    """The table of the review."""
    rows = [
        _none("tests that fail", found.failed),
        _none("flaky tests", found.flaky),
        _none("slow tests", found.slow),
        _none("obsolete tests", found.obsolete),
    ]
    return (*rows, *(_tier(tier) for tier in found.tiers if tier.target is not None))


def _none(name: str, tests: Sequence[object]) -> Metric:
    status = Judgement.FAILED if tests else Judgement.PASSED
    return Metric(name=name, value=str(len(tests)), target="0", judgement=status)


def _tier(tier: TierShare) -> Metric:
    near = tier.target is not None and round(abs(tier.share - tier.target), 6) <= TIER_TOLERANCE
    return Metric(
        name=f"share of {tier.tier} tests",
        value=f"{tier.share:.0%} ({tier.tests} tests)",
        target=f"{tier.target:.0%} +/- {TIER_TOLERANCE:.0%}",
        judgement=Judgement.PASSED if near else Judgement.FAILED,
    )

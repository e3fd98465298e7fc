"""The figures of a review beside what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.nightly.trends import recoveries_h
from recloser.values import Judgement, Metric

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from recloser.quarantine import Quarantine
    from recloser.values import CoverageTrend, Cycle, TargetReview

PASS_RATE = 0.95
COVERAGE_LOSS_PP = 1.0
"""Percentage points that coverage may fall before it counts: files move, lines do not."""
RECOVERY_H = 24.0


def scorecard(
    review: TargetReview, cycles: Sequence[Cycle], quarantine: Quarantine | None, now: datetime
) -> tuple[Metric, ...]:
    """One row for each figure; what was not measured says so, and has not passed.

    Args:
        review: The rest of the review.
        cycles: Its nights, the oldest first.
        quarantine: As the file is; None where it cannot be read.
        now: The time, UTC.
    """
    return (
        _nights(review),
        _pass_rate(review),
        *_tests(review),
        _coverage(review),
        _recovery(cycles),
        _cost(review),
        _quarantine(review, quarantine, now),
    )


def _judged(*, good: bool) -> Judgement:
    return Judgement.PASSED if good else Judgement.FAILED


def _nights(review: TargetReview) -> Metric:
    days = (review.last_day - review.first_day).days + 1
    return Metric(name="nights", value=f"{review.green} of {review.nights} green, in {days} days")


def _pass_rate(review: TargetReview) -> Metric:
    target = f"at least {PASS_RATE * 100:.0f} %"
    if not review.judged:
        return Metric(name="pass rate", value="nothing was judged", target=target, judgement=Judgement.NOT_VERIFIED)
    rate = review.passed / review.judged
    # Rounded down: what is not whole must not look whole.
    value = f"{int(rate * 10_000) / 100:.2f} % of {review.judged:,}"
    return Metric(name="pass rate", value=value, target=target, judgement=_judged(good=rate >= PASS_RATE))


def _tests(review: TargetReview) -> tuple[Metric, ...]:
    if review.tests.metrics:
        return review.tests.metrics
    return (Metric(name="tests", value="no outcome is on record", judgement=Judgement.NOT_VERIFIED),)


def _coverage(review: TargetReview) -> Metric:
    target = f"no suite loses more than {COVERAGE_LOSS_PP:g} pp"
    if not review.coverage:
        return Metric(name="coverage", value="not measured", target=target, judgement=Judgement.NOT_VERIFIED)
    value = "; ".join(map(_covered, review.coverage))
    held = all(one.change_pp >= -COVERAGE_LOSS_PP for one in review.coverage)
    return Metric(name="coverage", value=value, target=target, judgement=_judged(good=held))


def _covered(one: CoverageTrend) -> str:
    weeks = " → ".join(f"{percent:.1f}" for percent in one.weekly_percent)
    by_week = f", by week {weeks}" if len(one.weekly_percent) > 1 else ""
    return f"{one.suite} {one.last_percent:.1f} % ({one.change_pp:+.1f} pp{by_week})"


def _recovery(cycles: Sequence[Cycle]) -> Metric:
    name, target = "time to recover", f"at most {RECOVERY_H:.0f} h"
    hours = recoveries_h(cycles)
    if not hours:
        return Metric(name=name, value="no recovery on record", target=target)
    mean = sum(hours) / len(hours)
    return Metric(
        name=name,
        value=f"{mean:.1f} h, mean of {len(hours)}",
        target=target,
        judgement=_judged(good=mean <= RECOVERY_H),
    )


def _cost(review: TargetReview) -> Metric:
    unpriced = f"; {review.unpriced} suite runs have calls without a known price" if review.unpriced else ""
    if review.cost_usd is None:
        return Metric(name="cost of AWS calls", value=f"none is known{unpriced}")
    return Metric(name="cost of AWS calls", value=f"{review.cost_usd:.4f} USD{unpriced}")


def _quarantine(review: TargetReview, quarantine: Quarantine | None, now: datetime) -> Metric:
    if quarantine is None:
        return Metric(
            name="quarantine", value="cannot be read", target="none expired", judgement=Judgement.NOT_VERIFIED
        )
    expired = len(quarantine.expired(now))
    soon = len(review.quarantine) - expired
    empty = f", {len(review.empty_entries)} of tests that did not run" if review.empty_entries else ""
    value = f"{len(quarantine.entries)} of {quarantine.rules.max_tests}; {expired} expired, {soon} end soon{empty}"
    return Metric(name="quarantine", value=value, target="none expired", judgement=_judged(good=not expired))

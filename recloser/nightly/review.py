"""A month or a week of nights, summed up: what needs a person beyond the morning's page, and a table of figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Self

from recloser.nightly.errors import NightlyError
from recloser.nightly.prices import cost_of
from recloser.nightly.scorecard import scorecard
from recloser.quarantine import QuarantineError, load_quarantine
from recloser.values import CoverageTrend, CycleVerdict, TargetReview

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from recloser.quarantine import Quarantine
    from recloser.store.history import History
    from recloser.target import System
    from recloser.values import Cycle, HistoryPoint, QuarantineEntry, SuiteRun

LOOKED_BACK = 1_000
"""Nights among which a stretch is looked for."""
SOON = timedelta(days=14)
"""An entry of the quarantine that ends within this time is about to."""
WEEKS = 12


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some days, in UTC."""

    first_day: date
    last_day: date

    @classmethod
    def month(cls, text: str) -> Self:
        """A month as a person writes it: `2026-11`.

        Raises:
            NightlyError: It is none.
        """
        try:
            first = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
        except ValueError:
            raise NightlyError(f"{text!r} is no month: expected one such as 2026-11") from None
        return cls(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))

    @classmethod
    def week_before(cls, day: date) -> Self:
        """The last whole week, Monday to Sunday, before a day."""
        monday = day - timedelta(days=day.weekday() + 7)
        return cls(monday, monday + timedelta(days=6))

    def holds(self, at: datetime) -> bool:
        """Whether a moment is in it."""
        return self.first_day <= at.astimezone(UTC).date() <= self.last_day


def due_month(history: History, target: str, today: date) -> Stretch:
    """The month before this one; where no night is on record of it, this one."""
    this = Stretch.month(f"{today:%Y-%m}")
    before = Stretch.month(f"{this.first_day - timedelta(days=1):%Y-%m}")
    nights = history.cycles(target, last=LOOKED_BACK)
    return before if any(before.holds(cycle.opened_at) for cycle in nights) else this


def review(history: History, system: System, stretch: Stretch, now: datetime) -> TargetReview:
    """Sum up the nights of a stretch.

    Args:
        history: The store's.
        system: The target.
        stretch: Which days.
        now: The time, UTC: what the quarantine is judged by.

    Raises:
        StoreError: The store cannot be read.
    """
    from recloser.analytics.review import review as judged  # noqa: PLC0415 - pandas takes a second to import

    cycles = _cycles(history, system.name, stretch)
    points = [point for point in history.points(system.name, last=LOOKED_BACK) if stretch.holds(point.at)]
    outcomes = history.outcomes(system.name, last=0, also=[cycle.cycle_id for cycle in cycles])
    quarantine, unread = _quarantine(system)
    heads = history.suite_heads([cycle.cycle_id for cycle in cycles])
    runs = [run for cycle in cycles for run in heads[cycle.cycle_id]]
    costs = [cost_of(run.aws_calls) for run in runs if run.aws_calls]
    known = [cost for cost in costs if cost is not None]
    summed = TargetReview(
        target=system.name,
        first_day=stretch.first_day,
        last_day=stretch.last_day,
        nights=len(cycles),
        green=sum(cycle.verdict is CycleVerdict.GREEN for cycle in cycles),
        passed=sum(point.passed for point in points),
        judged=sum(point.passed + point.failed for point in points),
        tests=judged(outcomes),
        coverage=_coverage(runs),
        cost_usd=sum(known) if known else None,
        unpriced=len(costs) - len(known),
        quarantine=_ending(quarantine, now),
        empty_entries=_without_test(quarantine, outcomes),
        weeks=tuple(week for week in history.weeks(system.name) if week.monday <= stretch.last_day)[-WEEKS:],
        missing=(*unread, *_missing(outcomes, points)),
    )
    return summed.model_copy(update={"metrics": scorecard(summed, cycles, quarantine, now)})


def _cycles(history: History, target: str, stretch: Stretch) -> tuple[Cycle, ...]:
    """Those that have ended, the oldest first."""
    newest_first = history.cycles(target, last=LOOKED_BACK)
    return tuple(
        cycle for cycle in reversed(newest_first) if cycle.verdict is not None and stretch.holds(cycle.opened_at)
    )


def _quarantine(system: System) -> tuple[Quarantine | None, tuple[str, ...]]:
    try:
        return load_quarantine(system), ()
    except QuarantineError as error:
        return None, (f"quarantine: {error}",)


def _without_test(quarantine: Quarantine | None, outcomes: pd.DataFrame) -> tuple[QuarantineEntry, ...]:
    entries = quarantine.entries if quarantine else ()
    suites = set(outcomes["suite"].astype(str).unique())
    there = set(outcomes[["suite", "test"]].drop_duplicates().astype(str).itertuples(index=False, name=None))
    return tuple(entry for entry in entries if entry.suite in suites and entry.key not in there)


def _coverage(runs: Sequence[SuiteRun]) -> tuple[CoverageTrend, ...]:
    measured: dict[str, list[SuiteRun]] = {}
    for run in runs:
        if run.coverage_percent is not None:
            measured.setdefault(run.suite, []).append(run)
    return tuple(_trend(suite, found) for suite, found in sorted(measured.items()))


def _trend(suite: str, runs: Sequence[SuiteRun]) -> CoverageTrend:
    percents = [run.coverage_percent or 0.0 for run in runs]
    weeks: dict[date, list[float]] = {}
    for run, percent in zip(runs, percents, strict=True):
        day = run.started_at.astimezone(UTC).date()
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(percent)
    return CoverageTrend(
        suite=suite,
        first_percent=percents[0],
        last_percent=percents[-1],
        nights=len(percents),
        weekly_percent=tuple(median(found) for found in weeks.values()),
    )


def _ending(quarantine: Quarantine | None, now: datetime) -> tuple[QuarantineEntry, ...]:
    entries = quarantine.entries if quarantine else ()
    ending = [entry for entry in entries if entry.is_expired(now + SOON)]
    return tuple(sorted(ending, key=lambda entry: (entry.expires, entry.key)))


def _missing(outcomes: pd.DataFrame, points: Sequence[HistoryPoint]) -> tuple[str, ...]:
    """Nights whose attempts are gone are counted, and nothing else is known of them."""
    kept = set(outcomes["cycle"].astype(str).unique())
    gone = sum(point.cycle_id not in kept and point.passed + point.failed > 0 for point in points)
    return (f"tests: the attempts of {gone} nights were folded into weeks, so no list counts them",) if gone else ()

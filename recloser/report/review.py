"""A review for a person: Markdown for the Prefect UI, and its figures as rows of a table there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.report.markdown import NOTHING, Markdown, cell_code, escape_inline, table_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from recloser.values import IdleTest, Metric, QuarantineEntry, SlowTest, TargetReview, TestRate, WeekRow

MOST_ROWS = 50
"""Of one list; the others are counted, and are in the JSON."""
SIGNS = {"passed": "✅", "failed": "❌", "not-verified": "❔", "": ""}


def review_markdown(review: TargetReview, title: str) -> str:
    """A review as Markdown; whatever tests are called, it stays text.

    Args:
        review: What is said of the nights.
        title: What kind of review it is.
    """
    return "\n".join(_lines(review, title)) + "\n"


def review_table(review: TargetReview) -> list[dict[str, str]]:
    """One row for each figure, its cells safe as Markdown."""
    names = ("metric", "value", "target", "status")
    return [dict(zip(names, map(str, _metric(metric)), strict=True)) for metric in review.metrics]


def week_table(weeks: Sequence[WeekRow]) -> list[dict[str, str]]:
    """One row for each week, the newest first."""
    names = ("week of", "nights", "passed", "judged", "pass rate")
    return [dict(zip(names, map(str, _week(week)), strict=True)) for week in reversed(weeks)]


def status_of(metric: Metric) -> str:
    """How a figure stands, in a word; empty where it has no target."""
    return "" if metric.judgement is None else str(metric.judgement)


def percent(share: float | None) -> str:
    """A share; rounded down, since what is not whole must not look whole. A dash where there is none."""
    return "–" if share is None else f"{int(share * 10_000) / 100:.2f} %"  # noqa: RUF001 - a dash


def _lines(review: TargetReview, title: str) -> Iterator[str]:
    yield f"# {escape_inline(title)}: {escape_inline(review.target)}"
    yield f"\n{review.first_day} to {review.last_day}: nights {review.nights}, green {review.green}"
    yield from _table("Figures", ("metric", "value", "target", "status"), map(_metric, review.metrics))
    rates = ("test", "suite", "passed at once", "rate")
    entries = ("test", "suite", "owner", "expires")
    yield from _table("Failing", rates, map(_rate, review.tests.failed))
    yield from _table("Flaky", rates, map(_rate, review.tests.flaky))
    yield from _table("Slow", ("test", "suite", "median", "trend"), map(_slow, review.tests.slow))
    yield from _table("Obsolete", ("test", "suite", "why"), map(_idle, review.tests.obsolete))
    yield from _table("Quarantine that ends", entries, map(_entry, review.quarantine))
    yield from _table("Quarantine of tests that did not run", entries, map(_entry, review.empty_entries))
    weeks = ("week of", "nights", "passed", "judged", "pass rate")
    yield from _table("Pass rate by week", weeks, map(_week, reversed(review.weeks)))
    if review.missing:
        yield "\n## What could not be said\n"
        yield from (f"- {escape_inline(line)}" for line in review.missing)


def _table(title: str, names: Sequence[str], rows: Iterable[tuple[Markdown, ...]]) -> Iterator[str]:
    cells = list(rows)
    if not cells:
        return
    yield f"\n## {title}\n"
    yield table_row(map(Markdown, names))
    yield table_row([Markdown("---")] * len(names))
    yield from map(table_row, cells[:MOST_ROWS])
    if len(cells) > MOST_ROWS:
        yield f"\n{len(cells) - MOST_ROWS} more are in the JSON."


def _metric(metric: Metric) -> tuple[Markdown, ...]:
    status = status_of(metric)
    words = f"{SIGNS[status]} {status}".strip()
    return tuple(escape_inline(text) or NOTHING for text in (metric.name, metric.value, metric.target, words))


def _rate(test: TestRate) -> tuple[Markdown, ...]:
    counts = Markdown(f"{test.passed} of {test.judged}")
    return (cell_code(test.test_id), escape_inline(test.suite), counts, Markdown(percent(test.pass_rate)))


def _idle(test: IdleTest) -> tuple[Markdown, ...]:
    return (cell_code(test.test_id), escape_inline(test.suite), escape_inline(test.reason))


def _slow(test: SlowTest) -> tuple[Markdown, ...]:
    trend = NOTHING if test.trend is None else Markdown(f"{test.trend:.2f} times")
    return (cell_code(test.test_id), escape_inline(test.suite), Markdown(f"{test.median_s:.2f} s"), trend)


def _entry(entry: QuarantineEntry) -> tuple[Markdown, ...]:
    return (cell_code(entry.test), escape_inline(entry.suite), escape_inline(entry.owner), Markdown(str(entry.expires)))


def _week(week: WeekRow) -> tuple[Markdown, ...]:
    counts = (week.monday, week.cycles, week.passed, week.judged, percent(week.pass_rate))
    return tuple(Markdown(str(cell)) for cell in counts)

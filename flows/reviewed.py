"""A review on a terminal: plain text in tables, never markup; one line a row where output is no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from recloser.redaction import clean
from recloser.report.review import percent, status_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recloser.values import TargetReview, TestRate

_PIPED_WIDTH = 10_000
_SHOWN = 20
_STYLES = {"passed": "green", "failed": "red", "not-verified": "yellow", "": ""}


def print_review(review: TargetReview) -> None:
    """The figures, then each list, then what could not be said."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPED_WIDTH)
    days = f"{review.first_day} to {review.last_day}"
    console.print(Text(clean(f"{review.target}, {days}: nights {review.nights}, green {review.green}"), style="bold"))
    figures = ((one.name, one.value, one.target, status_of(one)) for one in review.metrics)
    _table(console, "figures", ("metric", "value", "target", "status"), list(figures))
    tests = review.tests
    _rates(console, "failing", tests.failed)
    _rates(console, "flaky", tests.flaky)
    slow = [(f"{one.median_s:.2f} s", one.suite, one.test_id) for one in tests.slow]
    _table(console, "slow", ("median", "suite", "test"), slow)
    obsolete = [(one.suite, one.test_id, one.reason) for one in tests.obsolete]
    _table(console, "obsolete", ("suite", "test", "why"), obsolete)
    for title, entries in (("ends", review.quarantine), ("of tests that did not run", review.empty_entries)):
        rows = [(one.expires, one.owner, one.suite, one.test) for one in entries]
        _table(console, f"quarantine: {title}", ("expires", "owner", "suite", "test"), rows)
    weeks = [(one.monday, one.cycles, f"{one.passed}/{one.judged}", percent(one.pass_rate)) for one in review.weeks]
    _table(console, "pass rate by week", ("week of", "nights", "passed/judged", "pass rate"), weeks[::-1])
    for line in review.missing:
        console.print(Text(clean(f"not known: {line}"), style="yellow"), soft_wrap=True)


def _rates(console: Console, title: str, tests: Iterable[TestRate]) -> None:
    rows = [(f"{one.passed} of {one.judged}", percent(one.pass_rate), one.suite, one.test_id) for one in tests]
    _table(console, title, ("passed at once", "rate", "suite", "test"), rows)


def _table(console: Console, title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    if not rows:
        return
    console.print(Text(f"\n{title}", style="bold"))
    table = Table(*heads, box=None)
    for row in rows[:_SHOWN]:
        table.add_row(*(Text(clean(str(cell)), style=_STYLES.get(str(cell), "")) for cell in row))
    console.print(table)
    if len(rows) > _SHOWN:
        console.print(Text(f"{len(rows) - _SHOWN} more: --format json", style="dim"))

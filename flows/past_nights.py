"""A target's nights on a terminal: plain text in tables, never markup; one line a row where output is no terminal."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from recloser.redaction import clean
from recloser.report import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from recloser.values import HistoryPoint, SlowTest, TestAttempt, TestNight, WeekRow

_NONE = "–"  # noqa: RUF001 - the dash of an empty table cell
_PIPED_WIDTH = 10_000
_MESSAGE_WIDTH = 100
_BAR_WIDTH = 30
_STEPS = "▁▂▃▄▅▆▇█"
LEGEND = "✓ passed  ✗ failed  ~ failed, then passed  - not judged  · not there"


def print_story(suite: str, test_id: str, nights: Sequence[TestNight], weeks: Sequence[WeekRow]) -> None:
    """One test, night by night, the newest first."""
    _line(f"{test_id}  (suite {suite})", "bold")
    if weeks:
        passed, judged = (sum(counts) for counts in zip(*((week.passed, week.judged) for week in weeks), strict=True))
        _line(f"before: passed in {passed} of {judged} nights from {weeks[0].monday}, kept as weeks only", "dim")
    if not nights:
        _line("no night with attempts of its suite is kept")
        return
    _line(f"{''.join(map(mark, nights))}  {LEGEND}")
    _line(standing(nights))
    rows = (_night_cells(night) for night in reversed(nights) if night.attempts)
    heads = ("cycle", "", "status", "attempts", ">took", "fingerprint", "failure")
    _table(heads, rows)


def mark(night: TestNight) -> str:
    """One character for how a test ended in a night."""
    if night.deciding is None:
        return "·"
    if night.is_flaky:
        return "~"
    status = night.deciding.status
    return "✓" if status.is_pass else "✗" if status.is_failure else "-"


def standing(nights: Sequence[TestNight]) -> str:
    """How the test ends now and since when; nights in which it was not judged interrupt nothing."""
    judged = [night for night in nights if _verdict(night)]
    if not judged:
        return "never judged in these nights"
    present = _verdict(judged[-1])
    others = [place for place, night in enumerate(judged) if _verdict(night) != present]
    since = judged[others[-1] + 1 if others else 0]
    count = len(judged) - (others[-1] + 1 if others else 0)
    flaky = sum(night.is_flaky for night in nights)
    unsteady = f"; passed only when run again in {_nights(flaky)}" if flaky else ""
    beginning = "" if others else " or longer"
    return f"{present} since {since.cycle_id}{beginning}: {_nights(count)}{unsteady}"


def _verdict(night: TestNight) -> str:
    status = night.deciding.status if night.deciding else None
    return "passes" if status and status.is_pass else "fails" if status and status.is_failure else ""


def _nights(count: int) -> str:
    return f"{count} night{'' if count == 1 else 's'}"


def _night_cells(night: TestNight) -> tuple[object, ...]:
    deciding = night.deciding or night.attempts[-1]
    tried = " ".join(_tried(attempt) for attempt in night.attempts)
    told = next((attempt for attempt in night.attempts if attempt.failure), None)
    failure = told.failure if told else None
    said = f"{failure.exception}: {clean(failure.message, _MESSAGE_WIDTH)}" if failure else deciding.reason
    return (
        night.cycle_id,
        mark(night),
        deciding.status,
        tried,
        seconds(deciding.duration_s),
        failure.fingerprint[:12] if failure else "",
        said,
    )


def _tried(attempt: TestAttempt) -> str:
    sign = "✓" if attempt.status.is_pass else "✗" if attempt.status.is_failure else "-"
    return f"{attempt.probe}:{sign}" if attempt.probe else sign


def print_runs(points: Sequence[HistoryPoint], reasons: Mapping[str, str], left: str) -> None:
    """One line for each cycle, the newest first; `left` is what is said of one that has no verdict."""
    rows = (
        (
            point.cycle_id,
            f"{point.at.astimezone(UTC):%Y-%m-%d %H:%M}",
            point.verdict or left,
            point.passed,
            point.failed,
            point.skipped,
            duration(point.duration_s),
            reasons.get(point.cycle_id, ""),
        )
        for point in reversed(points)
    )
    heads = ("cycle", "opened (UTC)", "verdict", ">passed", ">failed", ">not judged", ">took", "reason")
    _table(heads, rows)


def print_slow(tests: Sequence[SlowTest], nights: int) -> None:
    """The slowest tests with their durations as a picture, the oldest night left."""
    if not tests:
        _line("no test passed at its first attempt in these nights")
        return
    _line(
        f"median of the passes in the last {_nights(nights)}; trend: newer half over older half, noise included", "dim"
    )
    rows = (
        (
            seconds(test.median_s),
            _ratio(test.trend),
            len(test.durations_s),
            picture(test.durations_s),
            test.suite,
            test.test_id,
        )
        for test in tests
    )
    _table((">median", ">trend", ">passes", "nights", "suite", "test"), rows)


def print_trend(weeks: Sequence[WeekRow]) -> None:
    """The share of passed tests week by week, the newest first."""
    rows = []
    for place, week in reversed(list(enumerate(weeks))):
        before = weeks[place - 1].pass_rate if place else None
        rows.append((week.monday, week.cycles, f"{week.passed:,}/{week.judged:,}", *_rate(week.pass_rate, before)))
    _table(("week of", ">nights", ">passed/judged", ">pass rate", ">change", ""), rows)


def seconds(took: float) -> str:
    """A test's duration; most take milliseconds."""
    return f"{took * 1000:.0f} ms" if took < 1 else duration(took)


def picture(values: Sequence[float]) -> str:
    """Values as bars of a height, zero to the largest."""
    top = max(values) or 1.0
    return "".join(_STEPS[min(int(value / top * len(_STEPS)), len(_STEPS) - 1)] for value in values)


def _ratio(trend: float | None) -> str:
    return _NONE if trend is None else f"×{trend:.2f}"  # noqa: RUF001 - times


def _rate(rate: float | None, before: float | None) -> tuple[str, str, str]:
    if rate is None:
        return (_NONE, _NONE, "")
    change = _NONE if before is None else f"{(rate - before) * 100:+.2f} pp"
    # Rounded down: what is not whole must not look whole.
    return (f"{int(rate * 10_000) / 100:.2f} %", change, "█" * int(rate * _BAR_WIDTH))


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    console = _console()
    columns = (
        Column(head.removeprefix(">"), justify="right" if head.startswith(">") else "left", overflow="fold")
        for head in heads
    )
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(Text(clean(str(cell))) for cell in row))
    console.print(table)


def _line(text: str, style: str = "") -> None:
    _console().print(Text(clean(text), style=style), soft_wrap=True)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)

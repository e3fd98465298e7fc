"""The first screen: verdict, reason, key numbers, and the nights before."""

from collections.abc import Iterator

from recloser.report.nightly.blocks import Mark, Tick, Tile
from recloser.report.nightly.tally import failed_in, passed_in, tests_of, unverified
from recloser.report.nightly.words import counted, day, number, share, verdict_mark, verdict_word
from recloser.report.times import between, moment
from recloser.report.words import usd
from recloser.values import CodeState, CycleReport

_NIGHTS = 14
_HASH_LENGTH = 10


def facts_of(report: CycleReport) -> tuple[str, ...]:
    """What ran, when, and of which code."""
    cycle = report.cycle
    return (moment(cycle.opened_at), code_words(cycle.code), cycle.environment.python)


def code_words(code: CodeState) -> str:
    """The code under test, as short as it can be named."""
    name = f"commit {code.commit[:_HASH_LENGTH]}" if code.commit else f"tree {code.tree[:_HASH_LENGTH]}"
    branch = f" on {code.branch}" if code.branch else ""
    return name + branch + (", with changes not committed" if code.dirty else "")


def reason_of(report: CycleReport) -> str:
    """Why the night ended so."""
    if report.cycle.verdict is None:
        return report.cycle.reason or "The cycle runs, or it was interrupted and not resumed."
    return report.cycle.reason or "No reason was recorded."


def tiles_of(report: CycleReport) -> tuple[Tile, ...]:
    """The key numbers."""
    return tuple(_tiles(report))


def _tiles(report: CycleReport) -> Iterator[Tile]:
    counts = tests_of(report)
    passed, failed, gaps = passed_in(counts), failed_in(counts), len(unverified(report))
    failed_mark = Mark.BAD if failed else Mark.GOOD if passed else Mark.UNKNOWN
    yield Tile("failed", number(failed), _failed_note(report, passed + failed), failed_mark, "#new")
    yield Tile("passed", number(passed), f"of {counted(sum(counts.values()), 'test')}", Mark.PLAIN, "#suites")
    yield Tile(
        "not verified",
        number(gaps),
        "and why" if gaps else "all was judged",
        Mark.UNKNOWN if gaps else Mark.GOOD,
        "#not-verified",
    )
    flaky = max(len(report.flaky), sum(suite.flaky for suite in report.suites))
    yield Tile("flaky", number(flaky), "failed, then passed", Mark.NOTE if flaky else Mark.PLAIN, "#flaky")
    slower = len(report.comparison.slower)
    yield Tile("slower", number(slower), "a screen, unconfirmed", Mark.NOTE if slower else Mark.PLAIN, "#slower")
    yield Tile("in all", between(report.cycle.opened_at, report.cycle.closed_at), _price(report), Mark.PLAIN, "#stages")


def _failed_note(report: CycleReport, judged: int) -> str:
    comparison = report.comparison
    if comparison.new_failures:
        return f"{number(len(comparison.new_failures))} new"
    if added := sum(change.status.is_failure for change in comparison.added):
        return f"{number(added)} in added tests"
    if not judged:
        return "none was judged"
    if comparison.failed or comparison.still_failing:
        return "none is new" if comparison.base else "nothing to compare with"
    return f"of {number(judged)} judged"


def _price(report: CycleReport) -> str:
    prices = [suite.cost_usd for suite in report.suites if suite.cost_usd is not None]
    return f"{usd(sum(prices))} of AWS" if prices else ""


def ticks_of(report: CycleReport) -> tuple[Tick, ...]:
    """The verdicts of the last nights, oldest first."""
    return tuple(
        Tick(f"{day(point.at)}: {verdict_word(point.verdict).lower()}", verdict_mark(point.verdict))
        for point in report.history[-_NIGHTS:]
    )


def base_words(report: CycleReport) -> str:
    """What the night is compared with, and how old that is."""
    base = report.comparison.base
    if not report.comparison.known:
        return "The earlier nights could not be read, so nothing can be called new or slower."
    if base is None:
        return "There is no earlier green night to compare with, so nothing can be called new or slower."
    ids = [point.cycle_id for point in report.history]
    at = {point.cycle_id: point.at for point in report.history}
    if base not in at:
        return f"Compared with the last green night, {base}."
    age = len(ids) - 1 - ids.index(base)
    return f"Compared with the last green night, {base}, {counted(age, 'night')} ago."


def failure_rate(report: CycleReport) -> str:
    """How many of the judged tests failed."""
    counts = tests_of(report)
    failed = failed_in(counts)
    judged = failed + passed_in(counts)
    return f"{number(failed)} of {number(judged)} judged tests failed ({share(failed, judged)})." if judged else ""

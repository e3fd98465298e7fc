"""What was not verified beside what passed, and every suite."""

from collections import Counter
from collections.abc import Iterator

from recloser.report.nightly.blocks import (
    Cell,
    Item,
    Listing,
    Mark,
    Pair,
    Section,
)
from recloser.report.nightly.limits import Limits, cut, tabled
from recloser.report.nightly.tally import failed_in, passed_in, silent, unverified, verified
from recloser.report.nightly.words import (
    DASH,
    counted,
    joined,
    judgement_mark,
    judgement_word,
    number,
    short,
    standing,
    worst,
)
from recloser.report.words import usd
from recloser.values import CycleReport, Judgement, SuiteSummary, TestStatus

_TIERS = ("unit", "integration", "e2e", "regression", "performance")
_OPERATIONS = 3
_COLUMNS = (
    *("suite", "tier", "verdict", ">passed", ">failed", ">skipped", ">not run"),
    *(">flaky", ">coverage", ">took", ">price"),
)


def unverified_section(report: CycleReport, limits: Limits) -> Section:
    """What was not verified and why, next to what passed."""
    gaps, passed, skipped = unverified(report), verified(report), silent(report)
    missing = _listing("Not verified", (*gaps, *skipped), limits, "Everything that was to be judged was judged.")
    return Section(
        "not-verified",
        "What was not verified, and why",
        count=counted(len(gaps), "check") if gaps else "nothing",
        mark=Mark.UNKNOWN if gaps else Mark.GOOD,
        blocks=(Pair(missing, _listing("Passed", passed, limits, "Nothing passed as a whole.")),),
    )


def _listing(title: str, items: tuple[Item, ...], limits: Limits, empty: str) -> Listing:
    shown, more = cut(items, limits.rows)
    return Listing(title, tuple(shown), more, empty)


def suites_section(report: CycleReport, limits: Limits) -> Section:
    """Every suite, by tier."""
    suites = sorted(report.suites, key=_tier_order)
    table = tabled("Suites, by tier", _COLUMNS, suites, _suite, limit=limits.rows, noun="suites")
    notes = _listing("Notes", tuple(_suite_notes(suites)), limits, "")
    return Section(
        "suites",
        "Suites",
        count=standing(suite.judgement for suite in suites),
        mark=worst(suite.judgement for suite in suites) if suites else None,
        intro="" if suites else "No suite was run.",
        blocks=((table, notes) if notes.items else (table,)) if suites else (),
    )


def _tier_order(suite: SuiteSummary) -> tuple[int, str, str]:
    place = _TIERS.index(suite.tier) if suite.tier in _TIERS else len(_TIERS)
    return place, suite.tier, suite.suite


def _suite(suite: SuiteSummary) -> tuple[Cell, ...]:
    counts = Counter(suite.counts)
    failed = failed_in(counts)
    coverage = DASH if suite.coverage_percent is None else f"{suite.coverage_percent:.1f} %"
    return (
        Cell(suite.suite),
        Cell(suite.tier),
        Cell(judgement_word(suite.judgement), judgement_mark(suite.judgement)),
        Cell(number(passed_in(counts))),
        Cell(number(failed), Mark.BAD if failed else None),
        Cell(number(counts[TestStatus.SKIPPED])),
        Cell(number(counts[TestStatus.NOT_RUN]), Mark.UNKNOWN if counts[TestStatus.NOT_RUN] else None),
        Cell(number(suite.flaky), Mark.NOTE if suite.flaky else None),
        Cell(coverage),
        Cell(short(suite.duration_s)),
        Cell(usd(suite.cost_usd)),
    )


def _suite_notes(suites: list[SuiteSummary]) -> Iterator[Item]:
    for suite in suites:
        mark = judgement_mark(suite.judgement)
        if suite.judgement is not Judgement.PASSED:
            said = suite.reason or "no reason was recorded"
            yield Item(suite.suite, mark, said if suite.critical else f"{said} (not critical)")
        yield from (Item(suite.suite, Mark.BAD, f"beyond its threshold: {beyond}") for beyond in suite.beyond)
        if suite.figures:
            yield Item(suite.suite, Mark.PLAIN, "measured: " + joined(map(_figure, sorted(suite.figures.items()))))
        if suite.aws_calls:
            yield Item(suite.suite, Mark.PLAIN, _calls(suite))


def _figure(figure: tuple[str, float]) -> str:
    name, value = figure
    return f"{name} {value:.4g}"


def _calls(suite: SuiteSummary) -> str:
    calls = sorted(suite.aws_calls, key=lambda call: -call.count)
    named = joined(f"{call.service} {call.operation} {call.count:,}" for call in calls[:_OPERATIONS])
    return f"{counted(sum(call.count for call in calls), 'call')} of AWS: {named}" + (
        f" · and {len(calls) - _OPERATIONS} more operations" if len(calls) > _OPERATIONS else ""
    )

"""What was not verified beside what passed; suites, data and services."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from urllib.parse import quote

from recloser.report.nightly.blocks import (
    Block,
    Case,
    Cell,
    Column,
    Item,
    Listing,
    Mark,
    Pair,
    Passage,
    Picture,
    Section,
    Table,
)
from recloser.report.nightly.limits import Limits, cut
from recloser.report.nightly.tally import failed_in, passed_in, silent, unverified, verified
from recloser.report.nightly.texts import tail
from recloser.report.nightly.words import DASH, counted, joined, judgement_mark, judgement_word, number, short
from recloser.report.words import usd
from recloser.values import CycleReport, DataRun, Judgement, ServiceRun, SuiteSummary, TestStatus

_TIERS = ("unit", "integration", "e2e", "regression", "performance")
_OPERATIONS = 3


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
    shown, more = cut(suites, limits.rows, "suites")
    columns = (
        Column("suite"),
        Column("tier"),
        Column("verdict"),
        Column("passed", is_number=True),
        Column("failed", is_number=True),
        Column("skipped", is_number=True),
        Column("not run", is_number=True),
        Column("flaky", is_number=True),
        Column("coverage", is_number=True),
        Column("took", is_number=True),
        Column("price", is_number=True),
    )
    table = Table("Suites, by tier", columns, tuple(map(_suite, shown)), more)
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


def data_section(report: CycleReport, limits: Limits) -> Section | None:
    """Every data set, with what is wrong and its pictures."""
    if not report.data:
        return None
    columns = (
        Column("data set"),
        Column("verdict"),
        Column("rows", is_number=True),
        Column("took", is_number=True),
        Column("judged"),
    )
    shown, more = cut(report.data, limits.rows, "data sets")
    table = Table("Data sets", columns, tuple(map(_data, shown)), more)
    cases = tuple(_data_case(place, run, limits) for place, run in enumerate(shown, 1) if _has_findings(run))
    return Section(
        "data",
        "Data quality",
        count=standing(run.judgement for run in report.data),
        mark=worst(run.judgement for run in report.data),
        blocks=(table, *cases, *_pictures(report, limits)),
    )


def _data(run: DataRun) -> tuple[Cell, ...]:
    return (
        Cell(run.name, href=beside(run.report)),
        Cell(judgement_word(run.judgement), judgement_mark(run.judgement)),
        Cell(DASH if run.rows is None else number(run.rows)),
        Cell(short(run.duration_s)),
        Cell("before, the same content" if run.cached else "tonight"),
    )


def _has_findings(run: DataRun) -> bool:
    return bool(run.findings) or run.judgement is not Judgement.PASSED


def _data_case(place: int, run: DataRun, limits: Limits) -> Case:
    shown, more = cut(run.findings, limits.tests, "findings")
    found = tuple((f"finding {number}", finding) for number, finding in enumerate(shown, start=1))
    facts = (("reason", run.reason), *found, ("besides", more))
    return Case(
        f"data-{place}",
        run.name,
        judgement_mark(run.judgement),
        judgement_word(run.judgement),
        facts=tuple(fact for fact in facts if fact[1]),
    )


def _pictures(report: CycleReport, limits: Limits) -> tuple[Block, ...]:
    """The pictures that fit, of bad data first."""
    order = sorted(report.data, key=lambda run: run.judgement is Judgement.PASSED)
    left, found = limits.pictures, []
    for run in order:
        for place, svg in enumerate(run.charts, start=1):
            if len(svg) <= left:
                left -= len(svg)
                found.append(Picture(f"{run.name}, picture {place}", svg))
    return tuple(found)


def beside(path: str) -> str:
    """A path beside the page as a link; none where it leads elsewhere."""
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or not path.isprintable():
        return ""
    return "./" + quote(str(pure))


def services_section(report: CycleReport, limits: Limits) -> Section | None:
    """How the services did while the night ran."""
    if not report.services:
        return None
    columns = (
        Column("service"),
        Column("verdict"),
        Column("ready after", is_number=True),
        Column("restarts", is_number=True),
        Column("down", is_number=True),
        Column("probes lost", is_number=True),
        Column("why"),
    )
    shown, more = cut(report.services, limits.rows, "services")
    table = Table("Services", columns, tuple(map(_service, shown)), more)
    cases = tuple(_service_case(place, run, limits) for place, run in enumerate(shown, 1) if run.log_tail.strip())
    down = sum(run.down_s for run in report.services)
    restarts = sum(run.restarts for run in report.services)
    return Section(
        "services",
        "Services",
        count=standing(run.judgement for run in report.services),
        mark=worst(run.judgement for run in report.services),
        intro=f"{short(down)} of downtime, {counted(restarts, 'restart')}." if down or restarts else "",
        blocks=(table, *cases),
    )


def _service(run: ServiceRun) -> tuple[Cell, ...]:
    ready = "ran already" if run.adopted else short(run.ready_s)
    return (
        Cell(run.name),
        Cell(judgement_word(run.judgement), judgement_mark(run.judgement)),
        Cell(ready),
        Cell(number(run.restarts), Mark.NOTE if run.restarts else None),
        Cell(short(run.down_s), Mark.NOTE if run.down_s else None),
        Cell(f"{number(run.probes_lost)} of {number(run.probes)}", Mark.NOTE if run.probes_lost else None),
        Cell(run.reason or DASH),
    )


def _service_case(place: int, run: ServiceRun, limits: Limits) -> Case:
    return Case(
        f"service-{place}",
        run.name,
        judgement_mark(run.judgement),
        judgement_word(run.judgement),
        facts=(("why", run.reason),) if run.reason else (),
        passages=(Passage("Its last lines", tail(run.log_tail, limits.passage)),),
    )


def standing(judgements: Iterable[Judgement]) -> str:
    """How many of some checks stand how."""
    counts = Counter(judgements)
    return ", ".join(f"{counts[one]:,} {judgement_word(one)}" for one in Judgement if counts[one])


def worst(judgements: Iterable[Judgement]) -> Mark:
    """The mark of the worst of some judgements."""
    marks = {judgement_mark(judgement) for judgement in judgements}
    return next(mark for mark in (Mark.BAD, Mark.UNKNOWN, Mark.GOOD) if mark in marks)

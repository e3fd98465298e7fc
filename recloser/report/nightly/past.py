"""Where the time went, the nights before, success metrics, deliveries, versions."""

from datetime import datetime, timedelta

from recloser.report.nightly.blocks import Bar, Block, Cell, Item, Listing, Mark, Plot, Section, Table
from recloser.report.nightly.limits import Limits, cut, tabled
from recloser.report.nightly.words import (
    DASH,
    clock,
    counted,
    day,
    judgement_mark,
    judgement_word,
    number,
    share,
    verdict_word,
)
from recloser.report.times import between, duration, moment
from recloser.values import CycleReport, HistoryPoint, Judgement, Metric, Stage, WeekRow


def stages_section(report: CycleReport, limits: Limits) -> Section | None:
    """Where the time of the night went."""
    if not report.stages:
        return None
    ends = [stage.ended_at or stage.started_at for stage in report.stages]
    start, end = min(stage.started_at for stage in report.stages), max(ends)
    names = ("stage", "verdict", ">from", ">took", "when")
    stages = report.stages
    table = tabled(
        "Stages, in UTC", names, stages, lambda stage: _stage(stage, start, end), limit=limits.rows, noun="stages"
    )
    return Section("stages", "Durations", count=between(start, end), blocks=(table,))


def _stage(stage: Stage, start: datetime, end: datetime) -> tuple[Cell, ...]:
    whole = max((end - start).total_seconds(), 1e-9)
    first = (stage.started_at - start).total_seconds() / whole
    last = ((stage.ended_at or end) - start).total_seconds() / whole
    return (
        Cell(stage.name),
        Cell("running") if stage.ended_at is None else _judged(stage.judgement),
        Cell(clock(stage.started_at)),
        Cell(between(stage.started_at, stage.ended_at)),
        Cell("", bar=(first, max(first, last))),
    )


def _judged(judgement: Judgement | None) -> Cell:
    return Cell(judgement_word(judgement), judgement_mark(judgement))


def history_section(report: CycleReport, limits: Limits) -> Section | None:
    """The nights and weeks before, as pictures and as numbers."""
    points = report.history[-limits.nights :] if limits.nights else ()
    blocks: list[Block] = []
    if len(points) > 1:
        blocks += [_outcomes(points), _failures(points), _durations(points)]
    if report.weeks:
        blocks.append(_weeks(report.weeks, limits))
    if not blocks:
        return None
    return Section("history", "History", count=counted(len(report.history), "night"), blocks=tuple(blocks))


def _plot(title: str, top: str, points: tuple[HistoryPoint, ...], bars: list[Bar], **legend: str) -> Plot:
    return Plot(title, top, day(points[0].at), day(points[-1].at), tuple(bars), tuple(legend.items()))


def _said(point: HistoryPoint, text: str) -> str:
    return f"{day(point.at)}, {verdict_word(point.verdict).lower()}: {text}"


def _outcomes(points: tuple[HistoryPoint, ...]) -> Plot:
    most = max(point.passed + point.failed + point.skipped for point in points)
    bars = [
        Bar(
            _said(point, f"{number(point.passed)} passed, {number(point.failed)} failed, {point.skipped:,} skipped"),
            (("failed", point.failed), ("passed", point.passed), ("skipped", point.skipped))
            if point.passed + point.failed
            else (("gap", most),),
        )
        for point in points
    ]
    legend = {"failed": "failed", "passed": "passed", "skipped": "skipped"}
    if any(not point.passed + point.failed for point in points):
        legend["gap"] = "nothing was judged"
    return _plot("Tests each night", f"at most {number(most)}", points, bars, **legend)


def _failures(points: tuple[HistoryPoint, ...]) -> Plot:
    most = max(point.failed for point in points)
    bars = [Bar(_said(point, f"{number(point.failed)} failed"), (("failed", point.failed),)) for point in points]
    top = f"at most {number(most)}" if most else "none in these nights"
    return _plot("Failed tests each night", top, points, bars)


def _durations(points: tuple[HistoryPoint, ...]) -> Plot:
    bars = [Bar(_said(point, duration(point.duration_s)), (("time", point.duration_s),)) for point in points]
    longest = max(point.duration_s for point in points)
    return _plot("Duration of each night", f"at most {duration(longest)}", points, bars)


def _weeks(weeks: tuple[WeekRow, ...], limits: Limits) -> Table:
    names = ("week from", ">nights", ">judged tests", ">failed", ">passed")
    return tabled("Pass rate by week, the newest first", names, weeks[::-1], _week, limit=limits.rows, noun="weeks")


def _week(week: WeekRow) -> tuple[Cell, ...]:
    sunday = week.monday + timedelta(days=6)
    return (
        Cell(f"{week.monday.day} {week.monday:%b} to {sunday.day} {sunday:%b}"),
        Cell(number(week.cycles)),
        Cell(number(week.judged)),
        Cell(number(week.judged - week.passed)),
        Cell(share(week.passed, week.judged) if week.judged else DASH),
    )


def metrics_section(report: CycleReport, limits: Limits) -> Section | None:
    """How well the whole serves, beside what it should."""
    if not report.metrics:
        return None
    names = ("metric", "value", "target", "met")
    table = tabled("Metrics", names, report.metrics, _metric, limit=limits.rows, noun="metrics")
    return Section("metrics", "Success metrics", blocks=(table,))


def _metric(metric: Metric) -> tuple[Cell, ...]:
    met = {"passed": "yes", "failed": "no", "not-verified": "not known"}
    return (
        Cell(metric.name),
        Cell(metric.value),
        Cell(metric.target or "none"),
        Cell(met[metric.judgement], judgement_mark(metric.judgement)) if metric.judgement else Cell(DASH),
    )


def actions_section(report: CycleReport, limits: Limits) -> Section | None:
    """What the night has changed, and what it leaves to a person."""
    if not report.actions:
        return None
    shown, more = cut(report.actions, limits.rows, "actions")
    return Section(
        "actions",
        "Done and proposed",
        count=counted(len(report.actions), "action"),
        blocks=(Listing("", tuple(Item(line, Mark.NOTE) for line in shown), more),),
    )


def deliveries_section(report: CycleReport, limits: Limits) -> Section | None:
    """Who was told, and messages that did not arrive."""
    failed = report.deliveries
    items = (*(Item(line, Mark.BAD) for line in failed), *(Item(line, Mark.GOOD) for line in report.sent))
    if not items:
        return None
    shown, more = cut(items, limits.rows, "messages")
    return Section(
        "deliveries",
        "Deliveries",
        count="not all of it arrived" if failed else "",
        mark=Mark.NOTE if failed else None,
        intro="They change nothing in the verdict; what is left is sent by the next run." if failed else "",
        blocks=(Listing("", tuple(shown), more),),
    )


def versions_section(report: CycleReport, limits: Limits) -> Section:
    """What gave the verdict, and on what."""
    cycle = report.cycle
    about = {
        "cycle": cycle.cycle_id,
        "flow run": cycle.run_id,
        "opened": moment(cycle.opened_at),
        "closed": moment(cycle.closed_at),
        "tree": cycle.code.tree,
        "commit": cycle.code.commit or "",
        "platform": cycle.environment.platform,
        "machine": cycle.environment.machine,
        "processors": str(cycle.environment.cpus),
        "Python": cycle.environment.python,
        "packages": cycle.environment.packages,
        "environment": cycle.environment.environment_id,
    }
    known = [(name, value) for name, value in about.items() if value]
    facts = [*known, *sorted(report.tools.items())]
    limit = limits.rows + len(known)
    table = tabled("What gave the verdict", ("what", "version or value"), facts, _fact, limit=limit, noun="versions")
    return Section("versions", "Versions", blocks=(table,))


def _fact(fact: tuple[str, str]) -> tuple[Cell, ...]:
    return tuple(map(Cell, fact))

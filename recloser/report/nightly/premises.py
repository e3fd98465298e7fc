"""What the suites stand on: data and services."""

from pathlib import PurePosixPath
from urllib.parse import quote

from recloser.report.nightly.blocks import Block, Case, Cell, Mark, Passage, Picture, Section
from recloser.report.nightly.limits import Limits, cut, tabled
from recloser.report.nightly.texts import tail
from recloser.report.nightly.words import (
    DASH,
    counted,
    judgement_mark,
    judgement_word,
    number,
    short,
    standing,
    worst,
)
from recloser.values import CycleReport, DataRun, Judgement, ServiceRun


def data_section(report: CycleReport, limits: Limits) -> Section | None:
    """Every data set, with what is wrong and its pictures."""
    if not report.data:
        return None
    names = ("data set", "verdict", ">rows", ">took", "judged")
    table = tabled("Data sets", names, report.data, _data, limit=limits.rows, noun="data sets")
    shown = enumerate(report.data[: limits.rows], start=1)
    cases = tuple(_data_case(place, run, limits) for place, run in shown if _has_findings(run))
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
    names = ("service", "verdict", ">ready after", ">restarts", ">down", ">probes lost", "why")
    table = tabled("Services", names, report.services, _service, limit=limits.rows, noun="services")
    shown = enumerate(report.services[: limits.rows], start=1)
    cases = tuple(_service_case(place, run, limits) for place, run in shown if run.log_tail.strip())
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

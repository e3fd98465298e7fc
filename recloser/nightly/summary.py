"""Everything the page says, computed before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import recloser
from recloser.nightly.groups import failure_groups, flaky_of, words_of
from recloser.nightly.judging import summary_of
from recloser.nightly.prices import cost_of
from recloser.nightly.suspects import suspects_of
from recloser.nightly.trends import success_metrics
from recloser.values import CycleReport, Judgement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recloser.nightly.judging import Verdicts
    from recloser.nightly.triaging import TriageResult
    from recloser.target import System
    from recloser.values import (
        CodeChange,
        Comparison,
        Cycle,
        DataRun,
        FailureGroup,
        HistoryPoint,
        Problem,
        ServiceRun,
        Stage,
        SuiteRun,
        SuiteSummary,
        WeekRow,
    )

_SUSPECTED = 100
"""Groups of failures, the worst ones, for which commits are looked for."""
_TOOLS = ("prefect", "pytest", "pytest-xdist", "great-expectations", "lightsim2grid", "pandas")


@dataclass(frozen=True, slots=True)
class Results:
    """What ran in one night."""

    services: tuple[ServiceRun, ...] = ()
    data: tuple[DataRun, ...] = ()
    suites: tuple[SuiteRun, ...] = ()

    def summaries(self, system: System, verdicts: Verdicts | None = None) -> tuple[SuiteSummary, ...]:
        """The suites, counted, priced, and weighed by what triage says of their failures."""
        return tuple(summary_of(run, system, cost_of(run.aws_calls), verdicts) for run in self.suites)


def report_of(
    cycle: Cycle,
    system: System,
    results: Results,
    *,
    comparison: Comparison,
    stages: Sequence[Stage] = (),
    cycles: Sequence[Cycle] = (),
    points: Sequence[HistoryPoint] = (),
    weeks: Sequence[WeekRow] = (),
    problems: tuple[Problem, ...] = (),
    change: CodeChange | None = None,
    triage: TriageResult | None = None,
) -> CycleReport:
    """Put one night together.

    Args:
        cycle: With its verdict.
        system: What was under test.
        results: What ran.
        comparison: With the last good night.
        stages: How long each step took.
        cycles: Those on record up to this one, oldest first.
        points: The same, counted; none where the store cannot be read.
        weeks: The same by week.
        problems: What of its failures is one problem.
        change: Of the code, since the last good night.
        triage: What each failure is, and what takes longer; None where that was not asked.
    """
    verdicts = triage.by_test if triage else None
    suites = results.summaries(system, verdicts)
    judged = {test: words_of(one) for test, one in (verdicts or {}).items()}
    return CycleReport(
        cycle=cycle,
        stages=tuple(stages),
        services=results.services,
        data=results.data,
        suites=suites,
        comparison=comparison,
        groups=_suspected(failure_groups(results.suites, comparison, judged), change, (*cycles, cycle)),
        problems=problems,
        change=change,
        flaky=flaky_of(results.suites, judged),
        history=tuple(_now(point, cycle) for point in points),
        weeks=tuple(weeks),
        metrics=success_metrics(cycle, cycles or (cycle,), results.suites, suites),
        missing=(*_missing(results, system, comparison), *(triage.notes if triage else ())),
        slowdowns=triage.slowdowns if triage else (),
        tools=tool_versions(),
    )


def _suspected(
    groups: tuple[FailureGroup, ...], change: CodeChange | None, cycles: Sequence[Cycle]
) -> tuple[FailureGroup, ...]:
    """The groups, those that are shown at all with the commits that come into question."""
    if change is None or not change.commits:
        return groups
    commit_of = {one.cycle_id: one.code.commit for one in cycles if one.code.commit and not one.code.dirty}
    return tuple(
        group.model_copy(update={"suspects": suspects_of(group, change, commit_of)}) if place < _SUSPECTED else group
        for place, group in enumerate(groups)
    )


def _now(point: HistoryPoint, cycle: Cycle) -> HistoryPoint:
    """The point of this night has the verdict that is about to be stored."""
    if point.cycle_id != cycle.cycle_id or cycle.closed_at is None:
        return point
    lasted_s = (cycle.closed_at - cycle.opened_at).total_seconds()
    return point.model_copy(update={"verdict": cycle.verdict, "duration_s": lasted_s})


def _missing(results: Results, system: System, comparison: Comparison) -> Iterator[str]:
    """What could not be judged, and why; a check that did not run has not passed."""
    parts = [("service", run.name, run.judgement, run.reason) for run in results.services]
    parts += [("data", run.name, run.judgement, run.reason) for run in results.data]
    parts += [("suite", run.suite, run.judgement, run.reason) for run in results.suites]
    for kind, name, judgement, reason in parts:
        if judgement is Judgement.NOT_VERIFIED:
            yield f"{kind} {name}: {reason}"
    ran = {run.suite for run in results.suites}
    yield from (f"suite {name}: it was not run" for name in system.suites if name not in ran)
    measured = {figure for run in results.suites for figure in run.figures}
    yield from (f"threshold {name}: no test recorded it" for name in system.thresholds if name not in measured)
    if comparison.base is None:
        why = "no earlier night was green" if comparison.known else "the earlier nights could not be read"
        yield f"comparison: {why}, so nothing is known to be new"


def tool_versions() -> dict[str, str]:
    """Versions of what gave the verdict."""
    return {"recloser": recloser.__version__} | {name: found for name in _TOOLS if (found := _version(name))}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""

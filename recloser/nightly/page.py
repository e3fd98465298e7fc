"""A night beside those before it, put together for its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser.nightly.commits import change_since
from recloser.nightly.problems import problems_of
from recloser.nightly.summary import Results, report_of
from recloser.nightly.triaging import TriageResult
from recloser.report.nightly import write_night
from recloser.values import Comparison, Judgement

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from recloser.report.nightly import NightFiles
    from recloser.store import Store
    from recloser.store.history import History
    from recloser.target import System
    from recloser.values import Cycle, CycleReport

LOOKED_BACK = 60
"""Nights that the charts show."""
_OWED = 5
"""How many of a target's newest nights are looked through for a page that was never written."""


def results_of(history: History, cycle: Cycle) -> Results:
    """What the store holds of a night."""
    return Results(
        history.service_runs(cycle.cycle_id), history.data_runs(cycle.cycle_id), history.suite_runs(cycle.cycle_id)
    )


@dataclass(frozen=True, slots=True)
class Past:
    """The attempts of a night and of those before it, read once: they are many."""

    outcomes: pd.DataFrame
    good: tuple[Cycle, ...]
    """The last good nights, the newest first."""

    def compared(self, cycle: Cycle, results: Results) -> Comparison:
        """The night beside the last good one."""
        from recloser.analytics.comparison import compare  # noqa: PLC0415 - pandas takes a second to import

        good = [night.cycle_id for night in self.good]
        unverified = {run.suite for run in results.suites if run.judgement is Judgement.NOT_VERIFIED}
        if cycle.cycle_id not in self.outcomes["cycle"].cat.categories:
            return Comparison(base=good[0] if good else None)
        return compare(self.outcomes, cycle.cycle_id, good=good, unverified=unverified)


def past_of(history: History, cycle: Cycle) -> Past:
    """What the store knows up to a night.

    Raises:
        StoreError: The store cannot be read.
    """
    from recloser.analytics.comparison import BASELINES  # noqa: PLC0415 - pandas takes a second to import

    good = history.good(cycle.target, before=cycle.cycle_id, last=BASELINES)
    also = [night.cycle_id for night in good]
    return Past(history.outcomes(cycle.target, last=LOOKED_BACK, also=also), good)


def build_report(
    history: History,
    system: System,
    cycle: Cycle,
    results: Results,
    comparison: Comparison,
    *,
    past: Past,
    triage: TriageResult | None = None,
) -> CycleReport:
    """The night among the last ones, as its page says it.

    Raises:
        StoreError: The store cannot be read.
    """
    base = past.good[0] if past.good else None
    before = (night for night in history.cycles(system.name, last=LOOKED_BACK) if night.cycle_id != cycle.cycle_id)
    return report_of(
        cycle,
        system,
        results,
        stages=history.stages(cycle.cycle_id),
        comparison=comparison,
        cycles=(*sorted(before, key=lambda night: night.opened_at), cycle),
        points=history.points(system.name, last=LOOKED_BACK),
        weeks=history.weeks(system.name),
        problems=problems_of(past.outcomes, cycle.cycle_id, results.suites),
        change=change_since(system.folder, base, cycle) if base else None,
        triage=triage,
    )


def write_owed(store: Store, system: System, folder: Path) -> tuple[NightFiles, ...]:
    """Write the pages of nights that were closed by a process that died before it wrote them.

    Raises:
        ReportError: The folder cannot be written.
        StoreError: The store cannot be read.
    """
    owed = [
        cycle
        for cycle in store.history.cycles(system.name, last=_OWED)
        if cycle.verdict is not None and not (folder / cycle.cycle_id / "nightly.html").exists()
    ]
    return tuple(_write(store.history, system, cycle, folder) for cycle in owed)


def _write(history: History, system: System, cycle: Cycle, folder: Path) -> NightFiles:
    results = results_of(history, cycle)
    past = past_of(history, cycle)
    comparison = past.compared(cycle, results)
    kept = history.stage_results(cycle.cycle_id).get("triage")
    triage = None if kept is None else TriageResult.model_validate(kept)
    report = build_report(history, system, cycle, results, comparison, past=past, triage=triage)
    return write_night(report, results.suites, folder)

"""One night over one target: each step is done once, also when the process that began it was killed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from recloser.nightly.bases import Bases
from recloser.nightly.cells import Cells
from recloser.nightly.findings import facts_of
from recloser.nightly.judging import verdict_of
from recloser.nightly.page import LOOKED_BACK, build_report, past_of
from recloser.nightly.record import Record
from recloser.nightly.summary import Results, report_of
from recloser.nightly.telling import Telling
from recloser.nightly.triaging import Triage, TriageResult, outages_of
from recloser.store import StoreError
from recloser.suites import STOPPED, run_suite, unverified
from recloser.values import (
    Comparison,
    CycleVerdict,
    DataRun,
    Judgement,
    ServiceRun,
    SuiteRun,
    utc_now,
)

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path
    from types import TracebackType

    import pandas as pd

    from recloser.nightly.narrator import NightNarrator
    from recloser.nightly.page import Past
    from recloser.nightly.premises import Premises
    from recloser.notify import Receivers
    from recloser.store import Store
    from recloser.target import System
    from recloser.values import Cycle, CycleReport, Outage, TestAttempt


class Night:
    """What is done in a night, in the order of the flow; any thread may judge data and run suites."""

    def __init__(
        self,
        system: System,
        store: Store,
        cycle: Cycle,
        *,
        folder: Path,
        premises: Premises,
        receivers: Receivers,
        narrator: NightNarrator,
        at_end: ExitStack,
    ) -> None:
        """Take up a cycle that is open in the store; `open_night` does that.

        Args:
            system: What is under test.
            store: Where everything is kept as soon as it is known.
            cycle: The open cycle.
            folder: Where its pages and logs are written.
            premises: Its services and data.
            receivers: Ways to those who are told.
            narrator: Who is told.
            at_end: Closed when the night is left, however it is left.

        Raises:
            StoreError: The store cannot be read.
        """
        self.system = system
        self.cycle = cycle
        self.folder = folder
        self.narrator = narrator
        self._history = store.history
        self._record = Record(store.history, cycle.cycle_id, narrator)
        self._premises = premises
        self._telling = Telling(system, store, receivers)
        self._at_end = at_end
        self._stop = threading.Event()
        self._triage: TriageResult | None = None
        self._cells = Cells(system)
        self._services_at = cycle.opened_at
        ended = self._record.ended()
        self._suites = {
            run.suite: run for run in self._history.suite_runs(cycle.cycle_id) if f"suite/{run.suite}" in ended
        }

    def __enter__(self) -> Self:
        """Use the night as a context: at its end its services are stopped and its hold is let go."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing running."""
        self._stop.set()
        self._at_end.close()

    @property
    def label(self) -> str:
        """How it is called where people read of it."""
        return f"{self.system.name} {self.cycle.cycle_id}"

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of all its steps, in order."""
        data = (f"data/{name}" for name in self.system.data)
        return ("services", *data, *(f"suite/{name}" for batch in self.batches for name in batch), "triage")

    @property
    def batches(self) -> tuple[tuple[str, ...], ...]:
        """Suites that run side by side; those that measure time follow, each by itself."""
        alone = [name for name, suite in self.system.suites.items() if suite.runs_alone(name)]
        together = tuple(name for name in self.system.suites if name not in alone)
        return ((together,) if together else ()) + tuple((name,) for name in alone)

    @property
    def suite_runs(self) -> tuple[SuiteRun, ...]:
        """Those that have ended."""
        return tuple(self._suites.values())

    def interrupt(self) -> None:
        """End the suites that run; what they have recorded is kept, and the next night goes on from there."""
        self._stop.set()

    def start_services(self) -> None:
        """Start what is not running, dependencies first; what cannot be started is a result."""
        self._services_at = self._record.begin("services")
        self._premises.start()

    def judge_data(self, name: str) -> DataRun:
        """Make or fetch a data set, and judge it."""
        known = self._premises.judged(name)
        if known is not None:
            return known
        started = self._record.begin(f"data/{name}")
        run = self._premises.judge(name)
        self._record.keep(lambda: self._history.save_data_run(self.cycle.cycle_id, run))
        self._record.end(f"data/{name}", started, run.judgement, run.reason)
        return run

    def run_suite(self, name: str) -> SuiteRun:
        """Run a suite, unless something that it needs is not there."""
        if name not in self._suites:
            if self._stop.is_set():  # it waited for its turn when the night was told to end
                return self._unverified(name, STOPPED)
            started = self._record.begin(f"suite/{name}")
            run = self._run(name)
            self._record.keep(lambda: self._history.save_suite_run(self.cycle.cycle_id, run))
            if self._stop.is_set():
                return run
            self._suites[name] = run
            self._record.end(f"suite/{name}", started, run.judgement, run.reason)
        return self._suites[name]

    def _run(self, name: str) -> SuiteRun:
        suite = self.system.suites[name]
        if why := self._premises.why_not(suite):
            return self._unverified(name, why)
        return run_suite(
            name,
            suite,
            self.system.folder,
            durations=self._record.keep(lambda: self._history.durations(self.system.name, name)),
            extra_environment=self._premises.variables(suite),
            code=self.cycle.code,
            scratch=self.folder / "suites" / name,
            stop=self._stop,
            on_progress=lambda done, total: self.narrator.moved(f"suite/{name}", done, total),
        )

    def _unverified(self, name: str, why: str) -> SuiteRun:
        suite = self.system.suites[name]
        return unverified(name, suite, why, code=self.cycle.code, environment=self.cycle.environment)

    def triage(self) -> TriageResult:
        """Find out what each failure is; runs what tells more about it, within the time declared."""
        kept = self._record.keep(lambda: self._history.stage_results(self.cycle.cycle_id)) or {}
        if "triage" in kept:
            self._triage = TriageResult.model_validate(kept["triage"])
            return self._triage
        started = self._record.begin("triage")
        try:
            self._triage = self._asked()
        except StoreError as error:
            self._triage = TriageResult(notes=(f"triage: {error}",))
        if not self._stop.is_set():
            said = f"{len(self._triage.verdicts)} failures judged"
            self._record.end("triage", started, Judgement.PASSED, said, self._triage)
        return self._triage

    def _asked(self) -> TriageResult:
        greens = self._history.good(self.system.name, before=self.cycle.cycle_id)
        with Bases(self.system, self.cycle, greens, self.folder) as bases:
            triage = Triage(
                self.system,
                self.cycle,
                greens,
                bases,
                read=self._outcomes,
                keep=self._add,
                environment=lambda name: self._premises.variables(self.system.suites[name]),
                stop=self._stop,
            )
            found = triage.result(self._outages, self._cells.held)
        notes = (*found.notes, *self._cells.notes)
        return found.model_copy(update={"notes": notes, "expired": self._cells.expired})

    @property
    def _outages(self) -> tuple[Outage, ...]:
        return tuple(outages_of(self.system, self._premises.services))

    def _outcomes(self) -> pd.DataFrame:
        return self._history.outcomes(self.system.name, last=LOOKED_BACK)

    def _add(self, suite: str, attempts: tuple[TestAttempt, ...]) -> None:
        """Keep the attempts of a probe with those of its suite."""
        run = self._suites[suite]
        self._suites[suite] = run.model_copy(update={"attempts": run.attempts + attempts})
        self._history.save_suite_run(self.cycle.cycle_id, self._suites[suite])

    def stop_services(self) -> tuple[ServiceRun, ...]:
        """Stop what this night has started, and keep how all of them did."""
        self._premises.stop()
        runs = self._premises.services
        self._record.keep(lambda: self._history.save_service_runs(self.cycle.cycle_id, runs))
        worst = [run for run in runs if run.judgement is not Judgement.PASSED]
        judgement = worst[0].judgement if worst else Judgement.PASSED
        self._record.end(
            "services", self._services_at, judgement, "; ".join(f"{run.name}: {run.reason}" for run in worst)
        )
        return runs

    def close(self) -> CycleReport:
        """Compare with the last good night, and store the verdict: from here on nothing can change it.

        Who has to be told is written down in the same transaction; nothing is sent yet.
        """
        results = Results(self._premises.services, self._premises.data, self.suite_runs)
        past = self._record.keep(lambda: past_of(self._history, self.cycle))
        comparison = past.compared(self.cycle, results) if past else Comparison(known=False)
        verdicts = self._triage.by_test if self._triage else None
        suites = results.summaries(self.system, verdicts)
        verdict, reason = verdict_of(results.services, results.data, suites, comparison, verdicts)
        closed_at = utc_now()
        closed = self.cycle.model_copy(update={"closed_at": closed_at, "verdict": verdict, "reason": reason})
        report = self._report(closed, results, comparison, past)
        facts = facts_of(report, self.system, results, self._triage or TriageResult(), page=str(self.page))
        self._record.keep(
            lambda: self._history.close_cycle(
                self.cycle.cycle_id, verdict, reason, closed_at, tell=lambda desk: self._telling.write_down(desk, facts)
            )
        )
        if self._record.lost:
            report = self._not_on_record(report)
        elif self._triage is not None and past is not None:
            actions = self._cells.turned_over(past.outcomes, self._outages)
            report = report.model_copy(update={"actions": actions})
        self.cycle = report.cycle
        self.narrator.closed(report)
        return report

    def _not_on_record(self, report: CycleReport) -> CycleReport:
        """What is not on record cannot be what later nights are compared with."""
        cycle = report.cycle
        verdict = CycleVerdict.NOT_VERIFIED if cycle.verdict is CycleVerdict.GREEN else cycle.verdict
        reason = f"{cycle.reason}; not all of it is on record: {self._record.lost[0]}"
        told = cycle.model_copy(update={"verdict": verdict, "reason": reason})
        missing = report.missing + tuple(f"record: {lost}" for lost in self._record.lost)
        return report.model_copy(update={"cycle": told, "missing": missing})

    def _report(self, closed: Cycle, results: Results, comparison: Comparison, past: Past | None) -> CycleReport:
        triage = self._triage
        told = past and self._record.keep(
            lambda: build_report(self._history, self.system, closed, results, comparison, past=past, triage=triage)
        )
        return told or report_of(closed, self.system, results, comparison=comparison, triage=triage)

    def send(self, report: CycleReport) -> CycleReport:
        """Tell whoever has to be told; answers the report with what was delivered, and what could not be."""
        try:
            sent, undelivered = self._telling.send()
        except StoreError as error:
            sent, undelivered = (), (str(error),)
        told = report.model_copy(update={"sent": sent, "deliveries": undelivered})
        self.narrator.sent(told)
        return told

    @property
    def page(self) -> Path:
        """Where what is to be read in the morning is written."""
        return self.folder / "nightly.html"

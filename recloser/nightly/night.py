"""One night over one target: each step is done once, also when the process that began it was killed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self, TypeVar

from recloser.nightly.data import judge_data, place_of_data, variable_of
from recloser.nightly.findings import facts_of
from recloser.nightly.judging import verdict_of
from recloser.nightly.needs import not_ready, why_not
from recloser.nightly.page import LOOKED_BACK, build_report, compared
from recloser.nightly.summary import Results, report_of
from recloser.nightly.triaging import Triage, TriageResult, outages_of
from recloser.notify import WallClock, announce, drain
from recloser.store import StoreError
from recloser.suites import run_suite
from recloser.values import (
    Comparison,
    CycleVerdict,
    DataRun,
    DeliveryState,
    Judgement,
    ServiceRun,
    Stage,
    SuiteRun,
    utc_now,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from recloser.nightly.narrator import NightNarrator
    from recloser.notify import Receivers
    from recloser.services import Supervisor
    from recloser.store import Desk, Store
    from recloser.target import Suite, System
    from recloser.values import Cycle, CycleFacts, CycleReport, TestAttempt

Kept = TypeVar("Kept")


class Night:
    """What is done in a night, in the order of the flow; any thread may judge data and run suites."""

    def __init__(
        self,
        system: System,
        store: Store,
        cycle: Cycle,
        *,
        folder: Path,
        cache: Path,
        supervisor: Supervisor,
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
            cache: Where datasets are made, and found again.
            supervisor: Runs its services.
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
        self._store = store
        self._history = store.history
        self._cache = cache
        self._supervisor = supervisor
        self._receivers = receivers
        self._at_end = at_end
        self._stop = threading.Event()
        self._lost: list[str] = []
        self._triage: TriageResult | None = None
        self._services_at = cycle.opened_at
        ended = {stage.name for stage in self._history.stages(cycle.cycle_id) if stage.ended_at is not None}
        self._data = {run.name: run for run in self._history.data_runs(cycle.cycle_id) if f"data/{run.name}" in ended}
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
        self._services_at = self._begin("services")
        self._supervisor.start()

    def judge_data(self, name: str) -> DataRun:
        """Make or fetch a data set, and judge it."""
        if name not in self._data:
            started = self._begin(f"data/{name}")
            down = {service: why for service in self.system.services if (why := not_ready(self._services(), service))}
            run = judge_data(self.system, name, down=down, cache=self._cache, folder=self.folder)
            self._keep(lambda: self._history.save_data_run(self.cycle.cycle_id, run))
            self._data[name] = run
            self._end(f"data/{name}", started, run.judgement, run.reason)
        return self._data[name]

    def run_suite(self, name: str) -> SuiteRun:
        """Run a suite, unless something that it needs is not there."""
        if name not in self._suites:
            started = self._begin(f"suite/{name}")
            why = why_not(self.system.suites[name], self._services(), self._data)
            run = self._unverified(name, why) if why else self._run(name)
            self._keep(lambda: self._history.save_suite_run(self.cycle.cycle_id, run))
            if self._stop.is_set():
                return run
            self._suites[name] = run
            self._end(f"suite/{name}", started, run.judgement, run.reason)
        return self._suites[name]

    def _run(self, name: str) -> SuiteRun:
        suite = self.system.suites[name]
        return run_suite(
            name,
            suite,
            self.system.folder,
            durations=self._keep(lambda: self._history.durations(self.system.name, name)),
            extra_environment=self._variables(suite),
            code=self.cycle.code,
            scratch=self.folder / "suites" / name,
            stop=self._stop,
            on_progress=lambda done, total: self.narrator.moved(f"suite/{name}", done, total),
        )

    def _places(self, data: tuple[str, ...]) -> dict[str, str]:
        """Where a suite finds the data it needs."""
        places = {name: place_of_data(self.system, name, cache=self._cache) for name in data}
        return {variable_of(name): str(place) for name, place in places.items() if place is not None}

    def _unverified(self, name: str, why: str) -> SuiteRun:
        suite, now = self.system.suites[name], utc_now()
        return SuiteRun(
            suite=name,
            tier=suite.tier or name,
            judgement=Judgement.NOT_VERIFIED,
            reason=why,
            critical=suite.critical,
            code=self.cycle.code,
            environment=self.cycle.environment,
            started_at=now,
            ended_at=now,
        )

    def triage(self) -> TriageResult:
        """Find out what each failure is; runs what tells more about it, within the time declared."""
        kept = self._keep(lambda: self._history.stage_results(self.cycle.cycle_id)) or {}
        if "triage" in kept:
            self._triage = TriageResult.model_validate(kept["triage"])
            return self._triage
        started = self._begin("triage")
        good = self._keep(lambda: self._history.last_good(self.system.name, before=self.cycle.cycle_id))
        try:
            with Triage(
                self.system,
                self.cycle,
                good,
                read=lambda: self._history.outcomes(self.system.name, last=LOOKED_BACK),
                keep=self._add,
                environment=lambda name: self._variables(self.system.suites[name]),
                stop=self._stop,
            ) as triage:
                self._triage = triage.result(tuple(outages_of(self.system, self._services())), ())
        except StoreError as error:
            self._triage = TriageResult(notes=(f"triage: {error}",))
        if not self._stop.is_set():
            told = self._triage.verdicts
            self._end("triage", started, Judgement.PASSED, f"{len(told)} failures judged", self._triage)
        return self._triage

    def _add(self, suite: str, attempts: tuple[TestAttempt, ...]) -> None:
        """Keep the attempts of a probe with those of its suite."""
        run = self._suites[suite]
        self._suites[suite] = run.model_copy(update={"attempts": run.attempts + attempts})
        self._history.save_suite_run(self.cycle.cycle_id, self._suites[suite])

    def _variables(self, suite: Suite) -> dict[str, str]:
        """Where a suite finds the services and the data that it needs."""
        return self._supervisor.environment(suite.needs) | self._places(suite.data)

    def stop_services(self) -> tuple[ServiceRun, ...]:
        """Stop what this night has started, and keep how all of them did."""
        self._supervisor.stop()
        runs = self._services()
        self._keep(lambda: self._history.save_service_runs(self.cycle.cycle_id, runs))
        worst = [run for run in runs if run.judgement is not Judgement.PASSED]
        judgement = worst[0].judgement if worst else Judgement.PASSED
        self._end("services", self._services_at, judgement, "; ".join(f"{run.name}: {run.reason}" for run in worst))
        return runs

    def close(self) -> CycleReport:
        """Compare with the last good night, and store the verdict: from here on nothing can change it.

        Who has to be told is written down in the same transaction; nothing is sent yet.
        """
        results = Results(self._services(), tuple(self._data.values()), self.suite_runs)
        comparison = self._keep(lambda: compared(self._history, self.cycle, results)) or Comparison()
        verdicts = self._triage.by_test if self._triage else None
        suites = results.summaries(self.system, verdicts)
        verdict, reason = verdict_of(results.services, results.data, suites, comparison, verdicts)
        closed_at = utc_now()
        closed = self.cycle.model_copy(update={"closed_at": closed_at, "verdict": verdict, "reason": reason})
        report = self._report(closed, results, comparison)
        facts = facts_of(report, self.system, results, self._triage or TriageResult(), page=str(self._page))
        self._keep(
            lambda: self._history.close_cycle(
                self.cycle.cycle_id, verdict, reason, closed_at, tell=lambda desk: self._tell(desk, facts)
            )
        )
        if self._lost:
            report = self._not_on_record(report)
        self.cycle = report.cycle
        self.narrator.closed(report)
        return report

    def _not_on_record(self, report: CycleReport) -> CycleReport:
        """What is not on record cannot be what later nights are compared with."""
        cycle = report.cycle
        verdict = CycleVerdict.NOT_VERIFIED if cycle.verdict is CycleVerdict.GREEN else cycle.verdict
        reason = f"{cycle.reason}; not all of it is on record: {self._lost[0]}"
        told = cycle.model_copy(update={"verdict": verdict, "reason": reason})
        missing = report.missing + tuple(f"record: {lost}" for lost in self._lost)
        return report.model_copy(update={"cycle": told, "missing": missing})

    def _report(self, closed: Cycle, results: Results, comparison: Comparison) -> CycleReport:
        triage = self._triage or TriageResult()
        told = self._keep(
            lambda: build_report(self._history, self.system, closed, results, comparison, triage=self._triage)
        )
        if told is None:
            told = report_of(
                closed, self.system, results, comparison=comparison, verdicts=triage.by_test, notes=triage.notes
            )
        return told

    def _tell(self, desk: Desk, facts: CycleFacts) -> None:
        receivers = self._receivers
        announce(desk, facts, self.system, receivers.redact, tracker=receivers.tracker)

    def send(self) -> tuple[str, ...]:
        """Send what is in the outbox, within the time declared; answers what could not be delivered.

        The verdict stands, whoever has heard of it; what is left is sent by the next night.
        """
        receivers = self._receivers
        limit_s = self.system.notify.drain_s
        drained = drain(self._store.outbox, self.system.name, receivers.channels, WallClock(), limit_s)
        dead = {
            name: counts[DeliveryState.DEAD] for name, counts in drained.counts.items() if counts[DeliveryState.DEAD]
        }
        return (
            *(f"{name}: {count} refused for good" for name, count in dead.items()),
            *(f"{name}: {count} wait for the next night" for name, count in drained.waiting.items()),
            *(f"{name}: did not come back within {limit_s:g} s" for name in drained.stuck),
            *(f"{name}: {why}" for name, why in (drained.broken | receivers.missing).items()),
        )

    @property
    def _page(self) -> Path:
        return self.folder / "nightly.html"

    def _services(self) -> tuple[ServiceRun, ...]:
        return self._supervisor.results()

    def _begin(self, stage: str) -> datetime:
        started = utc_now()
        self.narrator.began(stage)
        self._keep(lambda: self._history.begin_stage(self.cycle.cycle_id, stage, started))
        return started

    def _end(
        self, stage: str, started: datetime, judgement: Judgement, reason: str, result: TriageResult | None = None
    ) -> None:
        done = Stage(name=stage, started_at=started, ended_at=utc_now(), judgement=judgement, reason=reason)
        kept = None if result is None else result.model_dump(mode="json")
        self._keep(lambda: self._history.end_stage(self.cycle.cycle_id, done, kept))
        self.narrator.ended(stage, judgement, reason)

    def _keep(self, call: Callable[[], Kept]) -> Kept | None:
        """Use the store; where it is gone, the night goes on and its page says so."""
        try:
            return call()
        except StoreError as error:
            if (said := str(error)) not in self._lost:
                self._lost.append(said)
            return None

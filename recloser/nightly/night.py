"""One night over one target: each step is done once, also when the process that began it was killed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self, TypeVar

from recloser.nightly.data import judge_data, place_of_data, variable_of
from recloser.nightly.judging import verdict_of
from recloser.nightly.needs import not_ready, why_not
from recloser.nightly.page import build_report, compared
from recloser.nightly.summary import Results, report_of
from recloser.store import StoreError
from recloser.suites import run_suite
from recloser.values import Comparison, CycleVerdict, DataRun, Judgement, ServiceRun, Stage, SuiteRun, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from recloser.nightly.narrator import NightNarrator
    from recloser.services import Supervisor
    from recloser.store import Store
    from recloser.target import System
    from recloser.values import Cycle, CycleReport

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
        self._cache = cache
        self._supervisor = supervisor
        self._at_end = at_end
        self._stop = threading.Event()
        self._lost: list[str] = []
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
        return ("services", *data, *(f"suite/{name}" for batch in self.batches for name in batch))

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
            extra_environment=self._supervisor.environment(suite.needs) | self._places(suite.data),
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
        """Compare with the last good night, and store the verdict: from here on nothing can change it."""
        results = Results(self._services(), tuple(self._data.values()), self.suite_runs)
        comparison = self._keep(lambda: compared(self._history, self.cycle, results)) or Comparison()
        verdict, reason = verdict_of(results.services, results.data, results.summaries(self.system), comparison)
        closed_at = utc_now()
        self._keep(lambda: self._history.close_cycle(self.cycle.cycle_id, verdict, reason, closed_at))
        if self._lost:  # a night that is not on record cannot be what others are compared with
            verdict = CycleVerdict.NOT_VERIFIED if verdict is CycleVerdict.GREEN else verdict
            reason = f"{reason}; not all of it is on record: {self._lost[0]}"
        self.cycle = self.cycle.model_copy(update={"closed_at": closed_at, "verdict": verdict, "reason": reason})
        report = self._report(results, comparison)
        self.narrator.closed(report)
        return report

    def _report(self, results: Results, comparison: Comparison) -> CycleReport:
        told = self._keep(lambda: build_report(self._history, self.system, self.cycle, results, comparison))
        if told is None:
            told = report_of(self.cycle, self.system, results, comparison=comparison)
        return told.model_copy(update={"missing": told.missing + tuple(f"record: {lost}" for lost in self._lost)})

    def _services(self) -> tuple[ServiceRun, ...]:
        return self._supervisor.results()

    def _begin(self, stage: str) -> datetime:
        started = utc_now()
        self.narrator.began(stage)
        self._keep(lambda: self._history.begin_stage(self.cycle.cycle_id, stage, started))
        return started

    def _end(self, stage: str, started: datetime, judgement: Judgement, reason: str) -> None:
        done = Stage(name=stage, started_at=started, ended_at=utc_now(), judgement=judgement, reason=reason)
        self._keep(lambda: self._history.end_stage(self.cycle.cycle_id, done))
        self.narrator.ended(stage, judgement, reason)

    def _keep(self, call: Callable[[], Kept]) -> Kept | None:
        """Use the store; where it is gone, the night goes on and its page says so."""
        try:
            return call()
        except StoreError as error:
            if (said := str(error)) not in self._lost:
                self._lost.append(said)
            return None

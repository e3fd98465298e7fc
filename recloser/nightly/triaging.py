"""After the suites: what failed is run again until it is known what it is, or the time for that is over."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from recloser.nightly.errors import NightlyError
from recloser.nightly.worktree import checked_out
from recloser.suites import run_probe
from recloser.values import Outage, ProbeKind, Slowness, TestVerdict, Value, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path
    from threading import Event

    import pandas as pd

    from recloser.target import System
    from recloser.values import Cycle, Probe, ServiceRun, TestAttempt

_AT_BASE = {ProbeKind.CONFIRM_BASE, ProbeKind.TIME_BASE}
_TIMED = {ProbeKind.TIME_HEAD, ProbeKind.TIME_BASE}


class TriageResult(Value):
    """What came of it; kept, so that a night that goes on does not ask again."""

    verdicts: tuple[TestVerdict, ...] = ()
    slowness: Slowness = Slowness()
    notes: tuple[str, ...] = ()
    """What could not be asked, and why."""

    @property
    def by_test(self) -> dict[tuple[str, str], TestVerdict]:
        """The verdicts by suite and test id."""
        return {(one.suite, one.test_id): one for one in self.verdicts}


class Triage:
    """The questions of one night, and the runs that answer them."""

    def __init__(
        self,
        system: System,
        cycle: Cycle,
        good: Cycle | None,
        *,
        read: Callable[[], pd.DataFrame],
        keep: Callable[[str, tuple[TestAttempt, ...]], None],
        environment: Callable[[str], dict[str, str]],
        stop: Event,
    ) -> None:
        """Know what there is to work with.

        Args:
            system: What is under test.
            cycle: This night.
            good: The last good night, whose code is the base.
            read: Reads the outcomes of this night and of those before it.
            keep: Adds the attempts of a probe to those of a suite.
            environment: Variables of a suite, by its name.
            stop: Set when the night has to end.
        """
        self._system = system
        self._cycle = cycle
        self._good = good
        self._read = read
        self._keep = keep
        self._environment = environment
        self._stop = stop
        self._done: Counter[tuple[str, str]] = Counter()
        self._places = ExitStack()
        self._base: Path | None = None
        self.notes: list[str] = []
        """What could not be run, and why."""

    def __enter__(self) -> Self:
        """Check the base out, if there is one to be had."""
        if self._good is not None and self._system.triage.base and self._good.code.tree != self._cycle.code.tree:
            self._base = self._checked_out(self._good)
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away again."""
        self._places.close()

    def result(self, outages: tuple[Outage, ...], quarantined: Collection[tuple[str, str]]) -> TriageResult:
        """Judge every failure, and what takes longer."""
        verdicts, slowness = self._judge(outages, quarantined), self._slower(quarantined)
        return TriageResult(verdicts=verdicts, slowness=slowness, notes=tuple(self.notes))

    def _judge(self, outages: tuple[Outage, ...], quarantined: Collection[tuple[str, str]]) -> tuple[TestVerdict, ...]:
        """Run what would tell most, until every failure is judged or the time is over; then judge."""
        from recloser.analytics.probes import plan_probes  # noqa: PLC0415 - scipy takes a second to import
        from recloser.analytics.triage import triage  # noqa: PLC0415

        until = time.monotonic() + self._system.triage.budget_s
        outcomes = self._read()
        while not self._stop.is_set() and (left_s := until - time.monotonic()) > 0:
            plan = plan_probes(
                outcomes, self._cycle.cycle_id, budget_s=left_s, now=utc_now(), good=self._good, outages=outages
            )
            if not sum(self._run(probe) for probe in plan.probes if self._may_run(probe)):
                break  # nothing is left to be asked, or no answer is to be had
            outcomes = self._read()
        return triage(
            outcomes, self._cycle.cycle_id, now=utc_now(), good=self._good, outages=outages, quarantined=quarantined
        )

    def _slower(self, quarantined: Collection[tuple[str, str]]) -> Slowness:
        """Screen for what takes longer, and run it again at head and at the base in turns."""
        from recloser.analytics.slower import find_slower, plan_timing  # noqa: PLC0415 - scipy takes a second to import

        screened = find_slower(self._read(), self._cycle.cycle_id, besides=quarantined)
        probes = [probe for probe in plan_timing(screened) if self._may_run(probe)]
        expected_s = sum(probe.expected_s for probe in probes)
        if not {probe.kind for probe in probes} >= _TIMED:
            return screened
        if expected_s > self._system.triage.timing_s:
            allowed_s = self._system.triage.timing_s
            self.notes.append(f"timing: it would take {expected_s:.0f} s, and {allowed_s:g} s is allowed")
            return screened
        for turn in range(1, max(probe.runs for probe in probes) + 1):
            for probe in probes:
                if turn <= probe.runs and not self._stop.is_set():
                    self._run(probe.model_copy(update={"runs": 1}), first=turn)
        return find_slower(self._read(), self._cycle.cycle_id, besides=quarantined)

    def _may_run(self, probe: Probe) -> bool:
        return probe.kind not in _AT_BASE or self._base is not None

    def _run(self, probe: Probe, first: int | None = None) -> int:
        """Run a probe and keep its attempts; answers how many there were."""
        if self._stop.is_set():
            return 0
        base = self._base if probe.kind in _AT_BASE else None
        folder = base or self._system.folder
        environment = self._environment(probe.suite) | (_imports_from(base) if base else {})
        attempts = run_probe(
            probe,
            self._system.suites[probe.suite],
            folder,
            first=first or self._done[probe.suite, probe.kind] + 1,
            seed=int(self._cycle.cycle_id[-4:], 16),
            extra_environment=environment,
            stop=self._stop,
        )
        self._done[probe.suite, probe.kind] += probe.runs
        self._keep(probe.suite, attempts)
        return len(attempts)

    def _checked_out(self, good: Cycle) -> Path | None:
        if good.code.commit is None or good.code.dirty:
            self.notes.append(f"base: night {good.cycle_id} was green on code that is in no commit")
            return None
        try:
            return self._places.enter_context(checked_out(self._system.folder, good.code.commit))
        except NightlyError as error:
            self.notes.append(f"base: {error}")
            return None


def _imports_from(folder: Path) -> dict[str, str]:
    """Before what is installed: an editable installation of the head must not stand in for the base."""
    paths = [str(folder), str(folder / "src"), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def outages_of(system: System, services: Iterable[ServiceRun]) -> Iterator[Outage]:
    """When a service was down that a suite needs: what failed then says nothing of the code."""
    for run in services:
        users = tuple(name for name, suite in system.suites.items() if run.name in _needed(system, suite.needs))
        for spell in run.down:
            yield Outage(
                what=f"service {run.name} was down", started_at=spell.started_at, ended_at=spell.ended_at, suites=users
            )


def _needed(system: System, names: Iterable[str]) -> set[str]:
    """These services and those that they need."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(system.services[name].needs)
    return found

"""After the suites: what failed is run again until it is known what it is, or the time for that is over."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import TYPE_CHECKING, TypedDict

from recloser.suites import run_probe
from recloser.values import Finding, Outage, ProbeKind, Slowdown, Slowness, TestVerdict, Value, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from threading import Event

    import pandas as pd

    from recloser.analytics.screening import Measure
    from recloser.nightly.bases import Bases
    from recloser.target import System
    from recloser.values import Cycle, Probe, ServiceRun, TestAttempt

_AT_BASE = {ProbeKind.CONFIRM_BASE, ProbeKind.TIME_BASE}
_TIMED = {ProbeKind.TIME_HEAD, ProbeKind.TIME_BASE}


class _Told(TypedDict):
    """What every look at durations is told."""

    measure: Measure
    good: Collection[str]
    besides: Collection[tuple[str, str]]


class TriageResult(Value):
    """What came of it; kept, so that a night that goes on does not ask again."""

    verdicts: tuple[TestVerdict, ...] = ()
    slowness: tuple[Slowness, ...] = ()
    """Of time, and of memory."""
    notes: tuple[str, ...] = ()
    """What could not be asked, and why."""
    expired: tuple[Finding, ...] = ()
    """Of the quarantine, for the owners."""

    @property
    def slowdowns(self) -> tuple[Slowdown, ...]:
        """What takes more: measured again, or seen in the whole series."""
        return tuple(one for found in self.slowness for one in found.slower)

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
        greens: Sequence[Cycle],
        bases: Bases,
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
            greens: The last good nights, the newest first: the code of the first is the base.
            bases: Where good code is run.
            read: Reads the outcomes of this night and of those before it.
            keep: Adds the attempts of a probe to those of a suite.
            environment: Variables of a suite, by its name.
            stop: Set when the night has to end.
        """
        self._system = system
        self._cycle = cycle
        self._good = greens[0] if greens else None
        self._greens = tuple(greens)
        self._read = read
        self._keep = keep
        self._environment = environment
        self._stop = stop
        self._done: Counter[tuple[str, str]] = Counter()
        self._bases = bases
        self._notes: list[str] = []

    def result(self, outages: tuple[Outage, ...], quarantined: Collection[tuple[str, str]]) -> TriageResult:
        """Judge every failure, and what takes longer or more memory."""
        from recloser.analytics.screening import DURATION, MEMORY  # noqa: PLC0415 - scipy takes a second to import

        verdicts = self._judge(outages, quarantined)
        found = [self._slower(measure, outages, quarantined) for measure in (DURATION, MEMORY)]
        return TriageResult(verdicts=verdicts, slowness=tuple(found), notes=(*self._notes, *self._bases.notes))

    def _judge(self, outages: tuple[Outage, ...], quarantined: Collection[tuple[str, str]]) -> tuple[TestVerdict, ...]:
        """Run what would tell most, until every failure is judged or the time is over; then judge."""
        from recloser.analytics.probes import plan_probes  # noqa: PLC0415 - scipy takes a second to import
        from recloser.analytics.triage import triage  # noqa: PLC0415

        until = time.monotonic() + self._system.triage.budget_s
        outcomes = self._read()
        self._done.update(_numbers_of(outcomes, self._cycle.cycle_id))
        while not self._stop.is_set() and (left_s := until - time.monotonic()) > 0:
            plan = plan_probes(
                outcomes, self._cycle.cycle_id, budget_s=left_s, now=utc_now(), good=self._good, outages=outages
            )
            if not sum(self._run(probe, until) for probe in plan.probes if self._may_run(probe)):
                break  # nothing is left to be asked, or no answer is to be had
            outcomes = self._read()
        return triage(
            outcomes, self._cycle.cycle_id, now=utc_now(), good=self._good, outages=outages, quarantined=quarantined
        )

    def _slower(
        self, measure: Measure, outages: tuple[Outage, ...], quarantined: Collection[tuple[str, str]]
    ) -> Slowness:
        """Screen for what takes more, and run that again at head and at the base in turns."""
        from recloser.analytics.slower import find_slower, plan_timing  # noqa: PLC0415 - scipy takes a second to import

        told: _Told = {"measure": measure, "good": [green.cycle_id for green in self._greens], "besides": quarantined}
        found = find_slower(self._calm(outages), self._cycle.cycle_id, **told)
        if self._timed(plan_timing(found)):
            return find_slower(self._calm(outages), self._cycle.cycle_id, **told)
        return found

    def _timed(self, planned: tuple[Probe, ...]) -> bool:
        """Run head and base in turns, so that a slow minute strikes both; answers whether that was possible."""
        probes = [probe for probe in planned if self._may_run(probe)]
        expected_s, allowed_s = sum(probe.expected_s for probe in probes), self._system.triage.timing_s
        if not {probe.kind for probe in probes} >= _TIMED:
            return False
        if expected_s > allowed_s:
            self._notes.append(f"timing: it would take {expected_s:.0f} s, and {allowed_s:g} s is allowed")
            return False
        for turn in range(1, max(probe.runs for probe in probes) + 1):
            for probe in probes:
                if turn <= probe.runs:
                    self._run(probe.model_copy(update={"runs": 1}))
        return True

    def _calm(self, outages: tuple[Outage, ...]) -> pd.DataFrame:
        """The outcomes that speak of tests."""
        from recloser.analytics.storms import calm, storms  # noqa: PLC0415 - as above

        outcomes = self._read()
        return calm(outcomes, storms(outcomes), outages)

    def _may_run(self, probe: Probe) -> bool:
        return probe.kind not in _AT_BASE or self._bases.at(probe) is not None

    def _run(self, probe: Probe, until: float = math.inf) -> int:
        """Run a probe, as long as there is time, and keep its attempts; answers how many there were."""
        left_s = until - time.monotonic()
        if self._stop.is_set() or left_s <= 0:
            return 0
        base = self._bases.at(probe) if probe.kind in _AT_BASE else None
        attempts = run_probe(
            probe,
            self._system.suites[probe.suite],
            base.folder if base else self._system.folder,
            first=self._done[probe.suite, probe.kind] + 1,
            limit_s=left_s,
            seed=int(self._cycle.cycle_id[-4:], 16),
            extra_environment=self._environment(probe.suite) | (base.environment() if base else {}),
            stop=self._stop,
        )
        if base and (why := base.trouble()):
            self._bases.note(f"base: what suite {probe.suite} did there says nothing: {why}")
            return 0
        self._done[probe.suite, probe.kind] += probe.runs
        self._keep(probe.suite, attempts)
        return len(attempts)


def _numbers_of(outcomes: pd.DataFrame, cycle: str) -> dict[tuple[str, str], int]:
    """How far the probes of a cycle are numbered: one that goes on after it was killed must not take a number twice."""
    probed = outcomes[(outcomes["cycle"] == cycle) & (outcomes["probe"] != "")]
    last = probed.groupby(["suite", "probe"], observed=True)["attempt"].max().reset_index()
    return {(str(suite), str(probe)): int(number) for suite, probe, number in last.itertuples(index=False, name=None)}


def outages_of(system: System, services: Iterable[ServiceRun]) -> Iterator[Outage]:
    """When a service was down that a suite needs: what failed then says nothing of the code."""
    for run in services:
        users = tuple(name for name, suite in system.suites.items() if run.name in system.needed(suite.needs))
        for spell in run.down:
            yield Outage(
                what=f"service {run.name} was down", started_at=spell.started_at, ended_at=spell.ended_at, suites=users
            )

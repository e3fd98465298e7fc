"""How long a history of 10,000 tests in 60 nights takes to write, read, compare and show, and what it weighs.

Run `python benchmarks/history.py [--url URL] [--tests N] [--nights N]`; a file of SQLite unless a URL is given. Each
figure stands beside its gate; the exit code is 1 when one is missed. Memory is the peak of a process that only reads.
The page is made from the store as a night ends, once as it is and once as if every test had failed.
The nights are made up: durations spread over four decades, every hundredth test fails now and then and passes when it
is run again, and a few break and are fixed some nights later.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from recloser.analytics.comparison import compare
from recloser.nightly.page import build_report, past_of, results_of
from recloser.report.nightly import nightly_html
from recloser.store import Store
from recloser.target import System
from recloser.values import (
    CodeState,
    Cycle,
    CycleVerdict,
    Environment,
    Failure,
    Frame,
    Judgement,
    SuiteRun,
    TestAttempt,
    TestStatus,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recloser.values import CycleReport

TARGET = "benchmark"
SUITES = {"unit": 0.8, "integration": 0.15, "e2e": 0.03, "regression": 0.02}
"""Share of the tests that each has."""
FIRST = datetime(2026, 9, 1, 2, tzinfo=UTC)
MACHINE = Environment(environment_id="e", python="3.11.7", platform="linux", machine="x86_64", cpus=2)
WRITE_GATE_S, READ_GATE_S, PAGE_GATE_S, PAGE_GATE_MB, RSS_GATE_MIB = 2.0, 2.0, 10.0, 2.0, 500


def main() -> int:
    """Fill a store, let another process read it, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an empty database; default: a file of SQLite")
    parser.add_argument("--tests", type=int, default=10_000)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--read", action="store_true", help="only read what is there")
    given = parser.parse_args()
    if given.read:
        return read(given.url)
    with tempfile.TemporaryDirectory() as folder:
        url = given.url or f"sqlite:///{folder}/history.db"
        missed = write(url, given.tests, given.nights)
        return subprocess.run([sys.executable, __file__, "--read", "--url", url], check=False).returncode or missed


def write(url: str, tests: int, nights: int) -> int:
    """Fill a store night by night."""
    times = []
    with Store.open(url) as store:
        for number in range(nights):
            cycle, runs = night(number, tests)
            watch = Watch()
            save(store, cycle, runs)
            times.append(watch.read())
    print(f"{tests:,} tests, {nights} nights")
    median = sorted(times)[len(times) // 2]
    missed = report("write a night (median)", *median, gate=WRITE_GATE_S)
    return missed + report("write a night (slowest)", *max(times), gate=WRITE_GATE_S)


def save(store: Store, cycle: Cycle, runs: list[SuiteRun]) -> None:
    """Keep one night."""
    store.history.open_cycle(cycle)
    for run in runs:
        store.history.save_suite_run(cycle.cycle_id, run)
    red = any(run.judgement is Judgement.FAILED for run in runs)
    verdict = CycleVerdict.RED if red else CycleVerdict.GREEN
    store.history.close_cycle(cycle.cycle_id, verdict, "made up", cycle.opened_at + timedelta(hours=1))


def read(url: str) -> int:
    """Ask what a page and a person ask."""
    with Store.open(url) as store:
        history, missed = store.history, 0
        newest = history.cycles(TARGET, last=1)[0]
        missed += measure("outcomes frame", lambda: history.outcomes(TARGET, last=60), READ_GATE_S)
        frame, good = history.outcomes(TARGET, last=60), [cycle.cycle_id for cycle in history.good(TARGET)]
        missed += measure("comparison", lambda: compare(frame, newest.cycle_id, good=good), READ_GATE_S)
        missed += measure("durations of a suite", lambda: history.durations(TARGET, "unit"), READ_GATE_S)
        missed += measure("one night's suite runs, whole", lambda: history.suite_runs(newest.cycle_id), READ_GATE_S)
        missed += page(store, newest)
        missed += measure("weeks of nights", lambda: history.weeks(TARGET), READ_GATE_S)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return report("peak memory", peak, gate=RSS_GATE_MIB, unit="MiB") + missed


def measure(name: str, ask: Callable[[], object], gate_s: float) -> int:
    """Print the best of three rounds: the others measure what else the machine does."""
    times = []
    for _ in range(3):
        watch = Watch()
        ask()
        times.append(watch.read())
    return report(name, *min(times), gate=gate_s)


class Watch:
    """Time since it was made: by the clock, and of this process alone; other work on the machine shows in the first."""

    def __init__(self) -> None:
        self._wall, self._own = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Both, in seconds."""
        return time.perf_counter() - self._wall, time.process_time() - self._own


def report(name: str, figure: float, own_s: float | None = None, *, gate: float, unit: str = "s") -> int:
    """Print a figure beside its gate; 1 where it is missed."""
    own = "" if own_s is None else f"(CPU {own_s:.2f} s)"
    verdict = "" if figure <= gate else "  MISSED"
    print(f"{name:32} {figure:8.2f} {unit:4} {own:14} gate {gate:g} {unit}{verdict}", flush=True)
    return int(figure > gate)


def page(store: Store, cycle: Cycle) -> int:
    """A night's page, from the store to the last byte, as it is and at its worst."""
    missed = 0
    for name, spoil in (("page", False), ("page, all tests failed", True)):
        watch = Watch()
        html = nightly_html(report_of(store, cycle, spoil=spoil))
        missed += report(name, *watch.read(), gate=PAGE_GATE_S)
        missed += report(f"{name}: HTML", len(html.encode()) / 1e6, gate=PAGE_GATE_MB, unit="MB")
    return missed


def report_of(store: Store, cycle: Cycle, *, spoil: bool) -> CycleReport:
    """What the page says of a night."""
    system, results = System(name=TARGET, folder=Path()), results_of(store.history, cycle)
    if spoil:
        results = replace(results, suites=tuple(map(spoiled, results.suites)))
    past = past_of(store.history, cycle)
    return build_report(store.history, system, cycle, results, past.compared(cycle, results), past=past)


def spoiled(run: SuiteRun) -> SuiteRun:
    """The same run if every attempt had failed."""
    told = [one.failure for one in run.attempts if one.failure] or [failure(13, night(0, 1)[0])]
    failed = {"status": TestStatus.FAILED, "output": "solving\n" * 200}
    attempts = (
        one.model_copy(update=failed | {"failure": told[place % len(told)]}) for place, one in enumerate(run.attempts)
    )
    return run.model_copy(update={"judgement": Judgement.FAILED, "attempts": tuple(attempts)})


def night(number: int, tests: int) -> tuple[Cycle, list[SuiteRun]]:
    """One made-up night."""
    at = FIRST + timedelta(days=number)
    code = CodeState(tree=f"tree-{number}", commit=f"commit-{number}", branch="main")
    cycle = Cycle(cycle_id=f"{at:%Y%m%d-%H%M%S}", target=TARGET, opened_at=at, code=code, environment=MACHINE)
    return cycle, [suite(name, cycle, int(tests * share)) for name, share in SUITES.items()]


def suite(name: str, cycle: Cycle, tests: int) -> SuiteRun:
    """One suite of it."""
    draw = random.Random(f"{cycle.cycle_id} {name}")  # noqa: S311 - the same night every time
    attempts = [one for place in range(tests) for one in attempts_of(name, place, cycle, draw)]
    ended: dict[str, bool] = {}
    for one in attempts:
        ended[one.test_id] = one.status.is_failure
    return SuiteRun(
        suite=name,
        tier=name,
        judgement=Judgement.FAILED if any(ended.values()) else Judgement.PASSED,
        code=cycle.code,
        environment=MACHINE,
        started_at=cycle.opened_at,
        ended_at=cycle.opened_at + timedelta(minutes=20),
        workers=2,
        attempts=tuple(attempts),
    )


def attempts_of(suite: str, place: int, cycle: Cycle, draw: random.Random) -> Iterator[TestAttempt]:
    """A test that passes, or flakes and passes, or is broken for some nights, or is always skipped."""
    day = (cycle.opened_at - FIRST).days
    flaky, broken = place % 100 == 7 and draw.random() < 0.05, place % 2_000 == 13 and day % 20 in {17, 18, 19}
    status = TestStatus.FAILED if flaky or broken else TestStatus.SKIPPED if place % 97 == 5 else TestStatus.PASSED
    usual = 10 ** random.Random(f"{suite} {place}").uniform(-3, 1)  # noqa: S311
    for number in (1, 2) if status is TestStatus.FAILED else (1,):
        failed = status is TestStatus.FAILED and (broken or number == 1)
        yield TestAttempt(
            suite=suite,
            test_id=f"tests/{suite}/test_part_{place // 40:03}.py::TestThing::test_number[{place % 40}-some-parameter]",
            number=number,
            status=TestStatus.FAILED if failed else status if number == 1 else TestStatus.PASSED,
            started_at=cycle.opened_at + timedelta(seconds=place / 10 + 900 * (number - 1)),
            duration_s=0.0 if status is TestStatus.SKIPPED else usual * draw.lognormvariate(0, 0.15),
            worker=f"gw{place % 2}",
            position=place // 2,
            failure=failure(place, cycle) if failed else None,
            output=f"{cycle.opened_at:%H:%M:%S} solving grid {place}\n" * 20 if failed else "",
            reason="needs a GPU" if status is TestStatus.SKIPPED else "",
        )


def failure(place: int, cycle: Cycle) -> Failure:
    """Why it failed: 40 lines of a traceback."""
    frames = tuple(Frame(file=f"grid/part_{depth}.py", line=depth + 7, function="solve") for depth in range(4))
    text = "\n".join(f"    frame {line} of test {place} in {cycle.code.tree}" for line in range(40))
    return Failure(
        exception="AssertionError",
        message=f"residual {place} too large",
        frames=frames,
        text=text,
        fingerprint=f"f{place % 37}",
    )


if __name__ == "__main__":
    sys.exit(main())

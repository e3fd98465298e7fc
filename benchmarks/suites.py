"""What recording costs each test, and what the order of tests saves, beside bare pytest in the same run.

Run `python benchmarks/suites.py`; it takes one to two minutes. The exit code is 1 when a gate is missed.

Two suites are made: some thousand tests that do nothing, and one of uneven durations with the longest collected last.
Each kind of run takes its turn several times. A ratio of wall times is that of one turn, and the median of several; a
cost per test is of processor time, which a busy machine stretches less. The load average is printed with them.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest
import xdist

from recloser.suites import run_suite
from recloser.target import Suite
from recloser.values import CodeState

if TYPE_CHECKING:
    from collections.abc import Callable

FILES, TESTS = 30, 100
UNEVEN_S = (*[0.02] * 120, 0.3, 0.6, 0.9, 1.8)
COST_SHARE, COST_S = 0.05, 0.002
MOST_RATIO = 1.1
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
PYTEST = ("-m", "pytest", "-q", "-p", "xdist", "-p", "no:cacheprovider")


@dataclass
class Figures:
    """What each of several turns took."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    durations: dict[str, float] = field(default_factory=dict)

    def take(self, action: Callable[[], dict[str, float]]) -> None:
        """One more turn."""
        wall_s, cpu_s = time.perf_counter(), processor_s()
        self.durations = action()
        self.wall_s.append(time.perf_counter() - wall_s)
        self.cpu_s.append(processor_s() - cpu_s)

    def over(self, other: Figures) -> float:
        """Wall time of a turn over that of the same turn of another: the median, which a busy moment does not move."""
        return median(mine / its for mine, its in zip(self.wall_s, other.wall_s, strict=True))


def processor_s() -> float:
    """Processor seconds of this process and the children it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)


def bare(folder: Path, *arguments: str) -> dict[str, float]:
    """Pytest alone."""
    command = [sys.executable, *PYTEST, *arguments]
    subprocess.run(command, cwd=folder, env=os.environ | BARE, stdout=subprocess.DEVNULL, check=True)
    return {}


def ours(folder: Path, workers: int | None, durations: dict[str, float] | None = None) -> dict[str, float]:
    """The same suite by our runner; what each test took."""
    suite = Suite(command=("{python}", *PYTEST), environment=BARE)
    run = run_suite("unit", suite, folder, workers=workers, durations=durations, code=CodeState(tree="-"))
    if run.reason:
        sys.exit(f"the suite of the benchmark itself did not pass: {run.reason}")
    return {attempt.test_id: attempt.duration_s for attempt in run.attempts}


def make(folder: Path) -> tuple[Path, Path]:
    """The two suites."""
    trivial, uneven = folder / "trivial", folder / "uneven"
    for made in (trivial, uneven):
        made.mkdir()
    text = "\n".join(f"def test_{number}(): assert {number} + 1" for number in range(TESTS))
    for number in range(FILES):
        (trivial / f"test_{number:02}.py").write_text(text)
    sleeps = "\n".join(f"def test_{at:03}(): time.sleep({seconds})" for at, seconds in enumerate(UNEVEN_S))
    (uneven / "test_uneven.py").write_text(f"import time\n{sleeps}\n")
    return trivial, uneven


def main() -> int:
    """Print all figures; 1 where a gate is missed."""
    options = argparse.ArgumentParser()
    options.add_argument("--turns", type=int, default=3)
    turns = options.parse_args().turns
    with tempfile.TemporaryDirectory() as scratch:
        trivial, uneven = make(Path(scratch))
        missed = [*cost(trivial, turns), *order(trivial, "trivial", turns), *order(uneven, "uneven", turns)]
    versions = f"pytest {pytest.__version__}, xdist {xdist.__version__}"
    print(f"{versions}, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    return 1 if missed else 0


def cost(folder: Path, turns: int) -> list[str]:
    """What recording adds to a test in one process."""
    alone, recorded = Figures(), Figures()
    for _ in range(turns):
        alone.take(lambda: bare(folder))
        recorded.take(lambda: ours(folder, 1))
    count = len(recorded.durations)
    alone_s, recorded_s = min(alone.cpu_s), min(recorded.cpu_s)
    cost_s = (recorded_s - alone_s) / count
    good = cost_s <= max(COST_S, COST_SHARE * alone_s / count)
    print(f"{count} trivial tests in one process: bare {alone_s:.2f} s, recorded {recorded_s:.2f} s of processor")
    print(f"  cost {cost_s * 1000:.3f} ms a test; gate: 5 % or {COST_S * 1000:g} ms: {'ok' if good else 'MISSED'}")
    return [] if good else ["cost"]


def order(folder: Path, name: str, turns: int) -> list[str]:
    """Wall time in two processes, without and with known durations."""
    alone, unknown, known = Figures(), Figures(), Figures()
    for _ in range(turns):
        alone.take(lambda: bare(folder, "-n", "2"))
        unknown.take(lambda: ours(folder, 2))
        known.take(lambda: ours(folder, None, unknown.durations))
    ratio, ratio_known = unknown.over(alone), known.over(alone)
    missed = [*(["unknown"] if ratio > MOST_RATIO else []), *(["known"] if ratio_known >= 1 else [])]
    print(
        f"{name}: pytest -n 2 {min(alone.wall_s):.2f} s, ours {min(unknown.wall_s):.2f} s "
        f"(x {ratio:.2f}, gate {MOST_RATIO})",
        end="",
    )
    print(
        f", durations known {min(known.wall_s):.2f} s (x {ratio_known:.2f}, gate < 1): {'MISSED' if missed else 'ok'}"
    )
    return missed


if __name__ == "__main__":
    sys.exit(main())

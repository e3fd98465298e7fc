"""The last gate of issue 7: all analysis of 10,000 tests in 60 nights, how long and in how much memory.

Run as a module it measures in its own process, whose memory nothing else has touched.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gates.figures import Bench
from gates.worlds import FIRST, frame_of
from recloser.analytics.evidence import assess
from recloser.analytics.fingerprints import Sighting
from recloser.analytics.probes import plan_probes
from recloser.analytics.problems import Failing, find_problems
from recloser.analytics.slower import find_slower
from recloser.analytics.storms import calm, storms
from recloser.analytics.triage import triage
from recloser.values import Outage

if TYPE_CHECKING:
    from collections.abc import Callable


def speed(_: Bench) -> bool:
    """All analysis of 10,000 tests in 60 nights, in a process of its own."""
    ended = subprocess.run([sys.executable, "-m", "gates.speed"], cwd=Path(__file__).parents[1], check=False)
    return ended.returncode == 0


def measure_speed(bench: Bench) -> None:
    """In this process: a night with five hundred flaky and a hundred broken tests, and what each step takes."""
    rng = np.random.default_rng(6)
    tests, nights = 10_000, 60
    test, night = np.tile(np.arange(tests), nights), np.repeat(np.arange(nights), tests)
    rate = np.where(test < 500, 0.1, 0.0)
    failed = (rng.random(len(test)) < rate) | ((test >= 9_900) & (night >= 55))
    took = rng.lognormal(-1, 0.2, len(test)) * np.where((test >= 9_800) & (night == 59), 3.0, 1.0)
    frame = frame_of(test, night, failed, night // 2, tests, duration_s=took)
    now, cycle = FIRST + timedelta(days=nights), f"n{nights - 1:05}"
    outage = Outage(what="api was down", started_at=now, ended_at=now)
    last = frame[(frame["cycle"] == cycle) & frame["failed"]]
    failing = [
        Failing("unit", name, f"f{place}", sighting=Sighting("E", f"{name} is off", ("a.py:b",), name))
        for place, name in enumerate(map(str, last["test"]))
    ]
    steps: dict[str, Callable[[], Any]] = {
        "storms": lambda: storms(frame),
        "assess": lambda: assess(calm(frame, storms(frame)), now=now),
        "triage": lambda: triage(frame, cycle, now=now, outages=[outage]),
        "plan_probes": lambda: plan_probes(frame, cycle, budget_s=3600, now=now),
        "find_slower": lambda: find_slower(frame, cycle),
        "find_problems": lambda: find_problems(frame, cycle, failing),
    }
    total = 0.0
    for name, step in steps.items():
        begun, wall = time.process_time(), time.perf_counter()
        step()
        used, waited = time.process_time() - begun, time.perf_counter() - wall
        total += used
        bench.show(f"  {name}, processor seconds", used, f"{waited:.1f} s on the clock")
    bench.show("all analysis of 10,000 tests x 60 nights, processor seconds", total, most=10)
    bench.show("  most memory, MiB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, most=500)


if __name__ == "__main__":
    here = Bench()
    measure_speed(here)
    sys.exit(bool(here.missed))

"""Section 4.4 on simulated nights: who enters quarantine and leaves it, and what a failure is called."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from gates.worlds import FIRST, GOOD, World, joined, night_of, run_of, world
from recloser.analytics.evidence import assess
from recloser.analytics.probes import plan_probes
from recloser.analytics.triage import triage
from recloser.values import FailureKind

if TYPE_CHECKING:
    import pandas as pd

    from gates.figures import Bench


def quarantine(bench: Bench) -> bool:
    """Quarantine and release over ninety nights, every second on new code; own precision and recall."""
    rng = bench.rng(2)
    tests, nights = 600, 90
    tally: dict[str, int] = dict.fromkeys(("entered", "right", "flaky", "found", "broken", "stays", "returns"), 0)
    stays: list[int] = []
    since_mended: list[int] = []
    for _turn in range(2):
        truth = world(rng, tests, nights)
        inside: dict[int, int] = {}
        ever: set[int] = set()
        left: dict[int, int] = {}
        suspects = np.empty(0, dtype=int)
        seen: list[pd.DataFrame] = []
        for night in range(nights):
            seen.append(night_of(rng, truth, night, night // 2, suspects))
            said = assess(joined(seen[-60:]), now=FIRST + timedelta(days=night))
            number = said["test"].astype(str).str[1:].astype(int).to_numpy()
            suspects = np.sort(number[said["suspect"] & ~said["broken"]])
            for test in set(number[said["quarantine"]].tolist()) - set(inside):
                tally["returns"] += test in left and night - left[test] > 1
                inside[test] = night
                ever.add(test)
            for test in set(number[said["release"]].tolist()) & set(inside):
                stays.append(night - inside.pop(test))
                since_mended.append(night - int(truth.mended_from[test]))
                left[test] = night
        often = np.flatnonzero(truth.rate > 0.05)
        tally["entered"] += len(ever)
        tally["right"] += sum(truth.rate[test] > 0.005 for test in ever)
        tally["flaky"] += len(often)
        tally["found"] += len(ever.intersection(often.tolist()))
        tally["broken"] += sum(truth.broken_from[test] < nights for test in ever)
    bench.share("quarantined tests that are flaky (precision)", tally["right"], tally["entered"])
    bench.share("tests that fail more than 5 % and were quarantined (recall)", tally["found"], tally["flaky"])
    bench.show("broken tests in quarantine", tally["broken"], most=0)
    bench.show("median stay of the released, days", float(np.median(stays)), f"of {len(stays)}")
    bench.show("  from mended to released, days", float(np.median(since_mended)), f"at most {max(since_mended)}")
    bench.share("released that came back after a day (aim <= 0.14)", tally["returns"], len(stays))
    return True


def judgement(bench: Bench) -> bool:
    """Triage of nights with known truth, after the probes that were planned: new breaks among flaky tests."""
    rng = bench.rng(3)
    right: dict[str, list[int]] = {"new": [0, 0], "said new": [0, 0], "flaky": [0, 0], "already broken": [0, 0]}
    for _turn in range(10):
        tests, nights = 500, 15
        rate = np.where(rng.random(tests) < 0.1, 0.2, 0.02)
        broken_from = np.full(tests, 10**6)
        broken_from[:3], broken_from[3:6] = nights - 1, nights - 4
        truth = World(rate, broken_from, np.full(tests, 10**6))
        seen = [night_of(rng, truth, night, night, np.empty(0, dtype=int)) for night in range(nights)]
        seen[-1] = seen[-1][seen[-1]["probe"] == ""]
        cycle, now = f"n{nights - 1:05}", FIRST + timedelta(days=nights)
        for _round in range(2):
            plan = plan_probes(joined(seen), cycle, budget_s=3600, now=now, good=GOOD)
            seen += [run_of(rng, probe, truth, nights - 1) for probe in plan.probes if probe.kind.startswith("confirm")]
        for verdict in triage(joined(seen), cycle, now=now, good=GOOD):
            number = int(verdict.test_id[1:])
            kind = "new" if number < 3 else "already broken" if number < 6 else "flaky"
            right[kind][0] += verdict.kind == kind
            right[kind][1] += 1
            if verdict.kind is FailureKind.NEW:
                right["said new"][0] += kind == "new"
                right["said new"][1] += 1
    bench.share("new breaks that are called new (flaky background 2 to 20 %)", *right["new"], least=0.95)
    bench.share("called new that are new", *right["said new"], least=0.95)
    bench.share("already broken that are called so", *right["already broken"], least=0.95)
    bench.share("flaky failures that are called flaky", *right["flaky"], least=0.95)
    return True

"""Whether the judgement of a night holds: flakes, quarantine, slowdowns, fingerprints, storms, and how fast it is.

    make bench ONLY=analytics        or: python benchmarks/analytics.py [--data FOLDER] [--only NAME …]

The figures are those of section 4.4 to 4.6 of the reference (test-intelligence), on its public data sets, beside their
gates; the exit code is 1 when one is missed. The data are not part of this repository: `--data` names their folder, by
default `../shared/data` beside it. What needs no data is simulated from stated seeds. Intervals are of 95 %: Wilson's
for shares, else a bootstrap over tests or series. Nothing here is fitted to the data: all parameters are those of
`recloser.analytics`.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from recloser.analytics.evidence import assess
from recloser.analytics.fingerprints import Sighting, mask
from recloser.analytics.flakes import UNIT, flake_score, shown_rate
from recloser.analytics.nearness import near_groups
from recloser.analytics.probes import plan_probes
from recloser.analytics.problems import Failing, find_problems
from recloser.analytics.screening import screen
from recloser.analytics.series import changes, short_rise
from recloser.analytics.slower import find_slower
from recloser.analytics.storms import calm, storms
from recloser.analytics.timing import alarming, shift
from recloser.analytics.triage import triage
from recloser.notify import announce
from recloser.redaction import Redactor
from recloser.store import Store
from recloser.target import System
from recloser.values import (
    CodeState,
    Cycle,
    CycleFacts,
    CycleVerdict,
    Environment,
    FailureKind,
    Finding,
    FindingKind,
    Outage,
    Probe,
    ProbeKind,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = datetime(2026, 9, 1, 2, tzinfo=UTC)
GOOD = Cycle(
    cycle_id="n00009",
    target="made up",
    opened_at=FIRST,
    closed_at=FIRST,
    verdict=CycleVerdict.GREEN,
    code=CodeState(tree="t9"),
    environment=Environment(environment_id="e", python="3", platform="any", machine="any", cpus=1),
)
DATA = Path(__file__).parents[1] / ".." / "shared" / "data"


@dataclass
class Bench:
    """Figures and their gates."""

    missed: list[str] = field(default_factory=list)

    def show(self, name: str, figure: float, note: str = "", *, most: float = np.inf, least: float = -np.inf) -> None:
        """Print a figure beside its gate; `note` is its interval, or what it is of."""
        gate = f"<= {most:g}" if most < np.inf else f">= {least:g}" if least > -np.inf else ""
        good = least <= figure <= most
        if not good:
            self.missed.append(name)
        verdict = "" if not gate else "ok" if good else "MISSED"
        print(f"{name:<66} {figure:>9.4g} {note:<24} {gate:<9} {verdict}")

    def share(self, name: str, hits: int, of: int, *, most: float = np.inf, least: float = -np.inf) -> None:
        """Print a share with Wilson's interval."""
        hits, of = int(hits), int(of)
        interval = binomtest(hits, of).proportion_ci(method="wilson") if of else None
        note = f"{hits} of {of} ({interval.low:.3f}-{interval.high:.3f})" if interval else "of none"
        self.show(name, hits / of if of else np.nan, note, most=most, least=least)


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the data sets")
    parser.add_argument("--only", nargs="*", choices=list(PARTS), help="parts to run")
    parser.add_argument("--speed-here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    bench = Bench()
    if given.speed_here:
        measure_speed(bench)
        return bool(bench.missed)
    for name in given.only or PARTS:
        print(f"-- {name}")
        if not PARTS[name](bench, given.data):
            bench.missed.append(name)
    if bench.missed:
        print(f"missed: {', '.join(bench.missed)}")
    return bool(bench.missed)


def table(folder: Path, name: str) -> pd.DataFrame | None:
    """A data set, or None with a word why not."""
    file = folder / name
    if not file.exists():
        print(f"{name} is not in {folder}: name the folder of the data sets with --data", file=sys.stderr)
        return None
    return pd.read_csv(file)


def bootstrap(values: np.ndarray, statistic: Callable[[np.ndarray], float], turns: int = 1000) -> str:
    """The interval of a statistic over rows drawn again."""
    rng = np.random.default_rng(1)
    drawn = [statistic(values[rng.integers(0, len(values), len(values))]) for _ in range(turns)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"({low:.3g}-{high:.3g})"


def one_state(failed: np.ndarray, judged: np.ndarray) -> pd.DataFrame:
    """The outcome frame of tests that are run again and again on one state: rows are tests, columns are runs."""
    tests, runs = failed.shape
    test, run = np.repeat(np.arange(tests), runs), np.tile(np.arange(runs), tests)
    return frame_of(test, run, failed.ravel(), np.zeros(tests * runs, dtype=int), tests)[judged.ravel()]


def frame_of(
    test: np.ndarray, night: np.ndarray, failed: np.ndarray, state: np.ndarray, tests: int, **columns: Any
) -> pd.DataFrame:
    """An outcome frame from arrays: tests, nights and states by number."""
    nights, states, size = int(night.max()) + 1, int(state.max()) + 1, len(test)

    def category(codes: np.ndarray, names: list[str], *, ordered: bool = False) -> pd.Categorical:
        return pd.Categorical.from_codes(codes, categories=names, ordered=ordered)

    same = np.zeros(size, dtype=int)
    return pd.DataFrame(
        {
            "cycle": category(night, [f"n{number:05}" for number in range(nights)], ordered=True),
            "run": night,
            "at": pd.Timestamp(FIRST) + pd.to_timedelta(night * 86_400 + np.arange(size) / size, unit="s"),
            "state": category(state, [f"t{number}|e" for number in range(states)]),
            "tier": category(same, ["unit"]),
            "suite": category(test % 5, [f"s{number}" for number in range(5)]),
            "test": category(test, [f"t{number}" for number in range(tests)]),
            "attempt": 1,
            "status": category(failed.astype(int), ["passed", "failed"]),
            "failed": failed,
            "judged": True,
            "duration_s": 1.0,
            "fingerprint": category(np.where(failed, test, -1), [f"k{number}" for number in range(tests)]),
            "position": 1,
            "worker": category(same, [""]),
            "probe": category(same, [""]),
            **columns,
        }
    )


# --- 4.4: flakes -------------------------------------------------------------------------------------------------


def reruns(bench: Bench, folder: Path) -> bool:
    """Who becomes suspect in a hundred reruns, beside the most that outcomes can show."""
    found = table(folder, "reruns100.csv.gz")
    if found is None:
        return False
    text = np.array([list(outcomes) for outcomes in found["outcomes"]])
    failed, judged = np.isin(text, ["F", "E"]), np.isin(text, ["F", "E", "P"])
    often = judged.sum(axis=1) >= 90
    failed, judged = failed[often] & judged[often], judged[often]
    mixed = failed.any(axis=1) & (judged & ~failed).any(axis=1)
    print(f"{len(failed)} tests, {mixed.sum()} flaky, {(failed.any(axis=1) & ~mixed).sum()} failing always")
    for runs in (5, 10, 20, 40, 100):
        said = assess(one_state(failed[:, :runs], judged[:, :runs]), now=FIRST + timedelta(days=runs))
        number = said["test"].astype(str).str[1:].astype(int).to_numpy()
        suspect, quarantined = (
            np.isin(np.arange(len(failed)), number[said[name]]) for name in ("suspect", "quarantine")
        )
        seen = failed[:, :runs].any(axis=1) & (judged[:, :runs] & ~failed[:, :runs]).any(axis=1)
        ceiling = (seen & mixed).sum() / mixed.sum()
        bench.share(
            f"flaky tests that are suspect after {runs} runs",
            int((suspect & mixed).sum()),
            int(mixed.sum()),
            least=ceiling,
        )
        bench.show("  others that are suspect or quarantined", int(((suspect | quarantined) & ~mixed).sum()), most=0)
    return True


def counts(bench: Bench, folder: Path) -> bool:
    """The score and the shown interval against rates known from ten thousand runs."""
    found = table(folder, "flakeflagger_counts.csv.gz")
    if found is None:
        return False
    rng = np.random.default_rng(0)
    failing, passing = found["n_fail"].to_numpy(), found["n_pass"].to_numpy()
    known = failing + passing > 0
    failing, passing = failing[known], passing[known]
    rate = failing / (failing + passing)
    flaky = (rate > 0) & (rate < 1)
    often = flaky & (rate > 0.05)
    for runs, least in ((10, 0.65), (50, 0.99)):
        drawn = np.array([rng.hypergeometric(failing, passing, np.minimum(runs, failing + passing)) for _ in range(50)])
        mixed = (drawn > 0) & (drawn < runs)
        chosen = mixed & (flake_score(drawn, runs - drawn) > UNIT.threshold)
        each = chosen[:, often].mean(axis=0)
        note = f"{bootstrap(each, np.mean)}, one draw {chosen[:, often].mean(axis=1).std():.3f}"
        name = f"chosen after {runs} runs, of {often.sum()} that fail more than 5 %"
        bench.show(name, float(each.mean()), note, least=least - 0.005)  # the reference has two digits, of one draw
        bench.share("  of the chosen, fail more than 1 %", (chosen & (rate > 0.01)).sum(), chosen.sum(), least=0.99)
        _, low, high = shown_rate(drawn, runs)
        held = (low <= rate) & (rate <= high)
        bench.share("  shown 90 % intervals of mixed tests that hold", (held & mixed).sum(), mixed.sum(), least=0.84)
    return True


# --- simulated nights --------------------------------------------------------------------------------------------


@dataclass
class World:
    """Tests with known truth: how often each fails on good code, and from which night on it is broken or mended."""

    rate: np.ndarray
    broken_from: np.ndarray
    mended_from: np.ndarray

    def failure_rate(self, night: int) -> np.ndarray:
        """Of each test in a night."""
        rate = np.where(night >= self.mended_from, 0.0, self.rate)
        return np.where(night >= self.broken_from, 1.0, rate)


def world(rng: np.random.Generator, tests: int, nights: int) -> World:
    """Nine in ten are healthy, one in twenty flaky (0.5 to 50 %), a few of those mended; one in fifty breaks."""
    kind = rng.permutation(tests)
    rate = np.zeros(tests)
    flaky = kind < tests // 20
    rate[flaky] = np.exp(rng.uniform(np.log(0.005), np.log(0.5), flaky.sum()))
    never = np.full(tests, 10**6)
    breaks = (kind >= tests // 20) & (kind < tests // 20 + tests // 50)
    mended = flaky & (rng.random(tests) < 0.3)
    return World(
        rate,
        np.where(breaks, rng.integers(nights // 4, nights, tests), never),
        np.where(mended, rng.integers(nights // 3, nights // 2, tests), never),
    )


def night_of(rng: np.random.Generator, truth: World, night: int, state: int, probed: np.ndarray) -> pd.DataFrame:
    """One night: every test once, what failed three times more, suspects nine times in probes."""
    tests = np.arange(len(truth.rate))
    rate = truth.failure_rate(night)
    main = rng.random(len(tests)) < rate
    again, probes = np.repeat(tests[main], 3), np.repeat(probed, 9)
    test = np.concatenate([tests, again, probes])
    failed = np.concatenate([main, rng.random(len(again)) < rate[again], rng.random(len(probes)) < rate[probes]])
    kind = np.concatenate([np.zeros(len(tests)), np.ones(len(again)), np.full(len(probes), 2)]).astype(int)
    frame = frame_of(test, np.full(len(test), night), failed, np.full(len(test), state), len(tests))
    return frame.assign(probe=pd.Categorical.from_codes(kind, categories=["", "confirm-head", "same"]))


def joined(nights: list[pd.DataFrame]) -> pd.DataFrame:
    """One frame of many."""
    frame = pd.concat(nights, ignore_index=True)
    for name in ("cycle", "state", "fingerprint", "probe"):
        frame[name] = pd.Categorical(frame[name], categories=sorted(set(frame[name].dropna())), ordered=name == "cycle")
    return frame


def quarantine(bench: Bench, _: Path) -> bool:
    """Quarantine and release over ninety nights, every second on new code; own precision and recall."""
    rng = np.random.default_rng(2)
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


def judgement(bench: Bench, _: Path) -> bool:
    """Triage of nights with known truth, after the probes that were planned: new breaks among flaky tests."""
    rng = np.random.default_rng(3)
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


def run_of(rng: np.random.Generator, probe: Probe, truth: World, night: int) -> pd.DataFrame:
    """What a probe brings, at head or at a base of five nights ago."""
    test = np.repeat([int(name[1:]) for name in probe.tests], probe.runs)
    rate = truth.failure_rate(night if probe.kind is ProbeKind.CONFIRM_HEAD else night - 5)[test]
    failed = rng.random(len(test)) < rate
    frame = frame_of(test, np.full(len(test), night), failed, np.full(len(test), night), len(truth.rate))
    return frame.assign(probe=pd.Categorical([str(probe.kind)] * len(test)))


# --- 4.5: performance --------------------------------------------------------------------------------------------


def slowdowns(bench: Bench, folder: Path) -> bool:
    """Alarms on untouched series, and on series with a step, with confirmation simulated as the reference says."""
    found = table(folder, "retrofit_history.csv.gz")
    if found is None:
        return False
    good = found[(found["duration_s"] > 0) & (found["verdict"] == 0)]
    suite = good.groupby("build")["duration_s"].median()
    series = []
    for _, rows in good.sort_values("build").groupby("test"):
        values = rows["duration_s"].to_numpy()
        if len(values) >= 60 and np.median(values) >= 0.25:
            series.append((values, np.maximum(0.1, 0.05 * suite[rows["build"]].to_numpy())))
    rng = np.random.default_rng(4)
    false = np.array([alarms_of(values, floors, rng) for values, floors in series])
    rate = false[:, 0].sum() / false[:, 1].sum() * 1000
    note = f"of {false[:, 1].sum()} {bootstrap(false, lambda rows: rows[:, 0].sum() / rows[:, 1].sum() * 1000)}"
    bench.show(f"alarms per 1,000 checks, {len(series)} untouched series", rate, note, most=3.5)
    for step, ahead, least in ((2.0, True, 0.75), (2.0, False, -np.inf), (1.5, True, -np.inf)):
        hits = np.array([hits_of(values, floors, step, rng, ahead=ahead) for values, floors in series])
        name = f"steps of x{step:g} alarmed within 3 checks" + ("" if ahead else ", by the screen alone")
        bench.show(name, hits.mean(), bootstrap(hits.mean(axis=1), np.mean), least=least)
    return True


def confirmed(before: np.ndarray, step: float, rng: np.random.Generator) -> bool:
    """Head and base run five times each: drawn from the twenty runs before, head times the step."""
    base, head = rng.choice(before, 5), rng.choice(before, 5) * step
    return alarming([shift(base, head)])[0]


def alarms_of(values: np.ndarray, floors: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Alarms and checks of an untouched series."""
    history = np.lib.stride_tricks.sliding_window_view(values[:-1], 20).T
    looks, _ = screen(values[20:], history, floors[20:])
    for at in range(len(looks) - 4):
        looks[at] |= short_rise(values[at : at + 25], floors[at + 20]) is not None
    return sum(confirmed(history[:, at], 1.0, rng) for at in np.flatnonzero(looks)), len(looks)


def hits_of(
    values: np.ndarray, floors: np.ndarray, step: float, rng: np.random.Generator, *, ahead: bool
) -> np.ndarray:
    """Whether a step at each of twenty places is alarmed at once, or at one of the next two checks.

    With `ahead` the series counts as well, whose windows end four runs later.
    """
    places = rng.integers(20, len(values) - 6, 20)
    hits = np.zeros(len(places), dtype=bool)
    for turn, place in enumerate(places):
        stepped = np.concatenate([values[:place], step * values[place:]])
        for at in range(place, place + 3):
            looks, _ = screen(stepped[at : at + 1], stepped[at - 20 : at, None], floors[at : at + 1])
            risen = ahead and short_rise(stepped[at - 20 : at + 5], floors[at]) is not None
            hits[turn] |= (looks[0] or risen) and confirmed(values[place - 20 : place], step, rng)
    return hits


def levels(bench: Bench, _: Path) -> bool:
    """Changes of level in made-up series of 120 runs with 10 % noise."""
    rng = np.random.default_rng(5)
    flat = sum(len(changes(np.exp(rng.normal(0, 0.1, 120)))) for _turn in range(100))
    bench.show("changes found in 100 series without one", flat, most=2)
    for step, least in ((1.3, -np.inf), (1.5, 0.9)):
        alone = 0
        for _turn in range(100):
            found = changes(np.exp(rng.normal(0, 0.1, 120)) * np.repeat([1.0, step], 60))
            alone += len(found) == 1 and abs(found[0].at - 60) <= 5
        bench.share(f"steps of x{step:g} found within 5 runs, and nothing else", alone, 100, least=least)
    return True


# --- 4.6: fingerprints -------------------------------------------------------------------------------------------

HEAD = re.compile(r"^not ok \d+ (?P<test>\S+)")
RAISED = re.compile(r"^\s*(?P<kind>(?:\w+\.)*\w*(?:Error|Exception)\b[^:\n]{0,40}|timeout$)", re.MULTILINE)
PLACE = re.compile(r"^\s+at (?:(?P<function>[^\n(]{1,80}) \()?(?P<file>[^\s()]*?/?test/[^\s():]+)", re.MULTILINE)


def sighting(text: str, subject: str) -> Sighting:
    """A failure of Node.js as the product would keep it: its exception, what was printed, frames in test/ only."""
    kind = RAISED.search(text)
    frames = tuple(
        f"{place['file'].rpartition('test/')[2]}:{place['function'] or ''}" for place in PLACE.finditer(text)
    )
    return Sighting(kind["kind"].strip() if kind else "failed", text, frames[::-1], subject)


def grouping(bench: Bench, folder: Path) -> bool:
    """Clusters for each failing test of Node.js by masks, by exact keys, by near groups; new keys a day."""
    found = table(folder, "nodejs_failures.csv.gz")
    if found is None:
        return False
    found = found[found["kind"] == "JS_TEST_FAILURE"]
    sightings = [sighting(text, subject) for text, subject in zip(found["text"], found["subject"], strict=True)]
    ways = {
        "text as it is": found["text"],
        "masks": found["text"].map(mask),
        "exact key": pd.Series([each.key for each in sightings], index=found.index),
        "near groups": pd.Series(near_groups(sightings), index=found.index),
    }
    tests = found["subject"].nunique()
    for name, keys in ways.items():
        first = found.assign(key=keys).drop_duplicates(["subject", "key"])
        mixed = int((first.groupby("key")["subject"].size() > 1).sum())
        clusters = first.groupby("subject").size().to_numpy()
        gated = name != "text as it is"
        note = f"of {tests} tests {bootstrap(clusters, np.mean)}"
        bench.show(f"clusters per test, {name}", keys.nunique() / tests, note, most=1.55 if gated else np.inf)
        bench.show("  clusters that mix tests", mixed, most=2 if gated else np.inf)
    days = found.assign(key=ways["near groups"]).groupby("date")["key"].agg(set)
    fresh = [len(keys - set().union(*days[:at])) for at, keys in enumerate(days)]
    bench.show("new keys a day, median after the first", float(np.median(fresh[1:])), f"most {max(fresh[1:])}")
    opened = issues_of([sorted(keys) for keys in days])
    bench.show(f"new issues on any of {len(days)} days", max(opened), f"{sum(opened)} in all", most=3)
    return True


def issues_of(days: list[list[str]]) -> list[int]:
    """How many issues the product opens each day, if so many keys fail then."""
    opened = []
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/store.db") as store:
        system = System.model_validate({"name": "replay", "folder": folder})
        for number, keys in enumerate(days):
            at = FIRST + timedelta(days=number)
            findings = tuple(
                Finding(kind=FindingKind.NEW_FAILURE, fingerprint=key, title=key, scope="suite/unit") for key in keys
            )
            facts = CycleFacts(
                cycle_id=f"{at:%Y%m%d-%H%M%S}",
                target="replay",
                at=at,
                verdict=CycleVerdict.RED,
                findings=findings,
                failed=len(keys),
                judged=5_000,
                verified=frozenset({"suite/unit"}),
            )
            with store.outbox.desk() as desk:
                announce(desk, facts, system, Redactor(()), tracker="replay")
                opened.append(sum(link.opened_at == at for link in desk.links("replay")))
    return opened


def stormy(bench: Bench, _: Path) -> bool:
    """Five hundred failures at once: one storm, whatever they fail of, and one issue."""
    for alike in (True, False):
        tests = np.arange(600)
        failed = np.concatenate([np.zeros(600, dtype=bool), tests < 500])
        frame = frame_of(np.tile(tests, 2), np.repeat([0, 1], 600), failed, np.repeat([0, 1], 600), 600)
        if alike:
            frame["fingerprint"] = pd.Categorical(np.where(failed, "k", None))
        verdicts = triage(frame, "n00001", now=FIRST)
        name = "one fingerprint" if alike else "500 fingerprints"
        bench.show(f"storms in 500 of 600 failures with {name}", len(storms(frame)), least=1, most=1)
        bench.show("  verdicts that are not infrastructure", sum(v.kind != "infrastructure" for v in verdicts), most=0)
        bench.show("  sentences", len({v.sentence for v in verdicts}), most=1)
    bench.show(
        "issues of 500 new keys at once", issues_of([[f"k{number}" for number in range(500)]])[0], least=1, most=1
    )
    return True


# --- how fast ----------------------------------------------------------------------------------------------------


def speed(_: Bench, __: Path) -> bool:
    """All analysis of 10,000 tests in 60 nights, in a process of its own."""
    ended = subprocess.run([sys.executable, __file__, "--speed-here"], check=False)
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


PARTS: dict[str, Callable[[Bench, Path], bool]] = {
    each.__name__: each for each in (reruns, counts, quarantine, judgement, slowdowns, levels, grouping, stormy, speed)
}
"""What `--only` names."""

if __name__ == "__main__":
    sys.exit(main())

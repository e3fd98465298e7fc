"""Outcome frames from arrays, and made-up nights whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from recloser.values import CodeState, Cycle, CycleVerdict, Environment, Probe, ProbeKind

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


def run_of(rng: np.random.Generator, probe: Probe, truth: World, night: int) -> pd.DataFrame:
    """What a probe brings, at head or at a base of five nights ago."""
    test = np.repeat([int(name[1:]) for name in probe.tests], probe.runs)
    rate = truth.failure_rate(night if probe.kind is ProbeKind.CONFIRM_HEAD else night - 5)[test]
    failed = rng.random(len(test)) < rate
    frame = frame_of(test, np.full(len(test), night), failed, np.full(len(test), night), len(truth.rate))
    return frame.assign(probe=pd.Categorical([str(probe.kind)] * len(test)))

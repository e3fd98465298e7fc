"""Which tests take more than they did: a screen over all, then head against base in turns.

Section 2.4 of the reference (test-intelligence). Nothing is told of that was not run again, and nothing of single tests
where so many shift together that it is the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recloser.analytics.outcomes import KEYS
from recloser.analytics.screening import DURATION, Measure, Samples, samples_of, screen
from recloser.analytics.series import NEW, OLD, Change, latest_rise
from recloser.analytics.timing import Shift, alarming, shift
from recloser.values import Probe, ProbeKind, Slowdown, Slowness

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from recloser.analytics.cases import Test

    Floats = NDArray[np.float64]

TOGETHER = 0.3
"""Share of tests that shift in one night where it is the machine."""
LEAST_TESTS = 10
"""Measured tests that this takes."""
LONGEST_SERIES = 120
"""Runs of a test that are looked through for a change of level."""
RUNS_OF_FEW = 5
"""Times a candidate is run at head and at the base; with these, the smallest possible p is 1 in 252."""
FEW = 2
"""Candidates that this suffices for: of three, no real slowdown could pass."""
RUNS_OF_MANY = 8


def find_slower(
    outcomes: pd.DataFrame,
    cycle: str,
    *,
    measure: Measure = DURATION,
    good: Collection[str] | None = None,
    besides: Collection[Test] = (),
) -> Slowness:
    """Find the tests that became slower, or larger, in a cycle.

    Call it once after the suites: its candidates are what to time again, at head and at the base in turns (`time-head`,
    `time-base`). Call it again with these outcomes in the frame: what they confirm is slower.

    Args:
        outcomes: An outcome frame without storms (`calm`), with the column that is measured.
        cycle: The cycle.
        measure: What is compared.
        good: Ids of the cycles to compare with; None for all earlier ones.
        besides: Suite and test of what is quarantined: it is not compared.

    Returns:
        What is slower, what only looked so, and whether it is the machine.
    """
    samples = samples_of(outcomes, cycle, measure, good, besides)
    looks, shifted = screen(samples.now, samples.history, samples.floors)
    measured, together = samples.measured, int(shifted.sum())
    candidates = [_candidate(samples, at, measure) for at in np.flatnonzero(looks).tolist()]
    if together > TOGETHER * measured and measured >= LEAST_TESTS:
        return Slowness(candidates=tuple(candidates), measured=measured, shifted=together, machine_wide=True)
    timed = _confirmed(candidates, outcomes[outcomes["cycle"] == cycle], measure)
    return Slowness(
        slower=tuple(each for each in timed if each.confirmed),
        candidates=tuple(each for each in timed if not each.confirmed),
        measured=measured,
        shifted=together,
    )


def find_rises(
    outcomes: pd.DataFrame,
    cycle: str,
    *,
    measure: Measure = DURATION,
    good: Collection[str] | None = None,
    besides: Collection[Test] = (),
) -> tuple[Slowdown, ...]:
    """Find the tests whose level rose within the last nights, though no single night stood out.

    Arguments are those of `find_slower`. A rise is found again each night until it is older than the detectors look
    back; `since` says which one it is.
    """
    samples = samples_of(outcomes, cycle, measure, good, besides, most=LONGEST_SERIES)
    runs = np.vstack([samples.history, samples.now])
    cycles = [*samples.cycles, cycle]
    rises = []
    for at in np.flatnonzero(_may_have_risen(runs, samples.floors)).tolist():
        here = np.flatnonzero(np.isfinite(runs[:, at]))
        rise = latest_rise(runs[here, at])
        if rise:
            rises.append(_risen(samples.names[at], cycles[here[rise.at]], runs[here, at], rise, measure))
    return tuple(rises)


def _may_have_risen(runs: Floats, floors: Floats) -> NDArray[np.bool_]:
    """A look at all tests at once: what does not hold here cannot hold for a rise."""
    enough = np.isfinite(runs).sum(axis=0) >= NEW + OLD
    late, early = np.zeros(runs.shape[1]), np.zeros(runs.shape[1])
    newest = np.cumsum(np.isfinite(runs)[::-1], axis=0)[::-1] <= NEW
    late[enough] = np.nanmedian(np.where(newest, runs, np.nan)[:, enough], axis=0)
    early[enough] = np.nanmin(runs[:, enough], axis=0)
    may: NDArray[np.bool_] = enough & (late - early > floors)
    return may


def _risen(name: Test, since: str, values: Floats, rise: Change, measure: Measure) -> Slowdown:
    before, now = float(np.median(values[: rise.at])), float(np.median(values[rise.at :]))
    suite, test = name
    return Slowdown(
        suite=suite,
        test_id=test,
        measure=measure.name,
        unit=measure.unit,
        before=before,
        now=now,
        ratio=rise.ratio,
        since=since,
        sentence=f"Takes {rise.ratio:.1f} times as much since {since} (t = {rise.t:.1f}); "
        f"{_shown(now, measure)} after {_shown(before, measure)}.",
    )


def plan_timing(slowness: Slowness) -> tuple[Probe, ...]:
    """What to time again: the candidates of each suite at head and at the base, in turns."""
    waiting = [each for each in slowness.candidates if each.confirmed is None and not slowness.machine_wide]
    runs = RUNS_OF_FEW if len(waiting) <= FEW else RUNS_OF_MANY
    suites = dict.fromkeys(each.suite for each in waiting)
    return tuple(
        Probe(
            kind=kind,
            suite=suite,
            tests=tuple(each.test_id for each in waiting if each.suite == suite),
            runs=runs,
            expected_s=runs * sum(each.now if each.unit == "s" else 0.0 for each in waiting if each.suite == suite),
            reason="looks slower",
        )
        for suite in suites
        for kind in (ProbeKind.TIME_HEAD, ProbeKind.TIME_BASE)
    )


def overlap(one: Collection[Test], other: Collection[Test]) -> float | None:
    """How much of two nights' alarms is the same (Jaccard); low for weeks, they are noise. None where none alarmed."""
    together = set(one) | set(other)
    return len(set(one) & set(other)) / len(together) if together else None


def _candidate(samples: Samples, at: int, measure: Measure) -> Slowdown:
    suite, test = samples.names[at]
    before, now = float(np.nanmedian(samples.history[:, at])), float(samples.now[at])
    took = f"{_shown(now, measure)} after {_shown(before, measure)}"
    return Slowdown(
        suite=suite,
        test_id=test,
        measure=measure.name,
        unit=measure.unit,
        before=before,
        now=now,
        ratio=now / before,
        sentence=f"Looks {now / before:.1f} times as much ({took}); not run again.",
    )


def _confirmed(candidates: Sequence[Slowdown], tonight: pd.DataFrame, measure: Measure) -> list[Slowdown]:
    """The candidates with what head and base took when they were run again in turns."""
    passed = tonight[tonight["judged"] & ~tonight["failed"]]
    head, base = (_taken(passed[passed["probe"] == f"time-{side}"], measure) for side in ("head", "base"))
    names = [(each.suite, each.test_id) for each in candidates]
    timed = {name: shift(base[name], head[name]) for name in names if name in head and name in base}
    slower = dict(zip(timed, alarming(list(timed.values())), strict=True))
    return [
        _told(each, timed[name], measure, runs=len(head[name]), confirmed=slower[name]) if name in timed else each
        for name, each in zip(names, candidates, strict=True)
    ]


def _taken(outcomes: pd.DataFrame, measure: Measure) -> dict[Test, list[float]]:
    positive = outcomes[outcomes[measure.column] > 0]
    grouped = positive.groupby(KEYS, observed=True)[measure.column]
    return {(str(suite), str(test)): values.tolist() for (suite, test), values in grouped}


def _told(candidate: Slowdown, found: Shift, measure: Measure, *, runs: int, confirmed: bool) -> Slowdown:
    high = f"{found.high:.1f}" if np.isfinite(found.high) else "?"
    interval = (
        f"{found.ratio:.1f} times as much (90 % CI {found.low:.1f} to {high}), {found.above} of {runs} runs above"
    )
    took = f"{_shown(candidate.now, measure)} after {_shown(candidate.before, measure)}"
    sentence = f"Takes {interval}; {took}." if confirmed else f"Looked {candidate.ratio:.1f} times; is {interval}."
    return candidate.model_copy(
        update={
            "ratio": found.ratio,
            "low": found.low,
            "high": found.high if np.isfinite(found.high) else None,
            "confirmed": confirmed,
            "sentence": sentence,
        }
    )


def _shown(value: float, measure: Measure) -> str:
    return f"{value:.3g} {measure.unit}"

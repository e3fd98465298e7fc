"""Which tests take more than they did: a screen over all, then head against base in turns.

Section 2.4 of the reference (test-intelligence). Nothing is told of that was not run again, and nothing of single tests
where so many shift together that it is the machine.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from recloser.analytics.outcomes import KEYS, measured
from recloser.analytics.rises import Rise, rises
from recloser.analytics.screening import DURATION, HISTORY, Measure, Samples, newest, samples_of, screen
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
    """Find the tests that became slower, or larger: at once in this cycle, or within the last ones.

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
    risen = rises(samples, cycle)
    columns = sorted({*np.flatnonzero(looks).tolist(), *risen})
    candidates = [_candidate(samples, at, measure, risen.get(at)) for at in columns]
    if together > TOGETHER * measured and measured >= LEAST_TESTS:
        return Slowness(candidates=tuple(candidates), measured=measured, shifted=together, machine_wide=True)
    timed = _confirmed(candidates, outcomes[outcomes["cycle"] == cycle], measure)
    return Slowness(
        slower=tuple(each for each in timed if each.confirmed),
        candidates=tuple(each for each in timed if not each.confirmed),
        measured=measured,
        shifted=together,
    )


def plan_timing(slowness: Slowness) -> tuple[Probe, ...]:
    """What to time again: the candidates of each suite at head and at the base, in turns."""
    waiting = [each for each in slowness.candidates if each.confirmed is None and not slowness.machine_wide]
    runs = RUNS_OF_FEW if len(waiting) <= FEW else RUNS_OF_MANY
    together: dict[tuple[str, str], list[Slowdown]] = defaultdict(list)
    for each in waiting:
        together[each.suite, each.base].append(each)
    return tuple(
        Probe(
            kind=kind,
            suite=suite,
            base=base,
            tests=tuple(each.test_id for each in candidates),
            runs=runs,
            expected_s=runs * sum(each.now for each in candidates if each.unit == DURATION.unit),
            reason="looks slower",
        )
        for (suite, base), candidates in together.items()
        for kind in (ProbeKind.TIME_HEAD, ProbeKind.TIME_BASE)
    )


def overlap(one: Collection[Test], other: Collection[Test]) -> float | None:
    """How much of two nights' alarms is the same (Jaccard); low for weeks, they are noise. None where none alarmed."""
    together = set(one) | set(other)
    return len(set(one) & set(other)) / len(together) if together else None


def _candidate(samples: Samples, at: int, measure: Measure, rise: Rise | None) -> Slowdown:
    suite, test = samples.names[at]
    rise = rise or Rise("", "", float(np.nanmedian(newest(samples.history, HISTORY)[:, at])), float(samples.now[at]))
    before, now, since, base = rise.before, rise.now, rise.since, rise.base
    when = f" since {since}" if since else ""
    took = f"{_shown(now, measure)} after {_shown(before, measure)}"
    return Slowdown(
        suite=suite,
        test_id=test,
        measure=measure.name,
        unit=measure.unit,
        before=before,
        now=now,
        ratio=now / before,
        since=since,
        base=base,
        sentence=f"Looks {now / before:.1f} times as much{when} ({took}); not run again.",
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
    taken = outcomes.assign(**{measure.column: measured(outcomes, measure.column)})
    grouped = taken[taken[measure.column] > 0].groupby(KEYS, observed=True)[measure.column]
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

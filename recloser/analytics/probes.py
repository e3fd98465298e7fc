"""Which runs would tell most about a night's failures, suspects and new tests, within the time there is."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from recloser.analytics.cases import CONVINCING, Case, Test
from recloser.analytics.evidence import assess
from recloser.analytics.flakes import runs_to_confirm
from recloser.analytics.outcomes import KEYS, measured
from recloser.analytics.rules import judge
from recloser.analytics.storms import calm
from recloser.analytics.triage import Examined, examine
from recloser.values import FailureKind, Probe, ProbeKind, ProbePlan

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from recloser.values import Cycle, Outage, Storm

CONFIRMATIONS = 3
"""Runs at head and at base for a failure of which nothing else is known."""
MOST_CONFIRMATIONS = 13
"""Runs at head for one that is known as flaky; beyond that, its failure can hardly be told from flakiness."""
OF_A_STORM = 5
"""Tests of a storm that are run again, to see whether it is over and whether the base has it too."""
ORDER_PROBES = ((ProbeKind.ISOLATED, 2), (ProbeKind.SHUFFLED, 3), (ProbeKind.SAME, 3), (ProbeKind.REVERSED, 1))
"""How often suspects and new tests are run in each way, the most telling first."""
BURN_IN = ((5.0, 10), (10.0, 5), (30.0, 3), (300.0, 2), (np.inf, 1))
"""Seconds a new test takes at most, and how often it is run then."""
MOST_NEW = 0.3
"""Share of a suite that may be new; beyond it, something else than new tests has happened."""
CONFIRMING = {ProbeKind.CONFIRM_HEAD, ProbeKind.CONFIRM_BASE}
"""Probes that go on until a failure is judged; the others, and those of a storm, are run once a cycle."""
WHOLE_SUITE = {ProbeKind.SAME, ProbeKind.SHUFFLED, ProbeKind.REVERSED}
"""Probes that run a suite as a whole."""


def plan_probes(
    outcomes: pd.DataFrame,
    cycle: str,
    *,
    budget_s: float,
    now: datetime,
    good: Cycle | None = None,
    outages: Sequence[Outage] = (),
    start_s: float = 1.0,
) -> ProbePlan:
    """Choose what to run after the suites of a cycle.

    Failures that are not judged yet come first, at head and then at the base; then new tests, several times in a row;
    then suspects and new tests, alone and in other orders. What is known to be broken is not run again. Asked again
    with what these runs brought, it adds what is still needed: more runs of a test that failed at the base as well.

    Args:
        outcomes: An outcome frame: earlier cycles and this one, with what was probed in it already.
        cycle: The cycle.
        budget_s: Time there is, one process at a time.
        now: From when the age of evidence is counted, UTC.
        good: The last good cycle, whose code is the base; without one there are no runs at the base.
        outages: As for `triage`.
        start_s: What it takes to start a process, added to each run of each probe.

    Returns:
        The runs that fit, in order, and those that do not. A probe of many tests is cut to those that fit, the quickest
        first; one of a whole suite fits or does not.
    """
    examined = examine(outcomes, cycle, now=now, good=good, outages=outages)
    judged = examined.outcomes[examined.outcomes["judged"]]
    tonight = judged["cycle"] == cycle
    costs = _costs(judged[judged["probe"] == ""])
    new = _new(_names(judged[tonight & (judged["probe"] == "")]), _names(judged[~tonight]))
    suspects = _suspects(judged, examined.storms, outages, now)
    done = set(judged.loc[tonight, ["suite", "probe"]].itertuples(index=False, name=None))
    wishes = [*_confirmations(examined), *_burn_in(new, costs), *_order_probes(new | suspects)]
    goes_on = [wish.kind in CONFIRMING and wish.test not in examined.stormy for wish in wishes]
    wanted = [
        wish for wish, more in zip(wishes, goes_on, strict=True) if more or (wish.test[0], str(wish.kind)) not in done
    ]
    return _within(budget_s, _merged(wanted), costs, start_s)


class _Wish(NamedTuple):
    """That a test be run again in some way."""

    kind: ProbeKind
    test: Test
    runs: int
    reason: str


def _confirmations(examined: Examined) -> Iterator[_Wish]:
    """Runs at head and at base for what is not judged yet, and for a few tests of each storm."""
    at_head: dict[Test, int] = dict.fromkeys(list(examined.stormy)[:OF_A_STORM], CONFIRMATIONS)
    at_base = dict.fromkeys(at_head, CONFIRMATIONS)
    for case in examined.cases:
        if not case.head.passes and judge(case).kind is not FailureKind.ALREADY_BROKEN:
            at_head[case.suite, case.test_id] = max(0, _needed(case) - case.head.runs)
            if case.good and case.known and not case.at_base.runs:
                at_base[case.suite, case.test_id] = CONFIRMATIONS
    for test, runs in at_head.items():
        if runs:
            yield _Wish(ProbeKind.CONFIRM_HEAD, test, runs, "failed, and is not judged yet")
    for test, runs in at_base.items():
        yield _Wish(ProbeKind.CONFIRM_BASE, test, runs, "failed, and ran before this cycle")


def _needed(case: Case) -> int:
    """Failures in a row at head that would settle what it is."""
    if case.doubtful:
        return min(runs_to_confirm(case.flaky_at_most, CONVINCING), 1 + MOST_CONFIRMATIONS)
    return 1 + CONFIRMATIONS


def _burn_in(new: Collection[Test], costs: Mapping[Test, float]) -> Iterator[_Wish]:
    for test in sorted(new):
        runs = next(runs for most_s, runs in BURN_IN if costs.get(test, 0.0) <= most_s)
        yield _Wish(ProbeKind.BURN_IN, test, runs, "is new")


def _order_probes(tests: Collection[Test]) -> Iterator[_Wish]:
    for kind, runs in ORDER_PROBES:
        for test in sorted(tests):
            yield _Wish(kind, test, runs, "is new, or passes and fails on the same code")


def _names(outcomes: pd.DataFrame) -> set[Test]:
    pairs = outcomes[KEYS].drop_duplicates()
    return {(str(suite), str(test)) for suite, test in pairs.itertuples(index=False, name=None)}


def _new(here: Collection[Test], known: Collection[Test]) -> set[Test]:
    """The tests that no earlier cycle had, but for suites in which too much looks new."""
    new = set(here).difference(known)
    total, fresh = Counter(suite for suite, _ in here), Counter(suite for suite, _ in new)
    return {(suite, test) for suite, test in new if fresh[suite] <= MOST_NEW * total[suite]}


def _suspects(judged: pd.DataFrame, found: Sequence[Storm], outages: Sequence[Outage], now: datetime) -> set[Test]:
    """The tests that were seen to pass and to fail on the same code, and are not broken since."""
    known = assess(calm(judged, found, outages), now=now)
    return _names(known[known["suspect"] & ~known["broken"]])


def _costs(judged: pd.DataFrame) -> dict[Test, float]:
    """Seconds that each test is expected to take: the median of its passes, or of its failures if it never passed."""
    judged = judged.assign(duration_s=measured(judged)).dropna(subset="duration_s")
    passed = judged[~judged["failed"]].groupby(KEYS, observed=True)["duration_s"].median()
    failed = judged[judged["failed"]].groupby(KEYS, observed=True)["duration_s"].median()
    expected = pd.concat([passed, failed])
    expected = expected[~expected.index.duplicated()]
    return {(str(suite), str(test)): float(seconds) for (suite, test), seconds in expected.items()}


def _merged(wishes: Iterable[_Wish]) -> Iterator[tuple[_Wish, list[Test]]]:
    """Wishes of one suite that can be run together."""
    together: dict[tuple[ProbeKind, str, int], tuple[_Wish, list[Test]]] = {}
    for wish in wishes:
        _, tests = together.setdefault((wish.kind, wish.test[0], wish.runs), (wish, []))
        tests.append(wish.test)
    yield from together.values()


def _within(
    budget_s: float, wanted: Iterable[tuple[_Wish, list[Test]]], costs: Mapping[Test, float], start_s: float
) -> ProbePlan:
    """Walk through what is wanted, and pass over what does not fit any more."""
    suites: dict[str, float] = defaultdict(float)
    for (suite, _), seconds in costs.items():
        suites[suite] += seconds
    chosen: list[Probe] = []
    left_out: list[Probe] = []
    for wish, tests in wanted:
        left_s = budget_s - sum(probe.expected_s for probe in chosen)
        if wish.kind in WHOLE_SUITE:
            probe = _probe(wish, tests, suites[wish.test[0]] + start_s)
            (chosen if probe.expected_s <= left_s else left_out).append(probe)
            continue
        each_s = start_s if wish.kind is ProbeKind.ISOLATED else 0.0
        quickest = sorted(tests, key=lambda test: (costs.get(test, 0.0), test))
        took_s = np.cumsum([costs.get(test, 0.0) + each_s for test in quickest]) + start_s
        fitting = int(np.searchsorted(took_s * wish.runs, left_s, side="right"))
        if fitting:
            chosen.append(_probe(wish, quickest[:fitting], float(took_s[fitting - 1])))
        if fitting < len(quickest):
            rest_s = float(took_s[-1] - (took_s[fitting - 1] - start_s if fitting else 0.0))
            left_out.append(_probe(wish, quickest[fitting:], rest_s))
    return ProbePlan(probes=tuple(chosen), left_out=tuple(left_out))


def _probe(wish: _Wish, tests: Iterable[Test], once_s: float) -> Probe:
    return Probe(
        kind=wish.kind,
        suite=wish.test[0],
        tests=tuple(name for _, name in tests),
        runs=wish.runs,
        expected_s=once_s * wish.runs,
        reason=wish.reason,
    )

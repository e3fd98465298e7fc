"""What each failure of a cycle is: new, flaky, already broken, infrastructure, or not judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recloser.analytics.cases import Case, Test, collect, failed_tests, tallies
from recloser.analytics.outcomes import AT_BASE, KEYS, codes
from recloser.analytics.rules import judge
from recloser.analytics.storms import in_scope, storms
from recloser.values import FailureKind, Tally, TestVerdict

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    import pandas as pd

    from recloser.values import Cycle, Outage, Storm


def triage(
    outcomes: pd.DataFrame,
    cycle: str,
    *,
    now: datetime,
    good: Cycle | None = None,
    outages: Sequence[Outage] = (),
    quarantined: Collection[Test] = (),
) -> tuple[TestVerdict, ...]:
    """Judge every failure of a cycle.

    Args:
        outcomes: An outcome frame: earlier cycles, and this one with its reruns, confirmations and probes.
        cycle: The cycle.
        now: From when the age of evidence is counted, UTC.
        good: The last good cycle: its code is the base of `confirm-base` runs.
        outages: Stretches of time in this cycle in which something other than the code was at fault.
        quarantined: Suite and test of what is in declared quarantine.

    Returns:
        One verdict for each test that failed at least once on the cycle's code, by kind, suite and test.
    """
    examined = examine(outcomes, cycle, now=now, good=good, outages=outages)
    verdicts = [*examined.stormy.values(), *map(judge, examined.cases)]
    kinds = list(FailureKind)
    return tuple(
        verdict.model_copy(update={"quarantined": (verdict.suite, verdict.test_id) in quarantined})
        for verdict in sorted(verdicts, key=lambda each: (kinds.index(each.kind), each.suite, each.test_id))
    )


@dataclass(frozen=True, slots=True)
class Examined:
    """A cycle's failures, before they are judged."""

    outcomes: pd.DataFrame
    """Up to this cycle: what came later is left out."""
    storms: tuple[Storm, ...]
    """Of this cycle and of earlier ones."""
    stormy: dict[Test, TestVerdict]
    """What failed as part of a storm."""
    cases: tuple[Case, ...]
    """What failed besides."""


def examine(
    outcomes: pd.DataFrame, cycle: str, *, now: datetime, good: Cycle | None = None, outages: Sequence[Outage] = ()
) -> Examined:
    """Gather what is known of a cycle's failures; arguments as of `triage`."""
    outcomes = outcomes[outcomes["run"] <= outcomes.loc[outcomes["cycle"] == cycle, "run"].max()]
    found = storms(outcomes)
    stormy = _in_storms(outcomes, [storm for storm in found if storm.cycle == cycle])
    failed = _of_failed(outcomes, cycle, stormy)
    cases = collect(failed, cycle, found=found, good=good, outages=outages, now=now)
    return Examined(outcomes, found, stormy, tuple(cases))


def _in_storms(outcomes: pd.DataFrame, struck: Sequence[Storm]) -> dict[Test, TestVerdict]:
    """A verdict for each test that failed as part of a storm; the first storm it is part of counts."""
    verdicts: dict[Test, TestVerdict] = {}
    for storm in reversed(struck):
        run = outcomes[in_scope(outcomes, storm) & outcomes["judged"]]
        base = run["probe"].isin(AT_BASE)
        heads, bases = tallies(run[~base]), tallies(run[base])
        sentence = _storm(storm, Tally(failures=int(run.loc[base, "failed"].sum()), runs=int(base.sum())))
        for test, fingerprint in failed_tests(run[~base]):
            if storm.fingerprint in {"", fingerprint}:
                verdicts[test] = TestVerdict(
                    suite=test[0],
                    test_id=test[1],
                    kind=FailureKind.INFRASTRUCTURE,
                    sentence=sentence,
                    fingerprint=fingerprint,
                    head=heads[test],
                    at_base=bases.get(test, Tally()),
                )
    return verdicts


def _of_failed(outcomes: pd.DataFrame, cycle: str, but: Collection[Test]) -> pd.DataFrame:
    """All outcomes of the tests that failed on a cycle's code, but for some."""
    numbers, tests = codes(outcomes, *KEYS)
    failed = outcomes["judged"] & outcomes["failed"] & (outcomes["cycle"] == cycle) & ~outcomes["probe"].isin(AT_BASE)
    wanted = [
        number
        for number in np.unique(numbers[failed]).tolist()
        if (str(tests["suite"][number]), str(tests["test"][number])) not in but
    ]
    return outcomes[np.isin(numbers, wanted)]


def _storm(storm: Storm, base: Tally) -> str:
    where = f"of suite {storm.suite}" if storm.suite else "of the cycle"
    alike = "with one fingerprint" if storm.fingerprint else "at once"
    at_base = f"; {base.passes} of {base.runs} of them passed at the base" if base.runs else ""
    return f"Part of a storm: {storm.failed} of {storm.judged} tests {where} failed {alike}{at_base}."

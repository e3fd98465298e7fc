"""What the nights propose: tests that belong into quarantine, tests that have earned their way out, and why."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from recloser.analytics.broken import change_points
from recloser.analytics.cases import order_dependence
from recloser.analytics.evidence import assess
from recloser.analytics.outcomes import AT_BASE, KEYS, codes, with_environment
from recloser.analytics.release import release_standings
from recloser.analytics.storms import calm, storms
from recloser.values import (
    FlakeStanding,
    QuarantineEntry,
    QuarantineEvidence,
    QuarantineRelease,
    ReleaseStanding,
    Tally,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    import pandas as pd

    from recloser.analytics.cases import Test
    from recloser.quarantine.register import Quarantine
    from recloser.target import QuarantineRules
    from recloser.values import OrderDependence, Outage


def proposals(
    outcomes: pd.DataFrame, quarantine: Quarantine, *, now: datetime, outages: Sequence[Outage] = ()
) -> tuple[QuarantineEntry, ...]:
    """Entries for all that is flaky enough by the reference's rule, and not in the file.

    A test of which an entry has expired is not proposed again: that is for its owner to say.

    Args:
        outcomes: An outcome frame of the last nights, this one with its reruns and probes included.
        quarantine: As the file is.
        now: From when the age of evidence is counted, and when an entry begins; UTC.
        outages: Stretches of time in which something other than the code was at fault.

    Returns:
        The flakiest first; an entry ends after `[quarantine] max_days`.
    """
    quiet = _of_failing(calm(outcomes, storms(outcomes), outages))
    known = assess(quiet, now=now)
    # What has been clean for long enough to leave is not brought back by its old failures.
    flaky = known[known["quarantine"] & ~known["release"]].sort_values("score", ascending=False)
    flaky = flaky.drop_duplicates(KEYS)
    orders = _orders(quiet, {(str(row.suite), str(row.test)) for row in flaky.itertuples(index=False)})
    return tuple(
        _entry(row, orders.get((str(row.suite), str(row.test))), quarantine.rules, now)
        for row in flaky.itertuples(index=False)
        if str(row.suite) in quarantine.suites and quarantine.entry(str(row.suite), str(row.test)) is None
    )


def releases(
    outcomes: pd.DataFrame, quarantine: Quarantine, *, outages: Sequence[Outage] = ()
) -> tuple[QuarantineRelease, ...]:
    """The entries whose tests have passed often enough since they last failed; expired ones as well.

    Args:
        outcomes: As for `proposals`.
        quarantine: As the file is.
        outages: As for `proposals`.
    """
    quiet = calm(outcomes, storms(outcomes), outages)
    ordered = {entry.key for entry in quarantine.entries if entry.evidence.order is not None}
    standings = release_standings(quiet, {entry.key for entry in quarantine.entries}, ordered=ordered)
    return tuple(
        QuarantineRelease(entry=entry, standing=standing)
        for entry in quarantine.entries
        if (standing := standings.get(entry.key)) is not None and standing.is_due
    )


def release_standing(
    outcomes: pd.DataFrame, quarantine: Quarantine, suite: str, test_id: str, *, outages: Sequence[Outage] = ()
) -> ReleaseStanding | None:
    """How far one test is on its way out, whether it is in the file or not; None where it did not run."""
    entry = quarantine.entry(suite, test_id)
    quiet = calm(outcomes, storms(outcomes), outages)
    ordered = {(suite, test_id)} if entry is not None and entry.evidence.order is not None else set()
    return release_standings(quiet, {(suite, test_id)}, ordered=ordered).get((suite, test_id))


def flake_standings(
    outcomes: pd.DataFrame, suite: str, test_id: str, *, now: datetime, outages: Sequence[Outage] = ()
) -> tuple[FlakeStanding, ...]:
    """What the nights say of one test in each environment, the flakiest first.

    Args:
        outcomes: As for `proposals`; without the whole suite in it, no storm can be told.
        suite: Its suite.
        test_id: The test.
        now: From when the age of evidence is counted, UTC.
        outages: As for `proposals`.
    """
    quiet = calm(outcomes, storms(outcomes), outages)
    mine = quiet[(quiet["suite"] == suite) & (quiet["test"] == test_id)]
    if mine.empty:
        return ()
    judged = with_environment(mine[mine["judged"] & ~mine["probe"].isin(AT_BASE)])
    states = {str(name): runs["state"].nunique() for name, runs in judged.groupby("environment", observed=True)}
    changes = {str(row.environment): row for row in change_points(mine).itertuples(index=False)}
    known = assess(mine, now=now).sort_values("score", ascending=False)
    return tuple(
        _flake_standing(row, states[str(row.environment)], changes.get(str(row.environment)))
        for row in known.itertuples(index=False)
    )


def evidence_of(outcomes: pd.DataFrame, suite: str, test_id: str, *, now: datetime) -> QuarantineEvidence:
    """What an entry for one test is founded on, in the environment in which it is flakiest; arguments as above."""
    known = flake_standings(outcomes, suite, test_id, now=now)
    if not known:
        return QuarantineEvidence()
    worst, test = known[0], (suite, test_id)
    return QuarantineEvidence(
        runs=worst.tally.runs,
        failures=worst.tally.failures,
        score=round(worst.score, 6),
        mixed_states=worst.mixed_states,
        order=_orders(outcomes, {test}).get(test),
    )


def _of_failing(outcomes: pd.DataFrame) -> pd.DataFrame:
    """All outcomes of the tests that failed at least once: the others are not flaky for all that is known."""
    numbers, _ = codes(outcomes, *KEYS)
    failed = (outcomes["judged"] & outcomes["failed"]).to_numpy(dtype=bool)
    return outcomes[np.isin(numbers, np.unique(numbers[failed]))]


def _orders(outcomes: pd.DataFrame, tests: Collection[Test]) -> dict[Test, OrderDependence]:
    """Of each test what the newest night says that could tell; probes of different nights are of different code."""
    names = {test for _, test in tests}
    mine = outcomes[outcomes["judged"] & outcomes["test"].isin(names) & ~outcomes["probe"].isin(AT_BASE)]
    found: dict[Test, OrderDependence] = {}
    for _, night in mine.groupby("cycle", observed=True, sort=True):
        found |= order_dependence(night)
    return found


def _entry(row: Any, order: OrderDependence | None, rules: QuarantineRules, now: datetime) -> QuarantineEntry:
    today = now.astimezone(UTC).date()
    states = "1 state" if row.mixed_states == 1 else f"{row.mixed_states} states"
    return QuarantineEntry(
        suite=str(row.suite),
        test=str(row.test),
        owner=rules.owner,
        reason=f"failed {row.failures} of {row.runs} runs where it also passed, both within {states}",
        since=today,
        expires=today + timedelta(days=rules.max_days),
        evidence=QuarantineEvidence(
            runs=int(row.runs),
            failures=int(row.failures),
            score=round(float(row.score), 6),
            mixed_states=int(row.mixed_states),
            order=order,
        ),
    )


def _flake_standing(row: Any, states: int, change: Any) -> FlakeStanding:
    split: dict[str, Any] = {}
    if change is not None and np.isfinite(change.evidence):
        split = {
            "changed_in": str(change.since),
            "change_evidence": float(change.evidence),
            "rate_before": float(change.rate_before),
            "rate_after": float(change.rate_after),
            "broken": bool(change.broken),
        }
    return FlakeStanding(
        environment=str(row.environment),
        tier=str(row.tier),
        states=states,
        mixed_states=int(row.mixed_states),
        positive_probe=bool(row.positive_probe),
        tally=Tally(failures=int(row.failures), runs=int(row.runs)),
        score=float(row.score),
        threshold=float(row.threshold),
        rate=float(row.rate),
        low=float(row.low),
        high=float(row.high),
        quarantine=bool(row.quarantine),
        **split,
    )

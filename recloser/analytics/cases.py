"""The facts about each failure of a cycle, counted for all of them at once: what the rules of triage look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from recloser.analytics.evidence import assess
from recloser.analytics.flakes import shown_rate
from recloser.analytics.outcomes import AT_BASE, KEYS
from recloser.analytics.storms import calm, during
from recloser.values import OrderDependence, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    import pandas as pd

    from recloser.values import Cycle, Outage, Storm

Test: TypeAlias = tuple[str, str]
"""Suite and test."""

CONVINCING = 1e-4
"""Risk at which failures in a row are no longer put down to flakiness."""
LEAST_ALONE, LEAST_USUAL = 2, 4
"""Runs in which a test behaves the same way each time before its order of execution is blamed: a fair coin does so in
one of 64 nights. They are the cycle's own run and the probes that the plan asks for."""
LEAST_MOVED = 2
"""Failures in other orders that make a victim of a test that passes in the usual one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One failed test of one cycle, and all that is known of it."""

    suite: str
    test_id: str
    cycle: str
    fingerprint: str
    good: Cycle | None
    """The last good cycle: its code is the base."""
    head: Tally
    """In this cycle on its code, failures during outages left out."""
    at_base: Tally
    """In this cycle on the base's code."""
    same_code: Tally
    """In earlier cycles on the same tree in the same environment."""
    outage: Outage | None
    """One that a failure of this cycle fell into."""
    order: OrderDependence | None
    passed_in: str
    """Latest earlier cycle in which it passed."""
    failing_since: str
    """First of the earlier cycles after that in which it failed."""
    failing_runs: int
    """How often it failed in those cycles."""
    history: Tally
    """In earlier states in which it also passed."""
    rate: tuple[float, float, float] | None
    """Of failures there: mean and 90 % interval; None where it never ran."""
    suspect: bool
    """It was seen to pass and to fail on the same code before this cycle."""
    broken_since: str
    """Cycle at which its outcomes turned from passes to failures for good; empty where they did not."""
    quarantine: bool

    @property
    def flaky_at_most(self) -> float:
        """Upper bound of its failure rate on good code, by its history and by the base."""
        failures, runs = self.history.failures + self.at_base.failures, self.history.runs + self.at_base.runs
        return float(shown_rate(failures, runs)[2])

    @property
    def doubtful(self) -> bool:
        """Whether it is known to fail on good code: then some failures in a row prove nothing."""
        return self.suspect or bool(self.at_base.failures and self.at_base.passes)

    @property
    def convincing(self) -> bool:
        """Whether its failures in a row are more than flakiness at its upper bound explains."""
        return self.flaky_at_most ** (self.head.runs + self.failing_runs) <= CONVINCING

    @property
    def known(self) -> bool:
        """Whether it ran before this cycle."""
        return bool(self.passed_in or self.failing_since)


def collect(
    outcomes: pd.DataFrame,
    cycle: str,
    *,
    found: Sequence[Storm],
    good: Cycle | None,
    outages: Sequence[Outage],
    now: datetime,
) -> Iterator[Case]:
    """The facts about each test that failed in a cycle.

    Args:
        outcomes: An outcome frame of the tests that are asked for, this cycle's reruns and probes included.
        cycle: The cycle.
        found: The storms in the whole frame.
        good: The last good cycle, if there is one.
        outages: Stretches of time in this cycle in which something other than the code was at fault.
        now: From when the age of evidence is counted, UTC.
    """
    judged = outcomes[outcomes["judged"]]
    tonight = judged[judged["cycle"] == cycle]
    head, base = tonight[~tonight["probe"].isin(AT_BASE)], tonight[tonight["probe"].isin(AT_BASE)]
    troubled = head["failed"].to_numpy(dtype=bool) & during(head, outages)
    sound = head[~troubled]
    quiet = calm(judged, found, outages)
    earlier = quiet[(quiet["run"] < tonight["run"].max()) & ~quiet["probe"].isin(AT_BASE)]
    heads, bases = tallies(sound), tallies(base)
    same_code = tallies(earlier[earlier["state"].isin(head["state"].unique())])
    orders, streaks = order_dependence(sound), _streaks(earlier)
    in_outage = _first_outages(head[troubled], outages)
    before, after = _assessed(earlier, now), _assessed(quiet, now)
    for test, fingerprint in failed_tests(head):
        past, present = before.get(test), after.get(test)
        yield Case(
            suite=test[0],
            test_id=test[1],
            cycle=cycle,
            fingerprint=fingerprint,
            good=good,
            head=heads.get(test, Tally()),
            at_base=bases.get(test, Tally()),
            same_code=same_code.get(test, Tally()),
            outage=in_outage.get(test),
            order=orders.get(test),
            **streaks.get(test, _NO_STREAK),
            history=Tally(failures=past.failures, runs=past.runs) if past else Tally(),
            rate=(past.rate, past.low, past.high) if past else None,
            suspect=bool(past and past.suspect),
            broken_since=str(present.since) if present and present.broken else "",
            quarantine=bool(present and present.quarantine),
        )


def tallies(outcomes: pd.DataFrame) -> dict[Test, Tally]:
    """How often each test ran and failed."""
    counted = outcomes.groupby(KEYS, observed=True)["failed"].agg(["sum", "size"])
    return {
        (str(suite), str(test)): Tally(failures=int(failures), runs=int(runs))
        for (suite, test), failures, runs in counted.itertuples(name=None)
    }


def order_dependence(outcomes: pd.DataFrame) -> dict[Test, OrderDependence]:
    """The tests whose outcome follows from what ran before them, by the probes of one state.

    A test that passes alone each time is a victim if it fails in the usual order each time, or passes there each time
    and fails in other orders more than once. One that fails alone each time and passes in the usual order is brittle.
    """
    probe = outcomes["probe"]
    usual = tallies(outcomes[((probe == "") & (outcomes["attempt"] == 1)) | (probe == "same")])
    other = tallies(outcomes[probe.isin(["shuffled", "reversed"])])
    alone = tallies(outcomes[probe == "isolated"])
    found = {test: _order(alone[test], usual.get(test, Tally()), other.get(test, Tally())) for test in alone}
    return {test: order for test, order in found.items() if order}


def _order(alone: Tally, usual: Tally, other: Tally) -> OrderDependence | None:
    if alone.runs < LEAST_ALONE or usual.runs < LEAST_USUAL or alone.failures not in {0, alone.runs}:
        return None
    if alone.failures:
        return OrderDependence.BRITTLE if not usual.failures else None
    moved = not usual.failures and other.failures >= LEAST_MOVED
    return OrderDependence.VICTIM if moved or usual.failures == usual.runs else None


def failed_tests(head: pd.DataFrame) -> Iterator[tuple[Test, str]]:
    """The tests that failed, each with the fingerprint of its last failure that has one."""
    failing = head[head["failed"]]
    named = failing.assign(named=failing["fingerprint"].notna()).sort_values(["named", "at"])
    last = named.drop_duplicates(KEYS, keep="last").sort_values(KEYS)
    for suite, test, is_named, fingerprint in last[[*KEYS, "named", "fingerprint"]].itertuples(index=False, name=None):
        yield (str(suite), str(test)), str(fingerprint) if is_named else ""


def _first_outages(troubled: pd.DataFrame, outages: Sequence[Outage]) -> dict[Test, Outage]:
    """The outage that a failure of each test fell into, the first of several."""
    return {
        (str(suite), str(test)): outage
        for outage in reversed(outages)
        for suite, test in troubled.loc[during(troubled, [outage]), KEYS].itertuples(index=False, name=None)
    }


class _Streak(TypedDict):
    passed_in: str
    failing_since: str
    failing_runs: int


_NO_STREAK = _Streak(passed_in="", failing_since="", failing_runs=0)


def _streaks(earlier: pd.DataFrame) -> dict[Test, _Streak]:
    """In which cycle each test last passed, and its failures in the cycles after that."""
    passes = earlier[~earlier["failed"]].sort_values("run").groupby(KEYS, observed=True)[["cycle", "run"]].last()
    failing = earlier[earlier["failed"]].join(passes["run"].rename("passed_run"), on=KEYS)
    failing = failing[~(failing["run"] <= failing["passed_run"])].sort_values("run")
    since = failing.groupby(KEYS, observed=True)["cycle"].agg(["first", "size"])
    streaks: dict[Test, _Streak] = {}
    for (suite, test), cycle, _ in passes.itertuples(name=None):
        streaks[str(suite), str(test)] = _NO_STREAK | {"passed_in": str(cycle)}
    for (suite, test), cycle, size in since.itertuples(name=None):
        known = streaks.get((str(suite), str(test)), _NO_STREAK)
        streaks[str(suite), str(test)] = known | {"failing_since": str(cycle), "failing_runs": int(size)}
    return streaks


def _assessed(outcomes: pd.DataFrame, now: datetime) -> dict[Test, Any]:
    """What is known of each test, in the environment in which it is flakiest."""
    worst = assess(outcomes, now=now).sort_values("score")
    return {(str(row.suite), str(row.test)): row for row in worst.itertuples(index=False)}

"""The figures a team is measured by: detection and recovery time, suite success, manual interventions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from recloser.nightly.judging import last_attempts
from recloser.values import CycleVerdict, Judgement, Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recloser.values import Cycle, SuiteRun, SuiteSummary

_RECOVERY_TARGET_H = 24.0
_SUITE_TARGET = 0.95


def success_metrics(
    cycle: Cycle, cycles: Sequence[Cycle], runs: Iterable[SuiteRun], suites: Sequence[SuiteSummary]
) -> tuple[Metric, ...]:
    """Detection and recovery time, suite success, manual interventions; each with its sample size.

    Args:
        cycle: This one.
        cycles: Up to this one, oldest first.
        runs: The suites of this one, with their attempts.
        suites: The same, counted.
    """
    return (_detection(cycle, runs), _recovery(cycles), _suite_success(suites), _interventions(cycles))


def _detection(cycle: Cycle, runs: Iterable[SuiteRun]) -> Metric:
    failing = [
        attempt.started_at + timedelta(seconds=attempt.duration_s)
        for run in runs
        for attempt in last_attempts(run.attempts).values()
        if attempt.status.is_failure
    ]
    if not failing:
        return Metric(name="time to detect", value="nothing failed")
    seconds = (min(failing) - cycle.opened_at).total_seconds()
    return Metric(name="time to detect", value=f"{max(seconds, 0.0):.0f} s from the start to the first failing test")


def _recovery(cycles: Sequence[Cycle]) -> Metric:
    name, target = "time to recover", f"at most {_RECOVERY_TARGET_H:.0f} h"
    hours = recoveries_h(cycles)
    if not hours:
        return Metric(name=name, value="no recovery on record", target=target)
    mean = sum(hours) / len(hours)
    good = Judgement.PASSED if mean <= _RECOVERY_TARGET_H else Judgement.FAILED
    return Metric(name=name, value=f"{mean:.1f} h, mean of {len(hours)}", target=target, judgement=good)


def recoveries_h(cycles: Sequence[Cycle]) -> list[float]:
    """Hours from each night that was the first not to be green to the next green one; oldest first."""
    hours: list[float] = []
    since = None
    for cycle in cycles:
        if cycle.verdict in {CycleVerdict.RED, CycleVerdict.REGRESSION} and since is None:
            since = cycle.opened_at
        elif cycle.verdict is CycleVerdict.GREEN and since is not None:
            hours.append((cycle.opened_at - since).total_seconds() / 3600)
            since = None
    return hours


def _suite_success(suites: Sequence[SuiteSummary]) -> Metric:
    judged = [suite for suite in suites if suite.judgement is not Judgement.NOT_VERIFIED]
    if not judged:
        return Metric(name="suite success", value="no suite was judged", target=f"{_SUITE_TARGET:.0%}")
    share = sum(suite.judgement is Judgement.PASSED for suite in judged) / len(judged)
    good = Judgement.PASSED if share >= _SUITE_TARGET else Judgement.FAILED
    value = f"{share:.0%} of {len(judged)}"
    return Metric(name="suite success", value=value, target=f"{_SUITE_TARGET:.0%}", judgement=good)


def _interventions(cycles: Sequence[Cycle]) -> Metric:
    told = sum(cycle.reason.startswith(INTERRUPTED) for cycle in cycles)
    good = Judgement.PASSED if told == 0 else Judgement.FAILED
    value = f"{told} of {len(cycles)} nights were interrupted and begun again"
    return Metric(name="manual interventions", value=value, target="0", judgement=good)


INTERRUPTED = "interrupted"
"""How the reason of a night begins that was not taken to its end."""

"""The nights before this one: counts for the charts, weekly pass rates, and the figures a team is measured by."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from recloser.values import CycleVerdict, HistoryPoint, Judgement, Metric, WeekRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from recloser.values import Cycle, SuiteSummary

_RECOVERY_TARGET_H = 24.0
_SUITE_TARGET = 0.95


def decided(frame: pd.DataFrame) -> pd.DataFrame:
    """The last attempt of each test in each cycle; probes are evidence about a test, and decide nothing.

    Args:
        frame: Outcomes as the store gives them.
    """
    main = frame[frame["probe"] == ""].sort_values("attempt", kind="stable")
    return main.drop_duplicates(["run", "suite", "test"], keep="last")


def history_points(cycles: Sequence[Cycle], last: pd.DataFrame) -> tuple[HistoryPoint, ...]:
    """One point for each cycle that has ended or is this one, oldest first.

    Args:
        cycles: Oldest first.
        last: The deciding attempts, as `decided` gives them.
    """
    passed = (last["judged"] & ~last["failed"]).groupby(last["cycle"], observed=True).sum()
    failed = (last["judged"] & last["failed"]).groupby(last["cycle"], observed=True).sum()
    rest = (~last["judged"]).groupby(last["cycle"], observed=True).sum()
    return tuple(
        HistoryPoint(
            cycle_id=cycle.cycle_id,
            at=cycle.opened_at,
            verdict=cycle.verdict,
            passed=int(passed.get(cycle.cycle_id, 0)),
            failed=int(failed.get(cycle.cycle_id, 0)),
            skipped=int(rest.get(cycle.cycle_id, 0)),
            duration_s=_duration_s(cycle),
        )
        for cycle in cycles
    )


def week_rows(points: Sequence[HistoryPoint]) -> tuple[WeekRow, ...]:
    """Passed of judged tests by week, oldest first."""
    weeks: dict[object, list[HistoryPoint]] = {}
    for point in points:
        weeks.setdefault((point.at - timedelta(days=point.at.weekday())).date(), []).append(point)
    return tuple(
        WeekRow(
            monday=(group[0].at - timedelta(days=group[0].at.weekday())).date(),
            cycles=len(group),
            passed=sum(point.passed for point in group),
            judged=sum(point.passed + point.failed for point in group),
        )
        for group in weeks.values()
    )


def success_metrics(
    cycle: Cycle, cycles: Sequence[Cycle], last: pd.DataFrame, suites: Sequence[SuiteSummary]
) -> tuple[Metric, ...]:
    """Detection and recovery time, suite success, manual interventions; each with its sample size.

    Args:
        cycle: This one.
        cycles: Up to this one, oldest first.
        last: The deciding attempts of all of them.
        suites: Of this one.
    """
    return (_detection(cycle, last), _recovery(cycles), _suite_success(suites), _interventions(cycles))


def _detection(cycle: Cycle, last: pd.DataFrame) -> Metric:
    mine = last[(last["cycle"] == cycle.cycle_id) & last["failed"]]
    if mine.empty:
        return Metric(name="time to detect", value="nothing failed")
    seconds = (mine["at"].min().to_pydatetime() - cycle.opened_at).total_seconds()
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


def _duration_s(cycle: Cycle) -> float:
    return (cycle.closed_at - cycle.opened_at).total_seconds() if cycle.closed_at else 0.0

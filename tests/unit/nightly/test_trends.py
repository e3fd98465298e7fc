"""The nights before this one."""

import pandas as pd

from recloser.nightly.trends import decided, history_points, recoveries_h, success_metrics, week_rows
from recloser.values import Cycle, CycleVerdict, Judgement
from tests.unit.nightly.nights import MONDAY, cycle, summary


def outcomes(*rows: tuple[Cycle, str, int, bool | None, str]) -> pd.DataFrame:
    """A frame of (cycle, test, attempt, failed or None where it did not run, probe)."""
    made = [
        {
            "cycle": night.cycle_id, "run": night.opened_at.day, "at": night.opened_at, "suite": "unit", "test": test,
            "attempt": number, "failed": bool(failed), "judged": failed is not None, "probe": probe,
        }
        for night, test, number, failed, probe in rows
    ]  # fmt: skip
    return pd.DataFrame(made)


def test_each_night_is_counted_by_last_attempts_without_probes() -> None:
    """A rerun that passed counts as passed, a probe that failed not at all."""
    first, second = cycle(0, CycleVerdict.RED), cycle(1, CycleVerdict.GREEN)
    frame = outcomes(
        (first, "a", 1, True, ""),
        (first, "b", 1, True, ""),
        (first, "b", 2, False, ""),
        (first, "c", 1, None, ""),
        (second, "a", 1, False, ""),
        (second, "a", 2, True, "shuffled"),
    )
    points = history_points([first, second], decided(frame))
    assert [(point.passed, point.failed, point.skipped) for point in points] == [(1, 1, 1), (1, 0, 0)]


def test_weeks_begin_on_monday() -> None:
    """Eight nights from a Monday on are two weeks."""
    nights = [cycle(day, CycleVerdict.GREEN) for day in range(8)]
    frame = outcomes(*((night, "a", 1, False, "") for night in nights))
    first, second = week_rows(history_points(nights, decided(frame)))
    assert (first.monday, first.cycles, first.pass_rate) == (MONDAY.date(), 7, 1.0)
    assert second.cycles == 1


def test_recovery_lasts_from_the_first_red_night_to_the_next_green_one() -> None:
    """Two red nights in a row are one outage; what could not be judged neither begins nor ends one."""
    verdicts = [
        CycleVerdict.GREEN,
        CycleVerdict.RED,
        CycleVerdict.REGRESSION,
        CycleVerdict.NOT_VERIFIED,
        CycleVerdict.GREEN,
    ]
    assert recoveries_h([cycle(day, verdict) for day, verdict in enumerate(verdicts)]) == [72.0]


def test_metrics_say_what_is_not_known() -> None:
    """Without a failure, a recovery or a judged suite there is no figure to be proud of."""
    night = cycle(0, CycleVerdict.NOT_VERIFIED)
    unjudged = summary(judgement=Judgement.NOT_VERIFIED)
    metrics = success_metrics(night, [night], decided(outcomes((night, "a", 1, None, ""))), [unjudged])
    told = {metric.name: metric for metric in metrics}
    assert told["time to detect"].value == "nothing failed"
    assert told["time to recover"].judgement is None
    assert told["suite success"].judgement is None
    assert told["manual interventions"].judgement is Judgement.PASSED

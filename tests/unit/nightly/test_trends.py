"""The figures a team is measured by."""

from datetime import timedelta

from recloser.nightly.trends import recoveries_h, success_metrics
from recloser.values import CycleVerdict, Judgement, TestStatus
from tests.unit.nightly.nights import attempt, cycle, suite_run, summary


def test_recovery_lasts_from_the_first_red_night_to_the_next_green_one() -> None:
    """Two red nights in a row are one outage; what could not be judged neither begins nor ends one."""
    verdicts = ["green", "red", "regression", "not-verified", "green"]
    assert recoveries_h([cycle(day, CycleVerdict(verdict)) for day, verdict in enumerate(verdicts)]) == [72.0]


def test_detection_lasts_until_the_first_test_that_stays_failed() -> None:
    """A test that passed in its rerun detected nothing."""
    night = cycle(0, CycleVerdict.RED)
    later = night.opened_at + timedelta(seconds=40)
    run = suite_run(
        attempt("a", TestStatus.FAILED),
        attempt("a", TestStatus.PASSED, 2),
        attempt("b", TestStatus.FAILED, started_at=later, duration_s=2.0),
    )
    told = {metric.name: metric for metric in success_metrics(night, [night], [run], [summary()])}
    assert told["time to detect"].value == "42 s from the start to the first failing test"


def test_metrics_say_what_is_not_known() -> None:
    """Without a failure, a recovery or a judged suite there is no figure to be proud of."""
    night = cycle(0, CycleVerdict.NOT_VERIFIED)
    unjudged = summary(judgement=Judgement.NOT_VERIFIED)
    told = {metric.name: metric for metric in success_metrics(night, [night], [suite_run()], [unjudged])}
    assert told["time to detect"].value == "nothing failed"
    assert told["time to recover"].judgement is None
    assert told["suite success"].judgement is None
    assert told["manual interventions"].judgement is Judgement.PASSED

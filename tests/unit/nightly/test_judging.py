"""What a night comes to."""

from pathlib import Path

import pytest

from recloser.nightly.judging import flaky_tests, last_attempts, summary_of, verdict_of
from recloser.target import System, Threshold
from recloser.values import (
    Comparison,
    CycleVerdict,
    DataRun,
    Judgement,
    ServiceRun,
    SuiteSummary,
    TestChange,
    TestStatus,
)
from tests.unit.nightly.nights import attempt, suite_run, summary

FAILED, PASSED, UNKNOWN = Judgement.FAILED, Judgement.PASSED, Judgement.NOT_VERIFIED
NEW = Comparison(
    base="n1", new_failures=(TestChange(suite="unit", test_id="a", status=TestStatus.FAILED, was=TestStatus.PASSED),)
)


@pytest.mark.parametrize(
    ("services", "data", "suites", "comparison", "expected"),
    [
        ([], [], [summary()], Comparison(base="n1"), CycleVerdict.GREEN),
        ([], [], [summary(judgement=FAILED)], Comparison(base="n1"), CycleVerdict.RED),
        ([], [], [summary(judgement=FAILED)], NEW, CycleVerdict.REGRESSION),
        ([], [], [summary(judgement=UNKNOWN)], Comparison(), CycleVerdict.NOT_VERIFIED),
        ([ServiceRun(name="api", judgement=FAILED)], [], [summary()], Comparison(), CycleVerdict.RED),
        ([], [DataRun(name="small", judgement=FAILED)], [summary()], Comparison(), CycleVerdict.RED),
        ([], [DataRun(name="small", judgement=UNKNOWN)], [summary()], Comparison(), CycleVerdict.NOT_VERIFIED),
        ([], [DataRun(name="small", judgement=UNKNOWN)], [summary(judgement=FAILED)], NEW, CycleVerdict.REGRESSION),
        ([], [], [summary(judgement=FAILED, critical=False), summary("e2e")], Comparison(), CycleVerdict.GREEN),
        ([], [], [summary(judgement=FAILED, critical=False), summary("e2e")], NEW, CycleVerdict.GREEN),
        ([], [], [], Comparison(), CycleVerdict.NOT_VERIFIED),
    ],
)
def test_a_verdict_follows_from_what_ran(
    services: list[ServiceRun],
    data: list[DataRun],
    suites: list[SuiteSummary],
    comparison: Comparison,
    expected: CycleVerdict,
) -> None:
    """What is worst decides: a regression, a failure, something that could not be judged."""
    verdict, reason = verdict_of(services, data, suites, comparison)
    assert verdict is expected
    assert reason


def test_every_verdict_has_an_exit_code_of_its_own() -> None:
    """A shell can tell them apart."""
    assert [verdict.exit_code for verdict in CycleVerdict] == [0, 1, 2, 3]


def test_a_figure_beyond_its_threshold_fails_the_suite(tmp_path: Path) -> None:
    """The sentence names figure, limit and what was measured."""
    system = System(name="s", folder=tmp_path, thresholds={"health_ms": Threshold(max=50)})
    counted = summary_of(suite_run(attempt("a", TestStatus.PASSED), figures={"health_ms": 81.5}), system, None)
    assert counted.judgement is FAILED
    assert counted.beyond == ("health_ms is 81.5, at most 50 is declared",)
    assert counted.counts == {TestStatus.PASSED: 1}


def test_the_last_attempt_decides_and_the_others_are_evidence() -> None:
    """A test that failed and then passed on the same code is flaky, and passed."""
    tried = (attempt("a", TestStatus.FAILED), attempt("b", TestStatus.FAILED), attempt("a", TestStatus.PASSED, 2))
    assert last_attempts(tried)["a"].status is TestStatus.PASSED
    assert set(flaky_tests(tried)) == {"a"}

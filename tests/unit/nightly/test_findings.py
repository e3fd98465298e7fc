"""From what ran in a night to what is told of it: each planted kind judged right, and told as one finding."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from recloser.analytics.outcomes import outcome_frame
from recloser.analytics.triage import triage
from recloser.nightly.findings import facts_of
from recloser.nightly.judging import verdict_of
from recloser.nightly.summary import Results, report_of
from recloser.nightly.triaging import TriageResult
from recloser.notify.rules import findings_of
from recloser.target import Alerts, Service, Suite, System
from recloser.values import (
    Alert,
    Comparison,
    CycleFacts,
    CycleVerdict,
    DataRun,
    FailureKind,
    Finding,
    FindingKind,
    Judgement,
    Outage,
    ProbeKind,
    ServiceRun,
    Slowdown,
    Slowness,
    SuiteRun,
    TestAttempt,
    TestStatus,
)
from tests.unit.nightly.nights import MONDAY, attempt, cycle, failed_of, suite_run

FAILED, PASSED = TestStatus.FAILED, TestStatus.PASSED
GOOD_NIGHTS, TONIGHT = 6, 7
HEALTHY = 40
"""Tests in which nothing is planted."""


def tries(test: str, outcomes: str, probe: ProbeKind | None = None, cause: str = "") -> list[TestAttempt]:
    """Attempts of tonight; `.` is a pass, `F` a failure."""
    at = MONDAY + timedelta(days=TONIGHT, minutes=1 if probe is None else 30)
    return [
        attempt(
            test,
            FAILED if outcome == "F" else PASSED,
            number,
            started_at=at + timedelta(minutes=number),
            probe=str(probe or ""),
            **({"failure": failed_of("AssertionError", test, f"key-{cause or test}")} if outcome == "F" else {}),
        )
        for number, outcome in enumerate(outcomes, 1)
    ]


def frame_of(tonight: Iterable[TestAttempt], broken: str = "broken") -> pd.DataFrame:
    """Tonight, and the nights before it: all green but the last one, in which one test began to fail."""
    tonight = list(tonight)
    rows: list[dict[str, object]] = []
    for night in range(TONIGHT):
        for test in sorted({one.test_id for one in tonight} - {"added"}):
            failed = test == broken and night == GOOD_NIGHTS
            rows.append(_row(night, attempt(test, PASSED, started_at=MONDAY + timedelta(days=night)), failed=failed))
    return outcome_frame([*rows, *(_row(TONIGHT, one, failed=one.status.is_failure) for one in tonight)])


def _row(night: int, one: TestAttempt, *, failed: bool) -> dict[str, object]:
    return {
        "cycle": cycle(night).cycle_id,
        "at": one.started_at,
        "state": f"t{night}|e",
        "test": one.test_id,
        "failed": failed,
        "attempt": one.number,
        "probe": one.probe,
        "duration_s": one.duration_s,
        "fingerprint": one.failure.fingerprint if one.failure else ("key-broken" if failed else None),
    }


def told(
    folder: Path,
    tonight: Iterable[TestAttempt] = (),
    *,
    quarantined: Iterable[tuple[str, str]] = (),
    outages: tuple[Outage, ...] = (),
    slowness: tuple[Slowness, ...] = (),
    services: tuple[ServiceRun, ...] = (),
    data: tuple[DataRun, ...] = (),
    suites: tuple[SuiteRun, ...] = (),
) -> tuple[dict[str, FailureKind], CycleFacts]:
    """What each failure of tonight is judged to be, and the facts that follow."""
    attempts = [*tonight, *(one for number in range(HEALTHY) for one in tries(f"healthy {number}", "."))]
    now = MONDAY + timedelta(days=TONIGHT, hours=2)
    verdicts = triage(
        frame_of(attempts),
        cycle(TONIGHT).cycle_id,
        now=now,
        good=cycle(GOOD_NIGHTS - 1),
        outages=outages,
        quarantined=set(quarantined),
    )
    failing = any(one.status.is_failure for one in attempts)
    run = suite_run(*attempts, judgement=Judgement.FAILED if failing else Judgement.PASSED)
    results = Results(services=services, data=data, suites=(run, *suites))
    system = System(
        name="gridmodel",
        folder=folder,
        services={"api": Service(command=("x",), port=1)},
        suites={"unit": Suite(command=("pytest",)), "e2e": Suite(command=("pytest",), needs=("api",))},
    )
    result = TriageResult(verdicts=verdicts, slowness=slowness)
    last = {one.test_id: one for one in attempts if not one.probe}.values()
    comparison = Comparison(base=cycle(5).cycle_id, failed=sum(one.status.is_failure for one in last), judged=len(last))
    report = report_of(cycle(TONIGHT, CycleVerdict.RED), system, results, comparison=comparison, triage=result)
    facts = facts_of(report, system, results, result, page="page.html")
    return {one.test_id: one.kind for one in verdicts}, facts


def of(facts: CycleFacts, kind: FindingKind) -> list[Finding]:
    """The findings of a kind."""
    return [finding for finding in facts.findings if finding.kind is kind]


PLANTED = [
    *tries("new", "FFF"),
    *tries("new", "FFF", ProbeKind.CONFIRM_HEAD),
    *tries("new", "...", ProbeKind.CONFIRM_BASE),
    *tries("broken", "FFF"),
    *tries("coin", "F."),
    *tries("coin", ".F.F", ProbeKind.SAME),
    *tries("victim", "F."),
    *tries("victim", "FFF", ProbeKind.SAME),
    *tries("victim", "..", ProbeKind.ISOLATED),
]


def test_each_planted_kind_is_judged_right_and_is_one_finding(tmp_path: Path) -> None:
    """What is new and what is broken is told by its cause, what is flaky by its test, services and data by name."""
    slower = Slowdown(suite="unit", test_id="sleeper", before=0.3, now=0.7, ratio=2.3, confirmed=True)
    judged, facts = told(
        tmp_path,
        PLANTED,
        slowness=(Slowness(slower=(slower,), measured=40, shifted=1),),
        services=(ServiceRun(name="api", judgement=Judgement.FAILED, reason="crash loop"),),
        data=(DataRun(name="small", judgement=Judgement.FAILED, reason="R36"),),
        suites=(suite_run(suite="e2e", judgement=Judgement.NOT_VERIFIED, reason="service api is not up"),),
    )
    assert judged == {
        "new": FailureKind.NEW,
        "broken": FailureKind.ALREADY_BROKEN,
        "coin": FailureKind.FLAKY,
        "victim": FailureKind.FLAKY,
    }
    assert sorted((finding.kind, finding.title) for finding in facts.findings) == [
        (FindingKind.DATA_INVALID, "Data set small is not valid"),
        (FindingKind.FLAKY, "Flaky: coin"),
        (FindingKind.FLAKY, "Flaky: victim"),
        (FindingKind.NEW_FAILURE, "AssertionError: broken"),
        (FindingKind.NEW_FAILURE, "AssertionError: new"),
        (FindingKind.NOT_VERIFIED, "Suite e2e could not be judged"),
        (FindingKind.PERFORMANCE, "sleeper takes 2.3 times as much time"),
        (FindingKind.SERVICE_DOWN, "Service api is down"),
    ]
    (service,), (unverified,) = of(facts, FindingKind.SERVICE_DOWN), of(facts, FindingKind.NOT_VERIFIED)
    assert unverified.cause == service.fingerprint
    assert {finding.fingerprint for finding in of(facts, FindingKind.NEW_FAILURE)} == {"key-broken", "key-new"}


@pytest.mark.parametrize("outcomes", ["F.", "FFF"])
def test_a_flaky_test_has_one_key_however_it_ends(tmp_path: Path, outcomes: str) -> None:
    """Whether a rerun passed or none did, it is the same problem as last night."""
    tonight = [*tries("coin", outcomes, cause=outcomes), *tries("coin", "..F", ProbeKind.SAME)]
    (expected,) = told(tmp_path, [*tries("coin", "."), *tries("coin", "F.", ProbeKind.SAME)])[1].findings
    (finding,) = told(tmp_path, tonight)[1].findings
    assert (finding.kind, finding.fingerprint) == (FindingKind.FLAKY, expected.fingerprint)


def test_a_finding_counts_the_tests_that_it_is_about(tmp_path: Path) -> None:
    """A share of the tests is compared with a limit: causes are fewer, and what is in quarantine does not count."""
    names = [f"new {number}" for number in range(5)]
    tonight = [one for name in names for one in [*tries(name, "FFF", cause="one"), *at_base(name)]]
    (finding,) = told(tmp_path, tonight, quarantined=[("unit", "new 0")])[1].findings
    assert (finding.kind, finding.tests, finding.confirmed) == (FindingKind.NEW_FAILURE, 4, True)
    assert "unit: new 0" not in finding.evidence


def at_base(test: str) -> list[TestAttempt]:
    """It passes at the base."""
    return tries(test, "...", ProbeKind.CONFIRM_BASE)


def test_nobody_is_told_of_what_is_in_quarantine(tmp_path: Path) -> None:
    """Neither of its failure, nor of its flakiness, nor of the rate that it adds to."""
    quarantined = [("unit", name) for name in ("new", "broken", "coin", "victim")]
    _, facts = told(tmp_path, PLANTED, quarantined=quarantined)
    assert (facts.findings, facts.failed) == ((), 0)


def test_a_failure_that_could_not_be_judged_is_told_as_that(tmp_path: Path) -> None:
    """It failed once, and was not run again: it is not called new, and not kept from anybody either."""
    judged, facts = told(tmp_path, tries("once", "F"))
    assert judged == {"once": FailureKind.NOT_JUDGED}
    assert [finding.kind for finding in facts.findings] == [FindingKind.NOT_VERIFIED]


def test_a_suite_that_failed_of_an_outage_only_is_not_verified(tmp_path: Path) -> None:
    """One finding says so, and no alert of the suite ends because of that night."""
    at = MONDAY + timedelta(days=TONIGHT)
    outage = Outage(what="service api was down", started_at=at, ended_at=at + timedelta(minutes=9), suites=("unit",))
    judged, facts = told(tmp_path, [*tries("a", "FFF"), *tries("b", "FFF")], outages=(outage,))
    assert set(judged.values()) == {FailureKind.INFRASTRUCTURE}
    assert [finding.kind for finding in facts.findings] == [FindingKind.NOT_VERIFIED]
    assert "suite/unit" not in facts.verified


def test_two_nights_of_one_storm_are_one_finding(tmp_path: Path) -> None:
    """It is told when it begins; the second night is the same incident, and single tests are not spoken of."""
    tonight = [one for number in range(100) for one in tries(f"t{number}", "FFF", cause="one")]
    _, facts = told(tmp_path, tonight)
    assert facts.findings == ()
    storm, rate = findings_of(facts, Alerts(), {})
    assert (storm.kind, rate.cause) == (FindingKind.STORM, storm.fingerprint)
    assert storm.title == f"100 of {facts.judged} tests fail: much broke at once"
    firing = Alert(
        target=facts.target,
        fingerprint=storm.fingerprint,
        finding=storm,
        firing=True,
        opened_at=facts.at,
        opened_in=facts.cycle_id,
        changed_at=facts.at,
        last_cycle=facts.cycle_id,
        seen_in=facts.cycle_id,
    )
    again = facts.model_copy(update={"cycle_id": cycle(TONIGHT + 1).cycle_id})
    lasting, _ = findings_of(again, Alerts(), {storm.fingerprint: firing})
    assert lasting.fingerprint == storm.fingerprint


def test_a_slower_machine_is_one_finding(tmp_path: Path) -> None:
    """However many tests it made slower; where none took noticeably longer, nobody is told."""
    looks = tuple(Slowdown(suite="unit", test_id=name, before=1, now=2, ratio=2) for name in "abc")
    shifted = Slowness(measured=40, shifted=30, machine_wide=True)
    noticed = shifted.model_copy(update={"candidates": looks})
    assert [len(told(tmp_path, slowness=(one,))[1].findings) for one in (noticed, shifted)] == [1, 0]


def test_without_a_good_night_nothing_has_got_worse() -> None:
    """There is nothing that a first night could have broken."""
    (verdict,) = triage(
        outcome_frame([_row(0, one, failed=True) for one in tries("t", "FFF")]), cycle(0).cycle_id, now=MONDAY
    )
    assert verdict.kind is FailureKind.NEW
    run = suite_run(*tries("t", "FFF"), judgement=Judgement.FAILED)
    verdicts = {("unit", "t"): verdict}
    system = System(name="s", folder=Path(), suites={"unit": Suite(command=("pytest",))})
    suites = Results(suites=(run,)).summaries(system, verdicts)
    assert verdict_of([], [], suites, Comparison(), verdicts)[0] is CycleVerdict.RED

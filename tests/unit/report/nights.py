"""Nights as they happen: one with a regression, a green one, one in which little could be judged, a storm."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from recloser.validation import Chart, Series
from recloser.validation.svg import draw
from recloser.values import (
    AwsCall,
    CodeChange,
    CodeState,
    Commit,
    Companion,
    Comparison,
    Cycle,
    CycleReport,
    CycleVerdict,
    DataRun,
    Environment,
    FailedTest,
    FailureGroup,
    HistoryPoint,
    Judgement,
    Metric,
    Problem,
    ProblemKind,
    ProblemTest,
    ServiceRun,
    SlowerTest,
    Stage,
    SuiteSummary,
    Suspect,
    TestChange,
    TestStatus,
    Value,
    WeekRow,
)

AT = datetime(2026, 11, 21, 2, 0, 0, tzinfo=UTC)
BASE = "20261119-020000-77c1"
CODE = CodeState(
    tree="9f2c41d7a0b35e8812cd6f0b47aa19e3d54c7781", commit="1f3a9c02b7d4e8a65f10", branch="main", dirty=True
)
ENVIRONMENT = Environment(
    environment_id="b7d1e0c2",
    python="CPython 3.11.9",
    platform="Linux-6.1-x86_64",
    machine="x86_64",
    cpus=2,
    packages="77ab",
)
TRACEBACK = """\
def test_flows_balance_at_every_bus(case):
    solution = solve(case)
>   assert max_residual(solution) < 1e-6

tests/unit/test_flow.py:88:
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _

    def max_residual(solution):
>       return float(abs(solution.mismatch).max())
E       \x1b[31mAssertionError: residual 0.0312 MW at bus 14, at most 1e-06 is allowed\x1b[0m

gridmodel/flow.py:214: AssertionError"""


def at(minutes: float) -> datetime:
    """So many minutes into the night."""
    return AT + timedelta(minutes=minutes)


def a_failure(test_id: str, *, suite: str = "unit", verdict: str = "new", attempts: int = 2) -> FailedTest:
    """A test that failed whenever it ran."""
    because = f"failed {attempts} of {attempts} times tonight; passed in each of the last 14 green nights"
    return FailedTest(
        suite=suite,
        test_id=test_id,
        status=TestStatus.FAILED,
        attempts=attempts,
        failed_attempts=attempts,
        verdict=verdict,
        evidence=because,
    )


CASES = tuple(f"tests/unit/test_flow.py::test_flows_balance_at_every_bus[case{n}]" for n in (14, 30, 57, 118, 300))
E2E = "tests/e2e/test_forecast.py::TestForecast::test_survives_a_restart_of_the_database"

COMMITS = (
    Commit(
        commit="1f3a9c02b7d4e8a65f10",
        author="Ada",
        at=AT - timedelta(hours=9),
        subject="Solve without the slack bus",
        files=("gridmodel/flow.py",),
    ),
    Commit(commit="77aa01c3d4e8a65f1055", author="Bo", at=AT - timedelta(hours=30), subject="Reword the manual"),
)


def _problems() -> tuple[Problem, ...]:
    tests = (
        *(ProblemTest(suite="unit", test_id=case) for case in CASES),
        ProblemTest(suite="e2e", test_id=E2E),
        ProblemTest(suite="integration", test_id="tests/integration/test_api.py::test_a_solution", failed=False),
    )
    return (
        Problem(
            kind=ProblemKind.CO_FAILING,
            title="AssertionError: residual 0.0312 MW at bus 14, at most 1e-06 is allowed",
            where="gridmodel/flow.py:214 in max_residual",
            fingerprints=("a41f09be", "0c77d1aa"),
            tests=tests,
            since="20261107-020000-91aa",
            last="20261121-020000-ab12",
            nights=4,
            looked=60,
            companions=(Companion(suite="e2e", test_id="tests/e2e/test_page.py::test_a_chart_is_drawn", nights=3),),
        ),
        Problem(
            kind=ProblemKind.EXACT,
            title="RuntimeError: no such case",
            fingerprints=("99ab",),
            tests=(ProblemTest(suite="unit", test_id="tests/unit/test_case.py::test_it_is_found"),),
            since="20261121-020000-ab12",
            last="20261121-020000-ab12",
            nights=1,
            looked=60,
        ),
    )


def _groups() -> tuple[FailureGroup, ...]:
    return (
        FailureGroup(
            fingerprint="a41f09be",
            title="AssertionError: residual 0.0312 MW at bus 14, at most 1e-06 is allowed",
            verdict="new",
            since="20261121-020000-ab12",
            where="gridmodel/flow.py:214 in max_residual",
            source="return float(abs(solution.mismatch).max())",
            files=("gridmodel/flow.py",),
            suspects=(Suspect(commit=COMMITS[0], reason="touches gridmodel/flow.py, a file of the traceback"),),
            text=TRACEBACK,
            output="INFO  gridmodel.flow: 14 buses, 20 branches\nWARNING gridmodel.flow: tap of branch 8 is 0.0",
            tests=tuple(map(a_failure, CASES)),
        ),
        FailureGroup(
            fingerprint="0c77d1aa",
            title="TimeoutError: no answer from 127.0.0.1:5432 within 5.0 s",
            verdict="still failing",
            since="20261120-020000-3fe0",
            where="gridmodel/store.py:61 in connect",
            source="connection = psycopg.connect(self.url, connect_timeout=5)",
            text="gridmodel/store.py:61: TimeoutError",
            output="",
            tests=(a_failure(E2E, suite="e2e", verdict="still failing", attempts=3),),
        ),
    )


def _suites() -> tuple[SuiteSummary, ...]:
    calls = (
        AwsCall(service="s3", operation="PutObject", count=212),
        AwsCall(service="dynamodb", operation="UpdateItem", count=64),
        AwsCall(service="batch", operation="SubmitJob", count=12),
        AwsCall(service="logs", operation="GetLogEvents", count=9),
    )
    return (
        SuiteSummary(
            suite="performance",
            tier="performance",
            judgement=Judgement.NOT_VERIFIED,
            critical=False,
            reason="service worker was given up: it crashed 5 times in 60 s",
        ),
        SuiteSummary(
            suite="unit",
            tier="unit",
            judgement=Judgement.FAILED,
            reason="5 tests fail that passed in the last green night",
            counts={TestStatus.PASSED: 1_204, TestStatus.FAILED: 5, TestStatus.SKIPPED: 14, TestStatus.XFAILED: 2},
            flaky=1,
            duration_s=48.3,
            workers=2,
            coverage_percent=91.42,
        ),
        SuiteSummary(
            suite="integration",
            tier="integration",
            judgement=Judgement.PASSED,
            counts={TestStatus.PASSED: 183, TestStatus.SKIPPED: 3},
            flaky=1,
            duration_s=131.9,
            workers=2,
            coverage_percent=64.0,
            aws_calls=calls,
            cost_usd=0.001_38,
            figures={"requests_per_s": 412.7, "p99_ms": 38.2},
        ),
        SuiteSummary(
            suite="e2e",
            tier="e2e",
            judgement=Judgement.FAILED,
            reason="1 test fails, as it did in the night before",
            counts={TestStatus.PASSED: 27, TestStatus.FAILED: 1, TestStatus.NOT_RUN: 2},
            duration_s=204.0,
            beyond=("p99_ms is 61.2, at most 50 is allowed",),
        ),
    )


def _picture() -> str:
    steps = tuple(float(step) for step in range(96))
    load = tuple(210 + 50 * ((step % 48) / 48) - (40 if 40 < step < 44 else 0) for step in steps)
    low, high = tuple(value - 15 for value in load), tuple(value + 25 for value in load)
    series = (Series(name="load", y=load), Series(name="load of the week before", y=tuple(y - 6 for y in load)))
    return str(
        draw(
            Chart(
                title="Load of the system, and what the baseline allows",
                x_name="step",
                y_name="MW",
                x=steps,
                series=series,
                low=low,
                high=high,
            )
        )
    )


def _data() -> tuple[DataRun, ...]:
    return (
        DataRun(name="ieee14-week", judgement=Judgement.PASSED, cached=True, duration_s=0.41, rows=672),
        DataRun(
            name="ieee118-winter",
            judgement=Judgement.FAILED,
            reason="2 of 41 rules fail",
            duration_s=38.2,
            rows=8_640,
            findings=(
                "R07 power balance: residual up to 0.031 MW at 3 of 1,019,520 values; first at step 41, bus 14",
                "R18 power factor: 12 steps outside 0.85 to 1",
            ),
            charts=(_picture(),),
            report="data/ieee118-winter.html",
        ),
    )


def _services() -> tuple[ServiceRun, ...]:
    return (
        ServiceRun(name="database", judgement=Judgement.PASSED, ready_s=1.31, probes=2_412),
        ServiceRun(
            name="api",
            judgement=Judgement.PASSED,
            ready_s=0.62,
            restarts=1,
            down_s=0.84,
            probes=2_398,
            probes_lost=4,
            reason="",
        ),
        ServiceRun(
            name="worker",
            judgement=Judgement.FAILED,
            reason="crash loop: 5 restarts in 60 s, exit 1 each time",
            restarts=5,
            down_s=61.0,
            probes=44,
            probes_lost=40,
            log_tail="Traceback (most recent call last):\n"
            '  File "worker.py", line 12, in <module>\n'
            "ModuleNotFoundError: No module named 'gridmodel.queue'",
        ),
    )


def _stages() -> tuple[Stage, ...]:
    rows = (
        ("services", 0.0, 0.1, Judgement.FAILED),
        ("data/ieee14-week", 0.1, 0.11, Judgement.PASSED),
        ("data/ieee118-winter", 0.1, 0.74, Judgement.FAILED),
        ("suite/unit", 0.74, 1.6, Judgement.FAILED),
        ("suite/integration", 0.74, 3.0, Judgement.PASSED),
        ("suite/e2e", 3.0, 6.4, Judgement.FAILED),
        ("suite/performance", 3.0, 3.0, Judgement.NOT_VERIFIED),
        ("compare", 6.4, 6.5, Judgement.PASSED),
        ("report", 6.5, None, None),
    )
    return tuple(
        Stage(name=name, started_at=at(start), ended_at=None if end is None else at(end), judgement=judgement)
        for name, start, end, judgement in rows
    )


def nights(count: int) -> tuple[HistoryPoint, ...]:
    """As many nights, the last of them tonight; most are green."""
    points = []
    for back in reversed(range(count)):
        failed = {0: 6, 1: 1, 9: 12, 23: 3}.get(back, 0)
        verdict = CycleVerdict.GREEN if not failed else CycleVerdict.REGRESSION if failed > 2 else CycleVerdict.RED
        dark = back == 15
        points.append(
            HistoryPoint(
                cycle_id=f"{AT - timedelta(days=back):%Y%m%d-%H%M%S}-" + {0: "ab12", 2: "77c1"}.get(back, "0000"),
                at=AT - timedelta(days=back),
                verdict=CycleVerdict.NOT_VERIFIED if dark else verdict,
                passed=0 if dark else 1_420 - 4 * back - failed,
                failed=0 if dark else failed,
                skipped=0 if dark else 17,
                duration_s=30 if dark else 380 + 7 * ((back * 13) % 9),
            )
        )
    return tuple(points)


def _weeks() -> tuple[WeekRow, ...]:
    first = date(2026, 9, 28)
    passed = (9_812, 9_840, 9_900, 9_913, 9_921, 8_480, 9_930, 8_505)
    judged = (9_812, 9_843, 9_900, 9_925, 9_921, 8_480, 9_930, 8_512)
    return tuple(
        WeekRow(monday=first + timedelta(weeks=week), cycles=7, passed=good, judged=all_)
        for week, (good, all_) in enumerate(zip(passed, judged, strict=True))
    )


def _comparison() -> Comparison:
    def change(
        test: str, status: TestStatus, was: TestStatus | None, suite: str = "unit", since: str = ""
    ) -> TestChange:
        return TestChange(suite=suite, test_id=test, status=status, was=was, since=since)

    failed, passed = TestStatus.FAILED, TestStatus.PASSED
    return Comparison(
        base=BASE,
        new_failures=tuple(change(case, failed, passed, since="20261121-020000-ab12") for case in CASES),
        fixed=(change("tests/unit/test_loads.py::test_profile_of_a_leap_day", passed, failed),),
        still_failing=(change(E2E, failed, failed, "e2e", "20261120-020000-3fe0"),),
        slower=(
            SlowerTest(
                suite="integration",
                test_id="tests/integration/test_estimation.py::test_estimates_case300",
                duration_s=9.8,
                baseline_s=4.1,
                samples=14,
            ),
            SlowerTest(
                suite="unit",
                test_id="tests/unit/test_cases.py::test_reads[case9241pegase]",
                duration_s=0.92,
                baseline_s=0.55,
                samples=9,
            ),
        ),
        added=(change("tests/unit/test_taps.py::test_tap_of_zero_is_refused", passed, None),),
        failed=6,
        judged=1_422,
    )


def _metrics() -> tuple[Metric, ...]:
    return (
        Metric(
            name="time to detect", value="1.1 s (median of 6 failures)", target="≤ 60 s", judgement=Judgement.PASSED
        ),
        Metric(name="suite success", value="93 % of 84 suite runs", target="≥ 95 %", judgement=Judgement.FAILED),
        Metric(
            name="time to recover",
            value="not known: nothing recovered",
            target="≤ 10 min",
            judgement=Judgement.NOT_VERIFIED,
        ),
        Metric(name="manual interventions", value="0 in 14 nights", target="≤ 1 a week", judgement=Judgement.PASSED),
    )


def a_night(**fields: object) -> CycleReport:
    """A night with a regression, a data set that is wrong, a service in a crash loop and a suite that did not run."""
    cycle = Cycle(
        cycle_id="20261121-020000-ab12",
        target="gridmodel",
        opened_at=AT,
        closed_at=at(6.6),
        verdict=CycleVerdict.REGRESSION,
        reason="5 tests of suite unit fail that passed in the last green night; performance could not be judged.",
        code=CODE,
        environment=ENVIRONMENT,
        run_id="01f0c6de-77a1-7d33",
    )
    flaky = FailedTest(
        suite="integration",
        test_id="tests/integration/test_api.py::test_reload_under_load",
        status=TestStatus.PASSED,
        attempts=2,
        failed_attempts=1,
        verdict="flaky",
        evidence="failed, then passed on the same tree; 4 of its last 60 runs failed",
    )
    usual = {
        "cycle": cycle,
        "stages": _stages(),
        "services": _services(),
        "data": _data(),
        "suites": _suites(),
        "comparison": _comparison(),
        "groups": _groups(),
        "problems": _problems(),
        "change": CodeChange(base=BASE, commits=COMMITS, more=3, uncommitted=True),
        "flaky": (flaky,),
        "history": nights(60),
        "weeks": _weeks(),
        "metrics": _metrics(),
        "missing": ("coverage of e2e: the service runs in a process that is not measured",),
        "deliveries": ("Slack #grid-nightly: 429, still queued after 3 attempts; the next run sends it",),
        "tools": {"recloser": "0.1.0", "pytest": "8.4.2", "great-expectations": "1.9.0", "ruptures": "1.1.10"},
    }
    return CycleReport.model_validate(usual | fields)


def a_green_night() -> CycleReport:
    """Nothing failed, and nothing is missing."""
    cycle = a_night().cycle.model_copy(
        update={"verdict": CycleVerdict.GREEN, "reason": "Every suite, data set and service held."}
    )
    suites = tuple(suite for suite in _suites() if suite.judgement is Judgement.PASSED)
    return CycleReport(
        cycle=cycle,
        suites=suites,
        data=_data()[:1],
        services=_services()[:1],
        comparison=Comparison(base=BASE, judged=183),
        history=(*nights(60)[:-1], nights(60)[-1].model_copy(update={"verdict": CycleVerdict.GREEN, "failed": 0})),
    )


def a_storm(failures: int = 500, causes: int = 1, message: str = "RuntimeError: the grid is gone") -> CycleReport:
    """10,000 tests, of which many fail."""
    tests = [a_failure(f"tests/unit/test_storm.py::test_number[{n}]") for n in range(failures)]
    each = failures // causes
    groups = tuple(
        FailureGroup(
            fingerprint=f"f{n}",
            title=message,
            verdict="new",
            where="gridmodel/flow.py:1 in solve",
            source=message,
            text=message,
            output=message,
            tests=tuple(tests[n * each : (n + 1) * each]),
        )
        for n in range(causes)
    )
    suite = SuiteSummary(
        suite="unit",
        tier="unit",
        judgement=Judgement.FAILED,
        counts={TestStatus.PASSED: 10_000 - failures, TestStatus.FAILED: failures},
        duration_s=60,
    )
    changes = tuple(
        TestChange(suite="unit", test_id=test.test_id, status=test.status, was=TestStatus.PASSED) for test in tests
    )
    comparison = Comparison(base=BASE, new_failures=changes, failed=failures, judged=10_000)
    problems = tuple(
        Problem(
            kind=ProblemKind.SYSTEMIC,
            title=message,
            fingerprints=(group.fingerprint,),
            tests=tuple(ProblemTest(suite="unit", test_id=test.test_id) for test in group.tests),
        )
        for group in groups
    )
    return a_night(suites=(suite,), groups=groups, problems=problems, comparison=comparison, flaky=tuple(tests))


def with_every_text(value: Any, text: str) -> Any:
    """The same value with every text in it replaced; paths and pictures, which are no texts, stay."""
    if isinstance(value, Value):
        kept = {"charts", "report"}
        fields = {name: field if name in kept else with_every_text(field, text) for name, field in value}
        return value.model_copy(update=fields)
    if isinstance(value, tuple):
        return tuple(with_every_text(item, text) for item in value)
    if isinstance(value, dict):
        return {with_every_text(key, text): item for key, item in value.items()}
    return text if type(value) is str else value


def with_every_number(value: Any, number: int) -> Any:
    """The same value with every number in it replaced, but for those that are divided by."""
    if isinstance(value, Value):
        fields = {name: field if name == "baseline_s" else with_every_number(field, number) for name, field in value}
        return value.model_copy(update=fields)
    if isinstance(value, tuple):
        return tuple(with_every_number(item, number) for item in value)
    if isinstance(value, dict):
        return {key: with_every_number(item, number) for key, item in value.items()}
    return number if type(value) in {int, float} else value

"""Made-up nights: the values of one, with what a test leaves out filled in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from recloser.values import (
    CodeState,
    Cycle,
    CycleVerdict,
    Environment,
    Failure,
    Frame,
    Judgement,
    SuiteRun,
    SuiteSummary,
    TestAttempt,
    TestStatus,
)

MONDAY = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
CODE = CodeState(tree="t1")
MACHINE = Environment(environment_id="e1", python="3.11", platform="linux", machine="x86_64", cpus=2)


def attempt(test: str, status: TestStatus, number: int = 1, **given: Any) -> TestAttempt:
    """One attempt of a test of suite `unit`."""
    failure = given.pop("failure", failed_of("KeyError", "'a'") if status.is_failure else None)
    fields = {"suite": "unit", "started_at": MONDAY, "duration_s": 0.1, "failure": failure} | given
    return TestAttempt(test_id=test, number=number, status=status, **fields)


def failed_of(exception: str, message: str, fingerprint: str = "f1") -> Failure:
    """Why it failed."""
    frames = (Frame(file="app/model.py", line=12, function="load"),)
    return Failure(exception=exception, message=message, frames=frames, source="x = y['a']", fingerprint=fingerprint)


def suite_run(*attempts: TestAttempt, **given: Any) -> SuiteRun:
    """One run of suite `unit`."""
    fields = {"suite": "unit", "tier": "unit", "judgement": Judgement.PASSED} | given
    return SuiteRun(
        code=CODE,
        environment=MACHINE,
        started_at=MONDAY,
        ended_at=MONDAY + timedelta(seconds=5),
        attempts=attempts,
        **fields,
    )


def summary(name: str = "unit", judgement: Judgement = Judgement.PASSED, **given: Any) -> SuiteSummary:
    """A counted suite."""
    return SuiteSummary(suite=name, tier=name, judgement=judgement, **given)


def cycle(day: int = 0, verdict: CycleVerdict | None = None, **given: Any) -> Cycle:
    """The night `day` days after the first."""
    opened = MONDAY + timedelta(days=day)
    closed = None if verdict is None else opened + timedelta(minutes=10)
    fields = {"cycle_id": f"{opened:%Y%m%d-%H%M%S}-0000", "target": "gridmodel"} | given
    return Cycle(opened_at=opened, closed_at=closed, verdict=verdict, code=CODE, environment=MACHINE, **fields)

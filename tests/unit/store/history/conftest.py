"""Nights to put into a store."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine

from recloser.store import Store
from recloser.store.tables import Base
from recloser.values import (
    AwsCall,
    CodeState,
    Cycle,
    Environment,
    Failure,
    Frame,
    Judgement,
    Phase,
    SuiteRun,
    TestAttempt,
    TestStatus,
)
from tests.postgresql_fixture import Databases, dropped_after

NIGHT = datetime(2026, 5, 4, 2, 0, 0, 7, tzinfo=UTC)
CODE = CodeState(tree="t1", commit="c1", branch="main")
MACHINE = Environment(environment_id="e1", python="3.11", platform="linux", machine="x86_64", cpus=2)


@pytest.fixture(scope="module")
def sqlite_place(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a file for the tests of a module; each begins with empty tables."""
    return f"sqlite:///{tmp_path_factory.mktemp('history')}/recloser.db"


@pytest.fixture(scope="module")
def postgresql_place(postgresql_databases: Databases) -> Iterator[str]:
    """The same on a real PostgreSQL: making and dropping a database takes longer than most tests."""
    with dropped_after(postgresql_databases) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store, on each database in turn."""
    place: str = request.getfixturevalue(f"{request.param}_place")
    Store.open(place).close()
    engine = create_engine(place)
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()
    return place


def night(number: int = 0, target: str = "grid") -> Cycle:
    """A cycle that was just opened."""
    opened = NIGHT + timedelta(days=number)
    return Cycle(cycle_id=f"{opened:%Y%m%d}-{target}", target=target, opened_at=opened, code=CODE, environment=MACHINE)


def failure(message: str = "assert 1 == 2") -> Failure:
    """Why a test failed."""
    frame = Frame(file="grid.py", line=7, function="solve")
    return Failure(exception="AssertionError", message=message, frames=(frame,), fingerprint=f"f-{message}")


def attempt(test_id: str, status: TestStatus = TestStatus.PASSED, number: int = 1, **fields: object) -> TestAttempt:
    """One attempt of a test of the suite `unit`; one that failed says why."""
    facts: dict[str, object] = {"suite": "unit", "started_at": NIGHT, "duration_s": 0.25}
    if status.is_failure:
        facts |= {"failure": failure(), "output": "solving…"}
    return TestAttempt.model_validate(facts | {"test_id": test_id, "status": status, "number": number} | fields)


def suite_run(*attempts: TestAttempt, **fields: object) -> SuiteRun:
    """A run of the suite `unit`."""
    facts = {
        "suite": "unit",
        "tier": "unit",
        "judgement": Judgement.PASSED,
        "code": CODE,
        "environment": MACHINE,
        "started_at": NIGHT,
        "ended_at": NIGHT + timedelta(minutes=1),
        "figures": {"apfd": 0.7},
        "aws_calls": (AwsCall(service="batch", operation="SubmitJob", count=3),),
        "attempts": attempts,
    }
    return SuiteRun.model_validate(facts | fields)


@pytest.fixture
def mixed() -> SuiteRun:
    """A run with every kind of attempt, in the order they began."""
    kinds = [
        attempt(f"tests/test_a.py::test_{status.value}[é\\x]", status, position=place, worker=f"gw{place % 2}")
        for place, status in enumerate(TestStatus)
    ]
    later = NIGHT + timedelta(seconds=9)
    rerun = attempt(kinds[1].test_id, TestStatus.PASSED, number=2, started_at=later, peak_rss_mib=80.5)
    probe = attempt(kinds[1].test_id, TestStatus.FAILED, started_at=later, probe="shuffled", position=1)
    skip = kinds[3].model_copy(update={"reason": "needs a GPU", "phase": Phase.SETUP})
    alone = attempt(kinds[3].test_id, TestStatus.PASSED, started_at=later, probe="isolated", position=2)
    return suite_run(*kinds[:3], skip, *kinds[4:], rerun, probe, alone)

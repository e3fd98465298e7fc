"""A store on a fresh file, and values to put into it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from recloser.store import Store
from recloser.values import (
    AttemptRecord,
    AutonomyLevel,
    Cause,
    ChangeRecord,
    ChangeState,
    Evidence,
    FixMode,
    Incident,
    JobSnapshot,
    JobState,
    LogLine,
    LogTail,
    Occurrence,
)
from tests.postgresql_fixture import Databases, dropped_after

AT = datetime(2026, 5, 4, 3, 2, 1, 500, tzinfo=UTC)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a store on a file that does not exist yet."""
    return f"sqlite:///{tmp_path}/state/recloser.db"


@pytest.fixture
def postgresql_url(postgresql_databases: Databases) -> Iterator[str]:
    """The URL of a store in an empty database of a real PostgreSQL."""
    with dropped_after(postgresql_databases) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of a store that does not exist yet, on each database in turn."""
    given: str = request.getfixturevalue(f"{request.param}_url")
    return given


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open store."""
    with Store.open(url) as opened:
        yield opened


@pytest.fixture
def incident() -> Incident:
    """An open incident."""
    return Incident(incident_id="i-2026", target="optimo", fix_mode=FixMode.AUTO, iterations=10, opened_at=AT)


@pytest.fixture
def attempt() -> AttemptRecord:
    """A failed attempt."""
    return AttemptRecord(
        number=1, job_name="optimo-1", job_id="j-1", definition="optimo:3", state=JobState.FAILED, submitted_at=AT
    )


@pytest.fixture
def change() -> ChangeRecord:
    """A planned change."""
    return ChangeRecord(
        change_id="c-1",
        attempt=1,
        remedy="set_environment",
        level=AutonomyLevel.REVERSIBLE,
        summary="set SOLVER_THREADS",
        diff="+SOLVER_THREADS",
        permanent="add it to the job definition",
        undo="submit without it",
        cause=Cause.MISSING_ENV_VAR,
        state=ChangeState.PLANNED,
        note="approved by Ada",
        planned_at=AT,
    )


@pytest.fixture
def occurrence() -> Occurrence:
    """The failure of the attempt, as it is counted."""
    return Occurrence(
        incident_id="i-2026",
        attempt=1,
        target="optimo",
        queue="night",
        definition="optimo:3",
        cause=Cause.UNKNOWN,
        signature="none",
        fingerprint="f0f0",
        mould="solver gave up after <n> rounds",
        seen_at=AT,
    )


@pytest.fixture
def evidence() -> Evidence:
    """What was seen of the attempt."""
    return Evidence(
        job=JobSnapshot(
            job_id="j-1",
            name="optimo-1",
            state=JobState.FAILED,
            queue="night",
            definition_arn="arn:aws:batch:us-east-1:000000000000:job-definition/optimo:3",
            environment={"DB_PASSWORD": SecretStr("hunter22hunter22")},
        ),
        log=LogTail(stream="s", lines=(LogLine(at=AT, text="solver gave up after 7 rounds \0 \u00fc"),)),
        collected_at=AT,
    )

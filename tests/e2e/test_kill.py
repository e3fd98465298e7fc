"""`kill -9` at random moments, then the same command again, on jobs that really run."""

from __future__ import annotations

import multiprocessing
import random
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from recloser.values import Incident
from tests.e2e.healer import forked

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess

    from tests.e2e.line import Line


pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(600)]

HEALER = Path(__file__).parent / "healer.py"
RECLOSER = Path(sys.executable).parent / "recloser"
KILLS = 50
LIMIT_S = 60


def test_killed_at_fifty_random_moments_it_resumes(line: Line) -> None:
    """No job twice, no change twice, nothing half-applied left, and every incident ends healed."""
    chance = random.Random(20261121)  # noqa: S311 - a seed makes a failure repeatable
    killed = 0
    while killed < KILLS:
        healer = _forked(line)
        healer.join(chance.uniform(0.02, 1.6))
        if healer.is_alive():
            healer.kill()
            healer.join()
        if healer.exitcode == -signal.SIGKILL:
            killed += 1
        else:
            assert healer.exitcode == 0, line.said.read_text()[-3000:]
            line.reset()
    last = line.command(sys.executable, str(HEALER), str(line.target))
    assert last.wait(LIMIT_S) == 0
    line.reset()
    line.assert_sound()


def _forked(line: Line) -> BaseProcess:
    """A healing in a process of its own; it is forked from one that has imported everything, so each start is cheap."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.e2e.healer"])
    healer = forks.Process(target=forked, args=(str(line.target), line.environment, str(line.said)), daemon=True)
    healer.start()
    return healer


def test_the_command_and_its_prefect_server_can_be_killed(line: Line, tmp_path: Path) -> None:
    """Killed while watching, with and without its server; the next command resumes and sweeps what was left."""
    line.environment["PREFECT_HOME"] = str(tmp_path / "prefect")
    before = len(line.incidents()) if (line.folder / "home" / "recloser.db").exists() else 0
    servers: list[psutil.Process] = []
    for attempts, with_server in ((1, False), (3, True)):
        heal = line.command(str(RECLOSER), "heal", str(line.target))
        _until(lambda attempts=attempts: _attempts(line, before) >= attempts, line.said)
        server = _server_of(heal)
        heal.kill()
        heal.wait()
        if with_server:
            server.send_signal(signal.SIGKILL)
        servers.append(server)
    last = line.command(str(RECLOSER), "heal", str(line.target))
    assert last.wait(LIMIT_S * 2) == 0
    assert [server for server in servers if _is_running(server)] == []
    assert len(line.incidents()) == before + 1
    line.reset()
    line.assert_sound()


def test_a_process_that_died_before_its_report_is_followed_by_one_that_writes_it(line: Line) -> None:
    """The healer closes its incident and writes no report; the same command again brings it, beside its own."""
    healer = line.command(sys.executable, str(HEALER), str(line.target))
    assert healer.wait(LIMIT_S) == 0
    line.reset()
    died = line.incidents()[-1]
    report = line.folder / "home" / "incidents" / died.incident_id
    assert not report.exists()
    heal = line.command(str(RECLOSER), "heal", str(line.target))
    assert heal.wait(LIMIT_S * 2) == 0
    line.reset()
    assert "before it could write this one" in line.said.read_text()
    assert died.incident_id in (report / "incident.md").read_text()
    assert Incident.model_validate_json((report / "incident.json").read_text()) == died
    latest = line.incidents()[-1].incident_id
    assert (line.folder / "home" / "incidents" / latest / "incident.md").is_file()


def _attempts(line: Line, before: int) -> int:
    if not (line.folder / "home" / "recloser.db").exists():
        return 0
    incidents = line.incidents()
    return len(incidents[-1].attempts) if len(incidents) > before else 0


def _server_of(heal: subprocess.Popen[bytes]) -> psutil.Process:
    children = psutil.Process(heal.pid).children()
    return next(child for child in children if "prefect.server" in " ".join(child.cmdline()))


def _is_running(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _until(happened: Callable[[], bool], said: Path) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not happened():
        assert time.monotonic() < deadline, said.read_text()[-3000:]
        time.sleep(0.02)

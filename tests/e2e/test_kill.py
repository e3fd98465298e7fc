"""`kill -9` at random moments, then the same command again, on jobs that really run."""

from __future__ import annotations

import random
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from recloser.values import ChangeState, Incident, Verdict
from tests.e2e.healer import fork

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

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
        healer = fork(line.target, line.environment, line.said)
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


def test_killed_while_a_grant_is_taken_out_it_is_back_when_the_same_command_ends(own_line: Line) -> None:
    """`--minimise` dies with the grant out of the account, three times, ever later in the trial without it."""
    own_line.declare('definition = "', 'memory_mib = 512, environment = { GREETING = "hello" }, definition = "')
    own_line.allow()
    for later_s in (0.0, 0.2, 0.6):
        healer = fork(own_line.target, own_line.environment, own_line.said, "minimise")
        _until(lambda: _withheld(own_line), own_line.said)
        time.sleep(later_s)
        healer.kill()
        healer.join()
        assert healer.exitcode == -signal.SIGKILL, own_line.said.read_text()[-3000:]
    healer = fork(own_line.target, own_line.environment, own_line.said, "minimise")
    healer.join(LIMIT_S)
    assert healer.exitcode == 0, own_line.said.read_text()[-3000:]
    (incident,) = own_line.incidents()
    assert incident.verdict is Verdict.HEALED, incident.reason
    states = {change.remedy: change.state for change in incident.changes}
    assert states == {"pin_image": ChangeState.VERIFIED, "grant_permission": ChangeState.VERIFIED}
    assert len(own_line.grants()) == 1
    *_, last = [attempt for attempt in incident.attempts if attempt.without == (incident.changes[1].change_id,)]
    assert (last.abandoned, last.succeeded) == ("", False)
    own_line.assert_runs_once()


def _withheld(line: Line) -> bool:
    incidents = line.incidents() if (line.folder / "home" / "recloser.db").exists() else ()
    return any(change.state is ChangeState.WITHHELD for incident in incidents for change in incident.changes)


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

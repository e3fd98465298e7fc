"""`recloser services up`: for a person, until Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from recloser.processes import identity, is_alive
from recloser.target import load_system
from tests.integration.services.conftest import Bench, ask, free_port

WEB = Path(__file__).with_name("web.py")


# Whoever started the tests in the background has SIGINT ignored in all that they start.
HEARING_INTERRUPTS = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from flows.cli import main; main()"
)
PATIENCE_S = 60


def command(bench: Bench, *services: str) -> subprocess.Popen[str]:
    """The command, begun."""
    words = [sys.executable, "-c", HEARING_INTERRUPTS, "services", "up", str(bench.folder), *services]
    environment = os.environ | {"RECLOSER_HOME": str(bench.folder / "home"), "PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, cwd=Path.cwd(), env=environment)


def declare(bench: Bench, name: str, *options: str) -> None:
    """Add a service to the target."""
    port = free_port()
    words = json.dumps([sys.executable, "-S", str(WEB), str(port), *options])
    with (bench.folder / "recloser.toml").open("a") as file:
        file.write(f"[services.{name}]\ncommand = {words}\nport = {port}\nrestarts = 0\n")


def test_services_are_held_until_ctrl_c(bench: Bench) -> None:
    """It says what is up and what is not, with the last words of that; then it leaves nothing."""
    (bench.folder / "recloser.toml").write_text('name = "demo"\n')
    declare(bench, "api")
    declare(bench, "broken", "--say", "no such table", "--exit", "3")
    with command(bench) as run:
        assert run.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = run.stdout.readline()
            assert line, said
            said += line
        assert "api: up after " in said
        assert "broken: not up: it ended with exit code 3 before it was up" in said
        assert "no such table" in said
        process = identity(ask(load_system(bench.folder).services["api"])["pid"])
        run.send_signal(signal.SIGINT)
        assert run.wait(PATIENCE_S) == 0
    assert process is not None
    assert not is_alive(process)


def test_a_start_that_brings_nothing_up_fails(bench: Bench) -> None:
    """Exit code 1, and so for a name that is not declared."""
    (bench.folder / "recloser.toml").write_text('name = "demo"\n')
    declare(bench, "broken", "--exit", "3")
    with command(bench) as run, command(bench, "api") as other:
        assert (run.wait(PATIENCE_S), other.wait(PATIENCE_S)) == (1, 1)
        assert other.stderr is not None
        assert other.stderr.read().startswith("recloser: demo declares no service 'api'; there are: broken")

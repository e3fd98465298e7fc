"""How soon services are up, how soon they are back, and what is left of them: beside the gates.

Run `make bench ONLY=services`; it takes about half a minute. The exit code is 1 when a gate is missed.

One small HTTP service of the standard library is started, killed, stopped and orphaned, a few turns each; the shortest
turn counts, since others may use the machine, and the longest is printed beside it. "Up" and "back" are seen from
outside, by asking the service itself every 5 ms. The floor is the same service started by nobody: fork, exec, and its
own imports.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import psutil

from recloser.services import Supervisor
from recloser.services.ports import free_port
from recloser.target import Service, System

if TYPE_CHECKING:
    from collections.abc import Callable

TURNS = 7
WEB = Path(__file__).parents[1] / "tests/integration/services/web.py"
RUN = Path(__file__).parents[1] / "tests/integration/services/run.py"
CRASH_S, HANG_S, ORPHAN_S = 0.3, 2.0, 2.0
GIVE_UP_S = 60.0


def main() -> int:
    """Measure, print, and say whether all gates hold."""
    print(
        f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; shortest and longest of {TURNS} turns"
    )
    with tempfile.TemporaryDirectory() as folder:
        missed = [
            _show("first healthy, started by nobody", _turns(lambda: _floor(Path(folder)))),
            _show("first healthy", _turns(lambda: _first(Path(folder)))),
            _show("back after SIGKILL", _turns(lambda: _back(Path(folder), signal.SIGKILL)), CRASH_S),
            _show("back after SIGSTOP", _turns(lambda: _back(Path(folder), signal.SIGSTOP)), HANG_S),
            _show("crash loop of 3 restarts given up", _turns(lambda: _crash_loop(Path(folder)))),
            _show("all gone after kill -9 of the run", gone := _turns(lambda: _orphaned(Path(folder), 2)), ORPHAN_S),
        ]
        left = sum(turn == GIVE_UP_S for turn in gone)
        print(f"{'services and grandchildren left over':<44} {left:>6}                <= 0")
    _cost()
    return int(any(missed) or left > 0)


def _cost() -> None:
    with tempfile.TemporaryDirectory() as folder, Supervisor(_system(Path(folder)), home=Path(folder)) as supervisor:
        supervisor.start()
        used, asked = time.process_time(), time.monotonic()
        time.sleep(5)
        share = (time.process_time() - used) / (time.monotonic() - asked)
        guardian = psutil.Process(_answer(_system_port(supervisor))["pid"]).parent()
        memory = guardian.memory_info().rss / 2**20 if guardian else 0.0
        print(f"watching one service costs {share:.1%} of a processor; its guardian holds {memory:.0f} MiB")


def _show(name: str, turns: list[float], gate: float | None = None) -> bool:
    told = "" if gate is None else f"<= {gate:g} s"
    missed = gate is not None and min(turns) > gate
    print(f"{name:<44} {min(turns):>6.3f} to {max(turns):>6.3f} s  {told}{'  MISSED' if missed else ''}")
    return missed


def _turns(measure: Callable[[], float]) -> list[float]:
    return [measure() for _ in range(TURNS)]


def _system(folder: Path, *options: str) -> System:
    port = free_port()
    command = ("{python}", "-S", str(WEB), str(port), *options)
    return System(name="bench", folder=folder, services={"web": Service(command=command, port=port)})


def _system_port(supervisor: Supervisor) -> int:
    return int(supervisor._system.services["web"].port or 0)  # noqa: SLF001 - nobody else needs it


def _answer(port: int) -> dict[str, int]:
    with urlopen(f"http://127.0.0.1:{port}/", timeout=0.5) as answer:
        return dict(json.load(answer))


def _until(condition: Callable[[], bool]) -> float:
    began = time.monotonic()
    while time.monotonic() - began < GIVE_UP_S:
        with contextlib.suppress(OSError):
            if condition():
                return time.monotonic() - began
        time.sleep(0.005)
    return GIVE_UP_S


def _floor(folder: Path) -> float:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-S", str(WEB), str(port)], cwd=folder, stdout=subprocess.DEVNULL
    ) as process:
        took = _until(lambda: bool(_answer(port)))
        process.kill()
    return took


def _first(folder: Path) -> float:
    began = time.monotonic()
    with Supervisor(_system(folder), home=folder) as supervisor:
        supervisor.start()
        return time.monotonic() - began


def _back(folder: Path, number: signal.Signals) -> float:
    with Supervisor(_system(folder), home=folder) as supervisor:
        supervisor.start()
        port = _system_port(supervisor)
        pid = _answer(port)["pid"]
        os.kill(pid, number)
        return _until(lambda: _answer(port)["pid"] != pid)


def _crash_loop(folder: Path) -> float:
    began = time.monotonic()
    with Supervisor(_system(folder, "--exit", "3"), home=folder) as supervisor:
        supervisor.start()
        return time.monotonic() - began


def _orphaned(folder: Path, grandchildren: int) -> float:
    """Seconds until nothing is left of a killed run's services."""
    system = _system(folder, "--child", str(folder / "child"))
    service = system.services["web"]
    declared = f'name = "bench"\n[services.web]\ncommand = {json.dumps(service.command)}\nport = {service.port}\n'
    (folder / "recloser.toml").write_text(declared)
    with subprocess.Popen(
        [sys.executable, str(RUN), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        if run.stdout is not None:
            run.stdout.readline()
        started = psutil.Process(_answer(service.port or 0)["pid"])
        left = [started, *started.children(recursive=True)]
        if len(left) != grandchildren:
            raise SystemExit(f"expected {grandchildren} processes, found {left}")
        run.kill()
        return _until(lambda: not any(process.is_running() for process in left))


if __name__ == "__main__":
    sys.exit(main())

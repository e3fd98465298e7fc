"""A bench for services: small real ones, run by a supervisor that is always stopped."""

from __future__ import annotations

import json
import socket
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from recloser.processes import wait_until
from recloser.services import Supervisor
from recloser.target import Service, System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.values import ServiceRun

WEB = Path(__file__).with_name("web.py")
PATIENCE_S = 30.0
"""No test waits for so long unless it fails."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass(frozen=True)
class Bench:
    """Declares, runs and asks services."""

    folder: Path
    stack: ExitStack

    def web(self, *options: object, port: int | None = None, **declared: Any) -> Service:
        """A service that answers by HTTP."""
        port = port or free_port()
        command = (sys.executable, "-S", str(WEB), str(port), *map(str, options))
        return Service(command=command, port=port, **declared)

    def system(self, **services: Service) -> System:
        """A target with these services."""
        return System(name="demo", folder=self.folder, services=services)

    def supervisor(self, system: System, **options: Any) -> Supervisor:
        """Its supervisor; stopped when the test ends."""
        return self.stack.enter_context(Supervisor(system, home=self.folder / "home", **options))

    def run(self, **services: Service) -> Supervisor:
        """Start these services; return when each is up or given up."""
        supervisor = self.supervisor(self.system(**services))
        supervisor.start()
        return supervisor


def ask(service: Service) -> dict[str, Any]:
    """What a web service answers."""
    with urlopen(f"http://127.0.0.1:{service.port}/", timeout=10) as answer:
        return dict(json.load(answer))


def result(supervisor: Supervisor, name: str) -> ServiceRun:
    """What one service has come to."""
    return next(run for run in supervisor.results() if run.name == name)


def eventually(condition: Any) -> None:
    """Wait until something holds."""
    assert wait_until(condition, PATIENCE_S)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench in a folder of its own."""
    with ExitStack() as stack:
        yield Bench(tmp_path, stack)

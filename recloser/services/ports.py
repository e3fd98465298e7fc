"""Who listens on a port of this machine."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from recloser.processes import Identity, identity
from recloser.redaction import shown

if TYPE_CHECKING:
    from recloser.redaction import Redactor

_CONNECT_S = 0.3
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - what is asked instead of these


@dataclass(frozen=True, slots=True)
class Listener:
    """A process that listens on a port; without an identity where the system does not tell."""

    identity: Identity | None

    def described(self, redact: Redactor) -> str:
        """Its number, owner and command line, fit to be shown."""
        if self.identity is None:
            return "a process that this user may not see"
        process = psutil.Process(self.identity.pid)
        with contextlib.suppress(psutil.Error):
            command = shown(" ".join(process.cmdline()) or process.name(), redact, limit=300)
            return f"process {self.identity.pid} of {process.username()}: {command}"
        return f"process {self.identity.pid}"


def reachable(host: str) -> str:
    """The address to ask for what listens on `host`, which may stand for all addresses."""
    return _ANYWHERE.get(host, host)


def listeners(host: str, port: int) -> list[Listener]:
    """Who listens where `host` and `port` are asked; empty when nobody does."""
    found = _seen(reachable(host), port)
    if not found and _takes_connections(reachable(host), port):
        return [Listener(None)]
    return [Listener(None if pid is None else identity(pid)) for pid in sorted(found, key=lambda pid: pid or 0)]


def free_port() -> int:
    """A port of the loopback nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _seen(host: str, port: int) -> set[int | None]:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS tells only root
        return set()
    return {
        found.pid
        for found in connections
        if found.status == psutil.CONN_LISTEN
        and found.laddr
        and found.laddr.port == port
        and _covers(found.laddr.ip, host)
    }


def _covers(address: str, host: str) -> bool:
    return address in {"0.0.0.0", "::", host} or host == "localhost"  # noqa: S104 - compared, not bound


def _takes_connections(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), _CONNECT_S):
        return True
    return False

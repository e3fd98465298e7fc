"""Who listens on a port of this machine."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from recloser.processes import Identity, identity
from recloser.redaction import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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


def takes_connections(host: str, port: int, timeout_s: float) -> bool:
    """Whether somebody listens there.

    A connection to a free port of the range that connections come from can, once in a while, reach itself.

    Raises:
        OSError: Nobody does, or nobody answers in time.
    """
    with socket.create_connection((host, port), timeout_s) as talk:
        return bool(talk.getsockname() != talk.getpeername())


def listeners(host: str, port: int) -> list[Listener]:
    """Who listens where `host` and `port` are asked; empty when nobody does."""
    host = reachable(host)
    if _is_free(host, port):
        return []  # nearly always, and much sooner than by looking through all processes
    pids = _pids(psutil.net_connections, host, port)
    return [Listener(None if pid is None else identity(pid)) for pid in pids or [None]]


def listens(leader: Identity, host: str, port: int) -> Identity | None:
    """The process that listens there, of those below this one."""
    with contextlib.suppress(psutil.Error):
        main = psutil.Process(leader.pid)
        if _pids(main.net_connections, reachable(host), port):
            return leader
        for process in main.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if _pids(process.net_connections, reachable(host), port):
                    return identity(process.pid)
    return None


def free_port() -> int:
    """A port of the loopback nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _pids(connections: Callable[[str], Iterable[Any]], host: str, port: int) -> list[int | None]:
    try:
        found = [one for one in connections("tcp") if one.status == psutil.CONN_LISTEN and one.laddr]
    except psutil.AccessDenied:  # macOS tells only root
        return []
    pids = {getattr(one, "pid", 0) for one in found if one.laddr.port == port and _covers(one.laddr.ip, host)}
    return sorted(pids, key=lambda pid: pid or 0)


def _covers(address: str, host: str) -> bool:
    return address in {"0.0.0.0", "::", host} or host == "localhost"  # noqa: S104 - compared, not bound


def _is_free(host: str, port: int) -> bool:
    try:
        return not takes_connections(host, port, _CONNECT_S)
    except TimeoutError:
        return False  # what hangs listens all the same
    except OSError:
        return True

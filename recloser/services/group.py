"""The processes of one start of a service, behind their guardian."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from recloser.processes import Identity, identity
from recloser.services.errors import NotStartedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from io import FileIO

    Sink = Callable[[bytes], None]

# Imported from its folder, not run by its path: then it is compiled once, not at every start.
_GUARDIAN = "import sys; sys.path.append(sys.argv[1]); import guardian; guardian.main(*sys.argv[2:])"
_SPAWN_S = 30.0
_KILL_S = 10.0
ORPHAN_S = 1.0
"""How long a service may take to end by itself once the process that ran it is gone."""
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group a process runs under, where they are not ours."""

    user: int
    group: int


@dataclass(frozen=True, slots=True)
class Launch:
    """What is started."""

    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    """All of it; nothing is added."""
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None


class Group:
    """A running command with everything it started; nothing of it outlives this process.

    Only one thread may use it; that thread may end at any time.
    """

    def __init__(self, launch: Launch, sink: Sink) -> None:
        """Start the command.

        Args:
            launch: What is started.
            sink: Takes what it prints, in pieces of at most 64 KiB, from a thread of its own.

        Raises:
            NotStartedError: There is no such command, or it may not be run.
        """
        self._status, tell = os.pipe()
        words = "\0".join(launch.command).encode(errors="surrogateescape")
        try:
            self._guardian = _spawn(launch, tell, len(words))
        except OSError as error:
            os.close(self._status)
            raise NotStartedError(f"its guardian cannot be started: {error}") from error
        finally:
            os.close(tell)
        self._facts: dict[str, str] = {}
        self._rest = b""
        self._over = False
        self._orders = cast("FileIO", self._guardian.stdin)
        self._pump = threading.Thread(target=_drain, args=(cast("FileIO", self._guardian.stdout), sink), daemon=True)
        self._pump.start()
        self._order(words)
        self._confirm(launch)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill what is left."""
        self.end(0)

    @property
    def code(self) -> int | None:
        """How the command ended, minus the signal where one ended it; None while it runs or when nobody knows."""
        return int(self._facts["code"]) if "code" in self._facts else None

    @property
    def has_ended(self) -> bool:
        """Whether the command ended, or nobody is left who could tell."""
        return self._over or "code" in self._facts

    @property
    def is_unguarded(self) -> bool:
        """Whether its guardian is gone without having seen to its end."""
        return self._over and "code" not in self._facts

    def fileno(self) -> int:
        """A descriptor that becomes readable when there is something to `hear`."""
        return self._status

    def hear(self, timeout_s: float = 0.0) -> bool:
        """Take in what the guardian says within that time; whether it says no more."""
        while not self._over and readable([self._status], timeout_s):
            chunk = os.read(self._status, _CHUNK)
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            self._facts.update(_fact(line) for line in lines)
            self._over = not chunk
            timeout_s = 0.0
        return self._over

    def end(self, grace_s: float) -> None:
        """End all of it and wait until it is gone: its stop signal, then SIGKILL; may be repeated.

        Args:
            grace_s: How long it may take to end by itself; 0 kills at once.
        """
        if self._guardian.returncode is not None:
            return
        self._order(f"{grace_s if self._runs() else 0}\n".encode())
        try:
            self._guardian.wait(grace_s + _KILL_S)
        except subprocess.TimeoutExpired:
            self._guardian.kill()  # on Linux the service goes with it
            self._guardian.wait()
        self.hear()
        self._pump.join(_KILL_S)
        os.close(self._status)
        self._over = True
        self._orders.close()

    def _runs(self) -> bool:
        self.hear()
        return not self.has_ended

    def _confirm(self, launch: Launch) -> None:
        self.hear(_SPAWN_S)
        if "pid" in self._facts:
            self.leader = _identity(int(self._facts["pid"]))
            self.guardian = _identity(self._guardian.pid)
            return
        self.end(0)
        why = self._facts.get("error", "its guardian ended or did not answer")
        raise NotStartedError(f"{launch.command[0]!r} cannot be started: {why}")

    def _order(self, words: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._orders.write(words)


def readable(descriptors: Iterable[int], timeout_s: float) -> bool:
    """Wait until one of the descriptors can be read; False when none can in time."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, timeout_s) * 1000))


def _drain(output: FileIO, sink: Sink) -> None:
    with output:
        while chunk := output.read(_CHUNK):
            sink(chunk)


def _fact(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode(errors="replace").partition(" ")
    return name, value


def _identity(pid: int) -> Identity:
    return identity(pid) or Identity(pid=pid, started=0)


def _spawn(launch: Launch, status: int, length: int) -> subprocess.Popen[bytes]:
    account = launch.account or Account(-1, -1)
    terms = (os.getpid(), int(launch.stop_signal), ORPHAN_S, account.user, account.group)
    arguments = (Path(__file__).parent, status, length, *terms)
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _GUARDIAN, *map(str, arguments)],
        env=dict(launch.environment),
        cwd=launch.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        pass_fds=[status],
        start_new_session=True,
    )

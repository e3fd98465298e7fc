"""The processes of one start of a service, behind their guardian."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from recloser.processes import Identity, identity
from recloser.services.errors import NotStartedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from io import FileIO

    Sink = Callable[[bytes], None]

_GUARDIAN = Path(__file__).with_name("guardian.py")
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
        try:
            self._guardian = _spawn(launch, tell)
        except OSError as error:
            os.close(self._status)
            raise NotStartedError(f"its guardian cannot be started: {error}") from error
        finally:
            os.close(tell)
        self._facts: dict[str, Any] = {}
        self._rest = b""
        self._over = False
        self._orders = cast("FileIO", self._guardian.stdin)
        self._pump = threading.Thread(target=_drain, args=(cast("FileIO", self._guardian.stdout), sink), daemon=True)
        self._pump.start()
        self._order(json.dumps(_order(launch)))
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
        return self._facts.get("code")

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
            for line in lines:
                self._facts.update(json.loads(line))
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
        self._order(f"{grace_s if self._runs() else 0}")
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
        error = self._facts.get("error")
        leader, guardian = identity(self._facts.get("pid", 0)), identity(self._guardian.pid)
        if error is None and "pid" in self._facts:
            self.leader = leader or Identity(pid=self._facts["pid"], started=0)
            self.guardian = guardian or Identity(pid=self._guardian.pid, started=0)
            return
        self.end(0)
        why = error or "its guardian ended or did not answer"
        raise NotStartedError(f"{launch.command[0]!r} cannot be started: {why}")

    def _order(self, words: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._orders.write(words.encode() + b"\n")


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


def _spawn(launch: Launch, status: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_GUARDIAN), str(status)],
        env=dict(launch.environment),
        cwd=launch.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        pass_fds=[status],
        start_new_session=True,
    )


def _order(launch: Launch) -> dict[str, Any]:
    account = launch.account
    return {
        "command": launch.command,
        "supervisor": os.getpid(),
        "stop_signal": launch.stop_signal,
        "orphan_s": ORPHAN_S,
        "user": account and account.user,
        "group": account and account.group,
    }

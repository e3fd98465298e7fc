"""Processes told apart for certain: a pid alone may have been given to somebody else, pid and start time may not.

It must not know what the processes are for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TICK_S = 0.01
_LOOK_S = 0.05
_STAT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Identity:
    """One process, for ever: its number and when the kernel started it."""

    pid: int
    started: int


def identity(pid: int) -> Identity | None:
    """The process that has this number now; None when there is none or it has ended."""
    started = _started(pid)
    return None if started is None else Identity(pid=pid, started=started)


def is_alive(process: Identity) -> bool:
    """Whether this very process still runs."""
    return _started(process.pid) == process.started


def own_name() -> str:
    """This process, as none other on this machine is ever called: namespace of its number, number, and start."""
    pid = os.getpid()
    found = identity(pid)
    return f"{_namespace()}-{pid}-{found.started if found else 0}"


def has_ended(name: str) -> bool:
    """Whether the process that called itself so is gone; of what is no such name, or of a container, nobody knows."""
    parts = re.fullmatch(r"(\d{1,20})-(\d{1,20})-(\d{1,20})", name, re.ASCII)
    if parts is None or int(parts[1]) != _namespace():
        return False
    return not is_alive(Identity(pid=int(parts[2]), started=int(parts[3])))


def _namespace() -> int:
    """In a container, the same number is another process."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def _started(pid: int) -> int | None:
    if psutil.LINUX:
        return _started_on_linux(pid)
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return int(process.create_time() * 1000)
    return None


def _started_on_linux(pid: int) -> int | None:
    # psutil's create_time moves with the wall clock; the kernel's ticks since boot do not.
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        stat = os.read(descriptor, _STAT_BYTES)
    except ProcessLookupError:
        return None
    finally:
        os.close(descriptor)
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in {b"Z", b"X"} else int(fields[19])


async def gone(process: Identity) -> None:
    """Wait until this very process has ended; it need not be our child."""
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(process.pid)
            try:
                if is_alive(process):  # asked with the descriptor in hand, so it is the one behind it
                    await _readable(descriptor)
            finally:
                os.close(descriptor)
        return
    while is_alive(process):  # noqa: ASYNC110 - nothing tells us
        await asyncio.sleep(_LOOK_S)


async def child_gone(process: Identity) -> None:
    """The same for a child that nobody has waited for: its number is still its own."""
    if not hasattr(os, "pidfd_open"):
        await gone(process)
        return
    descriptor = os.pidfd_open(process.pid)
    try:
        await _readable(descriptor)
    finally:
        os.close(descriptor)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.add_reader(descriptor, _resolve, done)
    try:
        await done
    finally:
        loop.remove_reader(descriptor)


def _resolve(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def in_session(leader: Identity) -> list[int]:
    """The living members of the session this process led, itself included."""
    holder = _started(leader.pid)
    if holder is not None and holder != leader.started:
        return []  # the number belongs to somebody else, so the session has ended
    return [pid for pid in psutil.pids() if session(pid) == leader.pid and _started(pid) is not None]


def session(pid: int) -> int | None:
    """The session a process is in; None when there is no such process."""
    try:
        return os.getsid(pid)
    except OSError:
        return None


def with_variable(name: str, fits: Callable[[str], bool]) -> list[int]:
    """Living processes that were started with variable `name` set to a value that fits."""
    return [pid for pid in psutil.pids() if pid != os.getpid() and fits(_variable(pid, name))]


def _variable(pid: int, name: str) -> str:
    if psutil.LINUX:
        return _variable_on_linux(pid, name)
    try:
        return psutil.Process(pid).environ().get(name, "")
    except (psutil.Error, OSError):
        return ""


def _variable_on_linux(pid: int, name: str) -> str:
    # psutil makes a whole process of each number first, which takes ten times as long
    try:
        environ = b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return ""
    _, found, rest = environ.partition(f"\0{name}=".encode())
    return rest.partition(b"\0")[0].decode("utf-8", "replace") if found else ""


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Signal each process that still exists."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end(find: Callable[[], Iterable[int]], *, grace_s: float) -> bool:
    """Stop what `find` finds: SIGTERM, `grace_s` seconds, then SIGKILL until nothing is found.

    Returns:
        Whether nothing is left; False only for what even SIGKILL does not end within seconds.
    """
    send(find(), signal.SIGTERM)
    if wait_until(lambda: not find(), grace_s):
        return True
    send(find(), signal.SIGKILL)
    return wait_until(lambda: _killed(find), 10.0)


def _killed(find: Callable[[], Iterable[int]]) -> bool:
    # asked anew each time: what is found may fork while it is being killed
    found = list(find())
    send(found, signal.SIGKILL)
    return not found


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Poll until the condition holds; False when it did not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_TICK_S)
    return True

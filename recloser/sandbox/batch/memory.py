"""The memory limit of a job: control groups where they can be used, else a poller of resident memory.

`RLIMIT_AS` is no choice: it counts virtual memory, and a job would see an error instead of its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil

from recloser.sandbox import processes
from recloser.sandbox.batch.launch import MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_POLL_S = 0.05
MIB = 2**20
_CONTROL = "cgroup.subtree_control"


class Limit(Protocol):
    """The guard of one attempt."""

    def enter(self) -> str:
        """The file a process writes `0` to in order to be guarded with all it will fork; empty when there is none."""

    def watch(self, leader: processes.Identity) -> None:
        """Begin, now that the process runs."""

    def members(self) -> list[int]:
        """Processes known to belong to the attempt, beyond those of its session."""

    def exceeded(self) -> bool:
        """Whether something was killed for memory."""

    def close(self) -> None:
        """Remove every trace."""


class Guard(Protocol):
    """A way to limit memory."""

    name: str

    def limit(self, task_id: str, memory_mib: int) -> Limit:
        """Prepare the limit of one attempt."""

    def close(self) -> None:
        """Remove every trace."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """The file names of one version of control groups."""

    limit: str
    swap: str
    events: str


V1 = Flavour("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control")
V2 = Flavour("memory.max", "memory.swap.max", "memory.events")


class CgroupGuard:
    """A control group for each attempt below one for the sandbox."""

    def __init__(self, parent: Path, flavour: Flavour, sandbox: str) -> None:
        self.name = "cgroup v1" if flavour is V1 else "cgroup v2"
        self._flavour = flavour
        self._base = parent / sandbox
        if flavour is V2:
            _delegate(parent, sandbox)
        self._base.mkdir(exist_ok=True)
        if flavour is V2:
            (self._base / _CONTROL).write_text("+memory")

    def limit(self, task_id: str, memory_mib: int) -> CgroupLimit:
        """Make the group of one attempt."""
        folder = self._base / task_id
        folder.mkdir()
        (folder / self._flavour.limit).write_text(str(memory_mib * MIB))
        with contextlib.suppress(OSError):  # absent where the kernel does not account swap
            (folder / self._flavour.swap).write_text("0" if self._flavour is V2 else str(memory_mib * MIB))
        return CgroupLimit(folder, self._flavour.events)

    def close(self) -> None:
        """Remove the sandbox's group."""
        remove_tree(self._base)


@dataclass(frozen=True, slots=True)
class CgroupLimit:
    """One attempt's control group."""

    folder: Path
    events: str

    def enter(self) -> str:
        """The group's list of processes."""
        return str(self.folder / "cgroup.procs")

    def watch(self, leader: processes.Identity) -> None:
        """Nothing: the kernel watches."""

    def members(self) -> list[int]:
        """Every process in the group, whatever session it went to."""
        return members_of(self.folder)

    def exceeded(self) -> bool:
        """Whether the kernel killed something in the group."""
        with contextlib.suppress(OSError):
            counts = dict(line.split() for line in (self.folder / self.events).read_text().splitlines())
            return int(counts.get("oom_kill", "0")) > 0
        return False

    def close(self) -> None:
        """Remove the group; it is empty, but the kernel may need a moment to see that."""
        processes.wait_until(lambda: _removed(self.folder), 1.0)


class PollingGuard:
    """Sums the resident memory of each attempt's session every 50 ms, and kills what is over its limit."""

    name = "poller"

    def __init__(self) -> None:
        self._watched: dict[int, PolledLimit] = {}
        self._task: asyncio.Task[None] | None = None

    def limit(self, task_id: str, memory_mib: int) -> PolledLimit:
        """Prepare one attempt."""
        return PolledLimit(task_id, memory_mib * MIB, self._watched, self._ensure_polling)

    def _ensure_polling(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._poll())

    async def _poll(self) -> None:
        while self._watched:
            for leader, resident in self._resident().items():
                limit = self._watched.get(leader)
                if limit is not None and resident > limit.bytes:
                    limit.kill()
            await asyncio.sleep(_POLL_S)

    def _resident(self) -> dict[int, int]:
        total = dict.fromkeys(self._watched, 0)
        for pid in psutil.pids():
            with contextlib.suppress(OSError, psutil.Error):
                leader = os.getsid(pid)
                if leader in total:
                    total[leader] += psutil.Process(pid).memory_info().rss
        return total

    def close(self) -> None:
        """Stop polling."""
        if self._task is not None:
            self._task.cancel()


@dataclass(slots=True)
class PolledLimit:
    """One attempt that is polled."""

    task_id: str
    bytes: int
    watched: dict[int, PolledLimit]
    begin: Callable[[], None]
    leader: processes.Identity | None = None
    over: bool = field(default=False)

    def enter(self) -> str:
        """There is no group to enter."""
        return ""

    def watch(self, leader: processes.Identity) -> None:
        """Poll this session from now on."""
        self.leader = leader
        self.watched[leader.pid] = self
        self.begin()

    def members(self) -> list[int]:
        """Those that left the session; only what also cleared its environment is missed until `down`."""
        return processes.with_variable(MARK, lambda folder: folder.endswith(f"/{self.task_id}"))

    def kill(self) -> None:
        """End the whole session."""
        self.over = True
        if self.leader is not None:
            processes.send(processes.in_session(self.leader), signal.SIGKILL)

    def exceeded(self) -> bool:
        """Whether it was killed."""
        return self.over

    def close(self) -> None:
        """Poll no more."""
        if self.leader is not None:
            self.watched.pop(self.leader.pid, None)


def choose(root: Path, kind: str = "auto", mounts: Path = Path("/sys/fs/cgroup")) -> Guard:
    """The first guard that works here: cgroup v2, cgroup v1, the poller."""
    if kind == "poller":
        return PollingGuard()
    for parent, flavour in _places(mounts):
        with contextlib.suppress(OSError):
            guard = CgroupGuard(parent, flavour, group_name(root))
            guard.limit("probe", 64).close()
            return guard
    return PollingGuard()


def group_name(root: Path) -> str:
    """The control group of the sandbox with this state folder; the same after a crash."""
    return f"recloser-{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"


def groups(root: Path, mounts: Path = Path("/sys/fs/cgroup")) -> list[Path]:
    """Control groups a sandbox may have left."""
    return [parent / group_name(root) for parent, _ in _places(mounts) if (parent / group_name(root)).is_dir()]


def _places(mounts: Path) -> Iterator[tuple[Path, Flavour]]:
    own = _own_groups()
    if (mounts / "cgroup.controllers").exists():
        yield mounts / own.get("", ""), V2
    if (mounts / "memory").is_dir():
        yield mounts / "memory" / own.get("memory", ""), V1
        yield mounts / "memory", V1


def _delegate(parent: Path, sandbox: str) -> None:
    """Hand memory control down; version 2 allows that only where no process lies, so our own move to a leaf."""
    control = parent / _CONTROL
    if "memory" in control.read_text().split():
        return
    leaf = parent / f"{sandbox}-daemon"
    leaf.mkdir(exist_ok=True)
    own = [pid for pid in members_of(parent) if processes.session(pid) == os.getsid(0)]
    _move(own, leaf)
    try:
        control.write_text("+memory")
    except OSError:
        _move(own, parent)
        _removed(leaf)
        raise


def _move(pids: list[int], group: Path) -> None:
    for pid in pids:
        (group / "cgroup.procs").write_text(str(pid))


def _own_groups() -> dict[str, str]:
    found: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            found |= dict.fromkeys(controllers.split(","), path.strip("/"))
    return found


def members_of(folder: Path) -> list[int]:
    """The processes in a control group."""
    with contextlib.suppress(OSError):
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
    return []


def remove_tree(base: Path) -> None:
    """Remove an empty control group and the empty ones below it."""
    for child in base.iterdir() if base.is_dir() else ():
        if child.is_dir():
            _removed(child)
    _removed(base)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True

"""Memory limits by the kernel's control groups, version 2 where it is delegated to us, else version 1."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recloser import processes
from recloser.sandbox.batch import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOUNTS = Path("/sys/fs/cgroup")
_MIB = 2**20
_MAX_FREE = 32
_PROBE_MIB = 64
# A group is used again when no more than this part of its limit is still charged to it.
_CLEAN = 8
_CONTROL = "cgroup.subtree_control"


@dataclass(frozen=True, slots=True)
class Flavour:
    """The file names of one version of control groups."""

    limit: str
    swap: str
    events: str
    usage: str


V1 = Flavour("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control", "memory.usage_in_bytes")
V2 = Flavour("memory.max", "memory.swap.max", "memory.events", "memory.current")


class CgroupGuard:
    """A control group for each attempt below one for the sandbox."""

    def __init__(self, parent: Path, flavour: Flavour, sandbox: str) -> None:
        self.name = "cgroup v1" if flavour is V1 else "cgroup v2"
        self._flavour = flavour
        self._free: defaultdict[int, list[str]] = defaultdict(list)
        self._emptied: list[str] = []
        self._base = parent / sandbox
        if flavour is V2:
            _delegate(parent, sandbox)
        self._base.mkdir(exist_ok=True)
        if flavour is V2:
            (self._base / _CONTROL).write_text("+memory")

    def probe(self) -> None:
        """Try to make a group.

        Raises:
            OSError: It cannot be done here.
        """
        # by a name of its own: jobs that an earlier endpoint began may be in any other group
        _removed(f"{self._base}/{self._made(f'probe-{os.getpid()}', _PROBE_MIB)}")

    def limit(self, task_id: str, memory_mib: int) -> CgroupLimit:
        """Take the group of an attempt that has ended, or make one: that costs the kernel more than a process."""
        free = self._free[memory_mib]
        group = free.pop() if free else self._made(task_id, memory_mib)
        return CgroupLimit(group, self._base, self._flavour, lambda: self._release(group, memory_mib))

    def resume(self, group: str, task_id: str, memory_mib: int) -> CgroupLimit:
        """The group of an attempt that runs already."""
        if not (self._base / group).is_dir() or not group:
            return self.limit(task_id, memory_mib)
        return CgroupLimit(group, self._base, self._flavour, lambda: self._release(group, memory_mib))

    def _made(self, name: str, memory_mib: int) -> str:
        folder, limit = f"{self._base}/{name}", b"%d" % (memory_mib * _MIB)
        with contextlib.suppress(FileExistsError):
            files.make_folder(folder)
        files.write(f"{folder}/{self._flavour.limit}", limit)
        with contextlib.suppress(OSError):  # absent where the kernel does not account swap
            files.write(f"{folder}/{self._flavour.swap}", b"0" if self._flavour is V2 else limit)
        return name

    def _release(self, group: str, memory_mib: int) -> None:
        free = self._free[memory_mib]
        if len(free) < _MAX_FREE and self._is_clean(group, memory_mib):
            free.append(group)
            return
        # The kernel may need a moment to see that a group is empty: what stays is tried again with the next.
        self._emptied.append(group)
        self._emptied = [one for one in self._emptied if not _removed(f"{self._base}/{one}")]

    def _is_clean(self, group: str, memory_mib: int) -> bool:
        """Whether the last attempt left nothing the next one would feel."""
        limit = CgroupLimit(group, self._base, self._flavour, lambda: None)
        return not limit.exceeded() and limit.used() <= memory_mib * _MIB // _CLEAN

    def close(self) -> None:
        """Remove the sandbox's group; it is empty, but the kernel may need a moment to see that."""
        processes.wait_until(lambda: remove_tree(self._base), 1.0)


@dataclass(frozen=True, slots=True)
class CgroupLimit:
    """The control group of one attempt."""

    group: str
    base: Path
    flavour: Flavour
    release: Callable[[], None]

    def _file(self, name: str) -> str:
        return f"{self.base}/{self.group}/{name}"

    def enter(self) -> str:
        """The group's list of processes."""
        return self._file("cgroup.procs")

    def watch(self, leader: processes.Identity) -> None:
        """Nothing: the kernel watches."""

    def members(self) -> list[int]:
        """Every process in the group, whatever session it went to."""
        with contextlib.suppress(OSError):
            return [int(pid) for pid in files.read(self.enter()).split()]
        return []

    def exceeded(self) -> bool:
        """Whether the kernel killed something in the group."""
        with contextlib.suppress(OSError):
            counts = dict(line.split() for line in files.read(self._file(self.flavour.events)).splitlines())
            return int(counts.get(b"oom_kill", b"0")) > 0
        return False

    def used(self) -> int:
        """Bytes charged to the group."""
        with contextlib.suppress(OSError, ValueError):
            return int(files.read(self._file(self.flavour.usage)))
        return 0

    def close(self) -> None:
        """Give the group back; it is empty."""
        self.release()


def group_name(root: Path) -> str:
    """The control group of the sandbox with this state folder; the same after a crash."""
    return f"recloser-{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"


def groups(root: Path, mounts: Path = MOUNTS) -> list[Path]:
    """Control groups a sandbox may have left."""
    return [parent / group_name(root) for parent, _ in places(mounts) if (parent / group_name(root)).is_dir()]


def places(mounts: Path) -> Iterator[tuple[Path, Flavour]]:
    """Where a control group may be made, the best first."""
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


def remove_tree(base: Path) -> bool:
    """Remove an empty control group and the empty ones below it; whether they are gone."""
    for child in base.iterdir() if base.is_dir() else ():
        if child.is_dir():
            _removed(child)
    return _removed(base)


def _removed(folder: Path | str) -> bool:
    try:
        files.remove_folder(str(folder))
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True

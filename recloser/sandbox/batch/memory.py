"""The memory limit of a job: control groups where they can be used, else a poller of resident memory.

`RLIMIT_AS` is no choice: it counts virtual memory, and a job would see an error instead of its end.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from recloser.sandbox.batch.cgroups import MOUNTS, CgroupGuard, group_name, places
from recloser.sandbox.batch.poller import PollingGuard

if TYPE_CHECKING:
    from pathlib import Path

    from recloser import processes


class Limit(Protocol):
    """The guard of one attempt."""

    @property
    def group(self) -> str:
        """By which name `resume` finds it; empty when it needs none."""

    def enter(self) -> str:
        """The file a process writes `0` to in order to be guarded with all it will fork; empty when there is none."""

    def watch(self, leader: processes.Identity) -> None:
        """Begin, now that the process runs."""

    def members(self) -> list[int]:
        """Every living process of the attempt."""

    def exceeded(self) -> bool:
        """Whether something was killed for memory."""

    def close(self) -> None:
        """The attempt has ended, and all its processes with it."""


class Guard(Protocol):
    """A way to limit memory."""

    name: str

    def limit(self, task_id: str, memory_mib: int) -> Limit:
        """Prepare the limit of one attempt."""

    def resume(self, group: str, task_id: str, memory_mib: int) -> Limit:
        """Take up the limit of an attempt that an earlier endpoint began."""

    def close(self) -> None:
        """Remove every trace."""


def choose(root: Path, kind: str = "auto", mounts: Path = MOUNTS) -> Guard:
    """The first guard that works here: cgroup v2, cgroup v1, the poller."""
    if kind == "poller":
        return PollingGuard()
    for parent, flavour in places(mounts):
        with contextlib.suppress(OSError):
            guard = CgroupGuard(parent, flavour, group_name(root))
            guard.probe()
            return guard
    return PollingGuard()

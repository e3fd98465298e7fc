"""A memory limit without the kernel's help: the resident memory of each attempt is summed every 50 ms."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from recloser import processes
from recloser.sandbox.batch.launch import MARK

if TYPE_CHECKING:
    from collections.abc import Callable

_POLL_S = 0.05
_MIB = 2**20


class PollingGuard:
    """Sums the resident memory of each attempt's session every 50 ms, and kills what is over its limit."""

    name = "poller"

    def __init__(self) -> None:
        self._watched: dict[int, PolledLimit] = {}
        self._task: asyncio.Task[None] | None = None

    def limit(self, task_id: str, memory_mib: int) -> PolledLimit:
        """Prepare one attempt."""
        return PolledLimit(task_id, memory_mib * _MIB, self._watched, self._ensure_polling)

    def resume(self, group: str, task_id: str, memory_mib: int) -> PolledLimit:  # noqa: ARG002 - it needs no group
        """Prepare one attempt that runs already."""
        return self.limit(task_id, memory_mib)

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
    over: bool = False
    group: str = ""

    def enter(self) -> str:
        """There is no group to enter."""
        return ""

    def watch(self, leader: processes.Identity) -> None:
        """Poll this session from now on."""
        self.leader = leader
        self.watched[leader.pid] = self
        self.begin()

    def members(self) -> list[int]:
        """Its session and those that left it; only what also cleared its environment is missed until `down`."""
        left = processes.with_variable(MARK, lambda folder: folder.endswith(f"/{self.task_id}"))
        return [*(processes.in_session(self.leader) if self.leader is not None else ()), *left]

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

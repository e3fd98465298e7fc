"""What belongs to one attempt while it runs, and its removal."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser import processes

if TYPE_CHECKING:
    from recloser.sandbox.batch.launch import Folder
    from recloser.sandbox.batch.memory import Limit
    from recloser.sandbox.batch.shim import Process

_LOOK_AGAIN_S = 0.002
_LOOKS = 2000
_TELL_AGAIN_S = 0.05


@dataclass(slots=True)
class Attempt:
    """One attempt."""

    task_id: str
    folder: Folder
    limit: Limit | None = None
    process: Process | None = None
    _stopping: asyncio.Task[None] | None = None
    _timer: asyncio.TimerHandle | None = None

    def members(self) -> set[int]:
        """Every living process of the attempt."""
        found = set(self.limit.members()) if self.limit is not None else set()
        # It enters its control group by itself, a moment after its start.
        if self.process is not None and self.process.is_alive():
            found.add(self.process.identity.pid)
        return found

    def stop(self, grace_s: float) -> None:
        """Begin to end it: SIGTERM to all its processes, `grace_s` seconds, SIGKILL."""
        self._stopping = asyncio.get_running_loop().create_task(self._stop(grace_s))

    async def _stop(self, grace_s: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace_s
        told: set[int] = set()
        while (left_s := deadline - loop.time()) > 0:
            # What is just being started must be told as well, and each only once.
            fresh = self.members() - told
            processes.send(fresh, signal.SIGTERM)
            settled = bool(told) and not fresh
            told |= fresh
            await asyncio.sleep(left_s if settled else min(left_s, _TELL_AGAIN_S))
        processes.send(self.members(), signal.SIGKILL)

    def keep(self, timer: asyncio.TimerHandle) -> None:
        """Remember the timer of its time limit."""
        self._timer = timer

    async def clear(self) -> None:
        """End what is left of it; its folder is no longer used."""
        for pending in (self._timer, self._stopping):
            if pending is not None:
                pending.cancel()
        if self.process is not None:
            self.process.close()
        # Killed processes take a moment to go, and may have forked meanwhile.
        for _ in range(_LOOKS):
            left = self.members()
            if not left:
                break
            processes.send(left, signal.SIGKILL)
            await asyncio.sleep(_LOOK_AGAIN_S)
        if self.limit is not None:
            self.limit.close()

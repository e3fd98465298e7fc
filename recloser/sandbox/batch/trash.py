"""Folders that are no longer needed, removed by a process of their own: a file system can take its time over that."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from recloser import processes

if TYPE_CHECKING:
    from recloser.sandbox.batch.launch import Folder

_GATHER_S = 0.5
_AT_ONCE = 200


class Trash:
    """Removes what it is given, all that has come together at once."""

    def __init__(self) -> None:
        self._folders: list[Folder] = []
        self._removal: asyncio.Task[None] | None = None

    def put(self, folder: Folder) -> None:
        """Have a folder removed soon."""
        self._folders.append(folder)
        if self._removal is None:
            self._removal = asyncio.get_running_loop().create_task(self._remove())

    async def _remove(self) -> None:
        await asyncio.sleep(_GATHER_S)
        while self._folders:
            folders, self._folders = self._folders[:_AT_ONCE], self._folders[_AT_ONCE:]
            removal = _start([path for folder in folders for path in folder.paths])
            await processes.child_gone(removal)
            os.waitpid(removal.pid, 0)  # noqa: ASYNC222 - it has ended
        self._removal = None

    async def emptied(self) -> None:
        """Wait until everything is gone."""
        if self._removal is not None:
            await self._removal


def _start(paths: list[str]) -> processes.Identity:
    nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    pid = os.posix_spawn("/bin/rm", ["rm", "-rf", "--", *paths], {}, file_actions=nothing)
    return processes.identity(pid) or processes.Identity(pid=pid, started=-1)

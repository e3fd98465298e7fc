"""Folders that are no longer needed, removed in a thread: a file system can take its time over that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recloser.sandbox.batch.launch import Folder


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
        while self._folders:
            folders, self._folders = self._folders, []
            await asyncio.to_thread(_remove_all, folders)
        self._removal = None

    async def emptied(self) -> None:
        """Wait until everything is gone."""
        if self._removal is not None:
            await self._removal


def _remove_all(folders: list[Folder]) -> None:
    for folder in folders:
        folder.remove()

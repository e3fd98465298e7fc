"""A folder that is there whole or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recloser.grid.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def staged_folder(out: Path) -> Iterator[Path]:
    """Hand out a folder beside `out`, and rename it to `out` when the caller is done with it.

    When the caller fails, the folder is removed. When the process is killed, the folder stays under its hidden name
    and the next one that writes there takes it over; the lock on it says that its writer is gone.

    Args:
        out: The folder to be made; it must not exist.

    Raises:
        DatasetError: `out` exists, cannot be made, or is being written by another process.
    """
    if os.path.lexists(out):
        raise DatasetError(f"{out} exists already; name another folder, or remove it first.")
    staging = out.parent / f".{out.name}.partial"
    try:
        staging.mkdir(parents=True, exist_ok=True)
        handle = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise DatasetError(f"{out} cannot be made: {error.strerror}.") from error
    try:
        _lock(handle, staging, out)
        yield from _write(staging, out)
    finally:
        os.close(handle)


def _lock(handle: int, staging: Path, out: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        still_there = os.path.samestat(os.fstat(handle), staging.stat())
    except (BlockingIOError, FileNotFoundError):
        still_there = False
    if not still_there:
        raise DatasetError(f"{out} is being written by another process; wait for it, or name another folder.")


def _write(staging: Path, out: Path) -> Iterator[Path]:
    try:
        _empty(staging)
        yield staging
        _sync(staging)
        staging.rename(out)
    except OSError as error:
        raise DatasetError(f"{out} could not be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)  # gone already when it has its name


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _sync(folder: Path) -> None:
    """See that the content is on the disk before it gets its name."""
    for entry in folder.rglob("*"):
        handle = os.open(entry, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

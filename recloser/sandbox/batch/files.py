"""Small files and folders with as few system calls and objects as there are: used several times for every job."""

from __future__ import annotations

import os

_MAX_BYTES = 65_536


def read(path: str) -> bytes:
    """The beginning of a file, which is all of a small one."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, _MAX_BYTES)
    finally:
        os.close(descriptor)


def write(path: str, data: bytes) -> None:
    """Replace what a file holds; readable by its owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def make_folder(path: str) -> None:
    """Make a folder."""
    os.mkdir(path)  # noqa: PTH102


def remove_folder(path: str) -> None:
    """Remove an empty folder."""
    os.rmdir(path)  # noqa: PTH106

"""A killed `recloser heal` leaves its temporary Prefect server behind: Prefect does not tie the one to the other.

Every process we start carries the mark of the one that started it; the next command ends those whose starter is gone.
"""

from __future__ import annotations

import os
from contextlib import suppress

import psutil

_MARK = "RECLOSER_STARTED_BY"


def mark() -> None:
    """Put this process's mark on everything it starts from here on."""
    process = psutil.Process()
    os.environ[_MARK] = f"{process.pid}|{process.create_time():.2f}"


def sweep() -> int:
    """End marked Prefect servers whose starter is gone.

    Returns:
        How many were ended.
    """
    ended = 0
    for process in psutil.process_iter():
        # Somebody else's process, or one that has ended meanwhile.
        with suppress(psutil.Error):
            if _is_server(process) and _is_orphan(process.environ().get(_MARK)):
                process.terminate()
                ended += 1
    return ended


def _is_server(process: psutil.Process) -> bool:
    return any(word.startswith("prefect.server.api.server:") for word in process.cmdline())


def _is_orphan(started_by: str | None) -> bool:
    if started_by is None:
        return False
    pid, created = started_by.split("|")
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != created
    except psutil.NoSuchProcess:
        return True

"""What the processes of a service have done: what tells one that hangs from one that is busy."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from recloser.processes import Identity

_WAITING = {psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP}


@dataclass(frozen=True, slots=True)
class Effort:
    """What the processes of a service have done so far."""

    cpu_s: float
    """Processor time of all of them."""
    waits: bool
    """Whether one of them waits for a processor or a disk right now."""


def effort(leader: Identity) -> Effort:
    """What this process and all below it have done so far."""
    spent, waits = 0.0, False
    with contextlib.suppress(psutil.Error):
        main = psutil.Process(leader.pid)
        for process in (main, *main.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                spent += times.user + times.system
                waits = waits or process.status() in _WAITING
    return Effort(cpu_s=spent, waits=waits)

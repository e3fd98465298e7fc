"""Nights killed at any moment, and begun again at once: `python killed_nights.py TARGET MARKS SEED`.

Every step of a night and every test of its suites leaves a line in the file of marks; a night is killed when that file
has so many lines, so that each moment of it has its turn, however busy the machine is. Nights are forked from this
process, so that no time goes into imports; the last one ends by itself. It prints how many were killed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import recloser.analytics.comparison  # noqa: F401 - else every night would import it anew
from recloser.nightly import NightNarrator, open_night, write_owed
from recloser.report.nightly import write_night
from recloser.settings import load_settings
from recloser.store import Store

if TYPE_CHECKING:
    from recloser.values import Cycle, CycleReport, Judgement

_LOOK_S = 0.002
_MOST_LINES = 12


class Marker(NightNarrator):
    """Leaves a line at every step."""

    def __init__(self, marks: Path) -> None:
        self._marks = marks

    def opened(self, cycle: Cycle, *, resumed: bool) -> None:
        self._write(f"night {cycle.cycle_id}")

    def began(self, stage: str) -> None:
        self._write(f"began {stage}")

    def ended(self, stage: str, judgement: Judgement, reason: str) -> None:
        self._write(f"stage {stage}")

    def closed(self, report: CycleReport) -> None:
        self._write(f"closed {report.cycle.cycle_id}")

    def _write(self, line: str) -> None:
        with self._marks.open("a") as marks:
            marks.write(f"{line}\n")


def whole_night(target: str, marks: Path) -> None:
    """The steps of the flow, one after the other."""
    settings = load_settings()
    with Store.open(settings.database_url) as store, open_night(target, store, settings, Marker(marks)) as night:
        write_owed(store, night.system, settings.home / "nights")
        night.start_services()
        for name in (name for batch in night.batches for name in batch):
            night.run_suite(name)
        night.stop_services()
        write_night(night.close(), night.suite_runs, night.folder.parent)


def ends_before(child: int, marks: Path, lines: int) -> bool:
    """Whether a night ends by itself before there are so many marks."""
    while len(marks.read_bytes().splitlines()) < lines:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            if status:
                sys.exit(f"a night ended with {os.waitstatus_to_exitcode(status)}")
            return True
        time.sleep(_LOOK_S)
    return False


def begin(target: str, marks: Path) -> int:
    """Fork a night."""
    child = os.fork()
    if child == 0:
        whole_night(target, marks)
        os._exit(0)
    return child


def main(target: str, marks: Path, seed: int) -> int:
    """Kill nights until one has ended; answers how many were killed."""
    chance = random.Random(seed)  # noqa: S311 - a seed makes a failure repeatable
    killed = 0
    while not ends_before(child := begin(target, marks), marks, _lines(marks) + chance.randint(1, _MOST_LINES)):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        killed += 1
    return killed


def _lines(marks: Path) -> int:
    return len(marks.read_bytes().splitlines())


if __name__ == "__main__":
    print(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))  # noqa: T201 - what the test reads

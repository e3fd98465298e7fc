"""What the processes of one run wrote down: read while it runs, and after its death."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Event = dict[str, Any]
INTERRUPTED = "interrupted"
"""What neither passed nor failed, because the run was ended while it ran."""
CRASHED = "crashed"
"""What ran when its process died."""
_MAIN = "main"


@dataclass
class Running:
    """A test that has begun and not ended."""

    test_id: str
    at: float
    """Unix time of its start."""
    position: int


@dataclass
class _Reader:
    """One process' file of events."""

    file: Path
    worker: str
    pid: int
    offset: int = 0
    running: Running | None = None


@dataclass
class Ended:
    """One attempt of one test, as it was written down or inferred."""

    test_id: str
    status: str
    at: float
    duration_s: float
    worker: str
    position: int
    facts: Event = field(default_factory=dict)


class Tape:
    """All events of one run."""

    def __init__(self, folder: Path) -> None:
        """Nothing has been read."""
        self._folder = folder
        self._readers: dict[Path, _Reader] = {}
        self.session: Event | None = None
        """Of the process that speaks for the run; None where no test runner came that far."""
        self.finish: Event | None = None
        """Its last word; None where it died."""
        self.collected: list[str] | None = None
        self.uncollected: dict[str, Event] = {}
        """Files that could not be collected, or skipped themselves."""
        self.ended: list[Ended] = []
        self.overdue: dict[int, str] = {}
        """Processes the runner killed because their test was over its time: pid and stacks."""

    def read(self) -> None:
        """Take in what has been written since the last time."""
        for file in sorted(self._folder.glob("events-*.jsonl")):
            reader = self._readers.get(file)
            if reader is None:
                _, worker, pid = file.stem.split("-", 2)
                reader = self._readers[file] = _Reader(file, "" if worker == _MAIN else worker, int(pid))
            for event in _new_events(reader):
                self._take(reader, event)

    def running(self) -> Iterator[tuple[int, Running]]:
        """Which process is in which test."""
        for reader in self._readers.values():
            if reader.running is not None:
                yield reader.pid, reader.running

    def worker_of(self, pid: int) -> str:
        """What the worker with this pid is called."""
        return next((reader.worker for reader in self._readers.values() if reader.pid == pid), "")

    def stacks(self, pid: int) -> str:
        """What a process dumped when its test was over its time."""
        file = self._folder / f"stacks-{self.worker_of(pid) or _MAIN}.txt"
        try:
            return file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def close(self, *, status: str, reason: str, until: float) -> None:
        """The processes are gone: whatever was running ended with them.

        Args:
            status: What that makes of it, unless it was over its own time.
            reason: Why its process is gone.
            until: Unix time of the end.
        """
        controller_died = self.finish is None and status == CRASHED
        for reader in self._readers.values():
            if reader.worker and controller_died and reader.pid not in self.overdue:
                reader.running = None  # its controller's death took it along: it is run anew, not blamed
            self._cut_off(reader, status, reason, until)

    def blame(self, longest_s: float, reason: str) -> None:
        """Of what the suite's end cut off, what ran for so long is where the time went; the rest only came late."""
        for ended in self.ended:
            if ended.status == INTERRUPTED and ended.duration_s >= longest_s:
                ended.status, ended.facts = "timed-out", {"reason": reason}

    def forget_crashes(self) -> None:
        """Blame no test for the death of its process: the machine did not let another one begin either."""
        self.ended = [ended for ended in self.ended if ended.status != CRASHED]

    def _cut_off(self, reader: _Reader, status: str, reason: str, until: float) -> None:
        running, reader.running = reader.running, None
        if running is None:
            return
        facts = {"reason": reason}
        if reader.pid in self.overdue:
            status, facts = "timed-out", {"stacks": self.overdue[reader.pid]}
        lasted_s = max(until - running.at, 0.0)
        self.ended.append(Ended(running.test_id, status, running.at, lasted_s, reader.worker, running.position, facts))

    def left(self) -> list[str]:
        """What was collected and has not ended, in order."""
        over = {ended.test_id for ended in self.ended}
        return [test_id for test_id in self.collected or () if test_id not in over]

    def _take(self, reader: _Reader, event: Event) -> None:
        kind = event["e"]
        if kind == "start":
            reader.running = Running(event["id"], event["at"], event["n"])
        elif kind == "end" and reader.running is not None:
            running, reader.running = reader.running, None
            status = event["status"]
            ended = Ended(running.test_id, status, running.at, event["d"], reader.worker, running.position, event)
            self.ended.append(ended)
        elif kind == "collected":
            self.collected = event["ids"]
        elif kind == "uncollected":
            self.uncollected.setdefault(event["id"], event)
        elif kind == "session" and not event["worker"]:
            self.session = event
        elif kind == "finish":
            self.finish = event
        elif kind == "down":
            self._worker_is_down(event)

    def _worker_is_down(self, event: Event) -> None:
        for reader in self._readers.values():
            if reader.worker == event["worker"]:
                for last in _new_events(reader):
                    self._take(reader, last)
                self._cut_off(reader, CRASHED, f"its process died: {event['error']}", event["at"])


def _new_events(reader: _Reader) -> Iterator[Event]:
    """Whole lines that were written since the last time.

    The last line of a process that died may be none, nor is one that a full disk cut off: what it said is not known.
    """
    try:
        with reader.file.open("rb") as stream:
            stream.seek(reader.offset)
            data = stream.read()
    except OSError:
        return
    whole = data[: data.rfind(b"\n") + 1]
    reader.offset += len(whole)
    for line in whole.splitlines():
        with suppress(ValueError):
            yield json.loads(line)

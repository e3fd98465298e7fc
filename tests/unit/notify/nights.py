"""Nights with planted findings, and a clock that is set by hand."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from recloser.notify import Announcement, Drained, Sending, announce, drain
from recloser.redaction import Redactor
from recloser.store import Store
from recloser.target import System
from recloser.values import CycleFacts, CycleVerdict, Finding, FindingKind

FIRST = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
TRACKER = "folder:issues"


class HandClock:
    """A clock that only moves when it is told to, or slept on."""

    def __init__(self, at: datetime = FIRST) -> None:
        self.at = at
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.at += timedelta(seconds=seconds)


def failure(name: str, **more: Any) -> Finding:
    """A test that fails."""
    fields: dict[str, Any] = {
        "kind": FindingKind.NEW_FAILURE,
        "fingerprint": f"fp-{name}",
        "title": f"tests/test_{name}.py::test_{name} fails",
        "scope": "suite/unit",
    }
    return Finding(**fields | more)


def facts(night: int, *findings: Finding, **more: Any) -> CycleFacts:
    """What the night of this number found; the suite was judged, and a thousand tests with it."""
    at = FIRST + timedelta(days=night)
    fields: dict[str, Any] = {
        "cycle_id": f"{at:%Y%m%d-%H%M%S}",
        "target": "demo",
        "at": at,
        "verdict": CycleVerdict.RED if findings else CycleVerdict.GREEN,
        "findings": findings,
        "failed": len(findings),
        "judged": 1000,
        "verified": frozenset({"suite/unit"}),
    }
    return CycleFacts(**fields | more)


def tell(store: Store, target: System, found: CycleFacts, tracker: str = TRACKER) -> Announcement:
    """Announce a night in a transaction of its own."""
    with store.outbox.desk() as desk:
        return announce(desk, found, target, Redactor(()), tracker=tracker)


@dataclass
class Office:
    """A target, its store, and the ways to its receivers."""

    store: Store
    target: System
    channels: dict[str, Sending]
    clock: HandClock
    tracker: str = TRACKER

    def declare(self, **tables: Any) -> None:
        """Change what the target declares."""
        self.target = System.model_validate(self.target.model_dump() | tables)

    def tell(self, night: int, *findings: Finding, **more: Any) -> Announcement:
        """Go to the night of this number and announce what it found."""
        self.clock.at = FIRST + timedelta(days=night)
        return tell(self.store, self.target, facts(night, *findings, **more), self.tracker)

    def send(self, limit_s: float = 30.0) -> Drained:
        """Send what is due."""
        return drain(self.store.outbox, self.target.name, self.channels, self.clock, limit_s)

    def night(self, night: int, *findings: Finding, **more: Any) -> Drained:
        """One whole night."""
        self.tell(night, *findings, **more)
        return self.send()

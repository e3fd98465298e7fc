"""What is counted of one service while it runs; several threads may look at it."""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import timedelta

from recloser.values import Judgement, ServiceRun, Spell, utc_now

_MOST_SPELLS = 100


class Tally:
    """Counts of one service, and what it comes to."""

    def __init__(self, name: str) -> None:
        """Nothing is known yet."""
        self._lock = threading.Lock()
        self._name = name
        self._judgement = Judgement.NOT_VERIFIED
        self._reason = "it was not started"
        self._adopted = False
        self._began: float | None = None
        self._ready_s: float | None = None
        self._up = False
        self._down_since: float | None = None
        self._down_s = 0.0
        self._down: deque[Spell] = deque(maxlen=_MOST_SPELLS)
        self._restarts = self._probes = self._lost = 0

    @property
    def up(self) -> bool:
        """Whether it answered when last asked."""
        with self._lock:
            return self._up

    def began(self, *, adopted: bool = False) -> None:
        """It is being started, or was found."""
        with self._lock:
            self._began = time.monotonic()
            self._reason, self._adopted = "the run ended before it was up", adopted

    def answered(self) -> None:
        """A question was answered as it should be."""
        with self._lock:
            now = time.monotonic()
            self._probes += 1
            if self._ready_s is None:
                self._ready_s = now - (self._began or now)
            if not self._restarts:
                self._reason = ""
            self._up, self._judgement = True, Judgement.PASSED
            self._close(now)

    def missed(self) -> None:
        """A question was not answered, or not as it should be; before it first was, that is waiting, not loss."""
        with self._lock:
            self._probes += 1
            if self._ready_s is not None:
                self._lost += 1
                self._down_since = self._down_since or time.monotonic()

    def fell(self, reason: str) -> None:
        """It is down, and why."""
        with self._lock:
            self._up, self._reason = False, reason
            if self._ready_s is not None:
                self._down_since = self._down_since or time.monotonic()

    def restarted(self) -> None:
        """It is started again."""
        with self._lock:
            self._restarts += 1

    def judge(self, judgement: Judgement, reason: str) -> None:
        """It comes to this."""
        with self._lock:
            self._judgement, self._reason = judgement, reason

    def ended(self) -> None:
        """Nothing is asked of it any more; what is down now was down at the end."""
        with self._lock:
            if not self._up and self._judgement is Judgement.PASSED:
                self._judgement = Judgement.FAILED
            self._close(time.monotonic())
            self._up = False

    def run(self, log_tail: str) -> ServiceRun:
        """The counts as they are now; the log only where something went wrong."""
        with self._lock:
            now = time.monotonic()
            still = [_spell(self._down_since, now)] if self._down_since is not None else []
            open_s = now - self._down_since if self._down_since is not None else 0.0
            well = self._judgement is Judgement.PASSED and not self._restarts
            return ServiceRun(
                name=self._name,
                judgement=self._judgement,
                reason=self._reason,
                adopted=self._adopted,
                ready_s=self._ready_s,
                restarts=self._restarts,
                down_s=self._down_s + open_s,
                down=(*self._down, *still),
                probes=self._probes,
                probes_lost=self._lost,
                log_tail="" if well else log_tail,
            )

    def _close(self, now: float) -> None:
        if self._down_since is not None:
            self._down_s += now - self._down_since
            self._down.append(_spell(self._down_since, now))
            self._down_since = None


def _spell(since: float, until: float) -> Spell:
    """A stretch of the monotonic clock, told in the time of people."""
    now = utc_now()
    ago = time.monotonic()
    return Spell(started_at=now - timedelta(seconds=ago - since), ended_at=now - timedelta(seconds=ago - until))

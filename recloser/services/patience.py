"""When a service that does not answer hangs, and when one that keeps ending is given up: rules without clocks."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.services.effort import Effort

FIRST_S, MOST_S = 0.05, 5.0
_IDLE_SHARE = 0.05


def pause_s(restarts: int) -> float:
    """How long to wait before a service is started again, by how often it has been: 50 ms, doubled up to 5 s."""
    return min(FIRST_S * 2.0 ** min(restarts, 16), MOST_S)


@dataclass(slots=True)
class Restarts:
    """How often a service may be started again within a window."""

    most: int
    window_s: float | None
    _at: deque[float] = field(default_factory=deque)

    def allowed(self, now: float) -> bool:
        """Whether it may be started again now; where it may, that is counted."""
        while self._at and self.window_s is not None and self._at[0] <= now - self.window_s:
            self._at.popleft()
        if len(self._at) >= self.most:
            return False
        self._at.append(now)
        return True

    @property
    def recent(self) -> int:
        """How many are in the window."""
        return len(self._at)


@dataclass(slots=True)
class Pulse:
    """Tells a service that hangs from one that is busy: what hangs does nothing."""

    retries: int
    busy_s: float
    _misses: int = 0
    _since: float = 0.0
    _effort: Effort | None = None

    def answered(self) -> None:
        """It did; whatever was missed before does not count any more."""
        self._misses = 0

    def missed(self, now: float, look: Callable[[], Effort]) -> bool:
        """It did not answer, again.

        Args:
            now: Seconds on a clock that does not go back.
            look: What it has done so far; asked only when that matters.

        Returns:
            Whether it hangs.
        """
        self._misses += 1
        if self._misses == 1:
            self._since, self._effort = now, look()
        if self._misses < self.retries:
            return False
        return now - self._since >= self.busy_s or not self._is_busy(now, look())

    def _is_busy(self, now: float, effort: Effort) -> bool:
        before = self._effort.cpu_s if self._effort is not None else 0.0
        return effort.waits or effort.cpu_s - before > _IDLE_SHARE * (now - self._since)

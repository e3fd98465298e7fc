"""The time, handed in where it matters, so that no test waits for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from recloser.values import utc_now

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now(self) -> datetime:
        """The time in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class WallClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The time in UTC."""
        return utc_now()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(seconds, 0.0))

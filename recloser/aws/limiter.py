"""One ceiling for all Batch calls of this process: AWS counts them per account and region, not per client."""

import threading
import time
from collections.abc import Callable


class Limiter:
    """A thread-safe token bucket: holds one second's worth of calls, and makes callers wait for more.

    Args:
        calls_per_s: Sustained rate, in calls per second.
        clock: Monotonic time in seconds.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        calls_per_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = calls_per_s
        self._capacity = max(1.0, calls_per_s)
        self._tokens = self._capacity
        self._clock, self._sleep = clock, sleep
        self._filled_at = clock()
        self._lock = threading.Lock()

    def acquire(self) -> None:
        """Wait until one more call may be made."""
        if (wait_s := self._reserve()) > 0:
            self._sleep(wait_s)

    def _reserve(self) -> float:
        """Take a token, on credit if need be; the seconds until it is really there."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            self._tokens -= 1
            return max(0.0, -self._tokens / self._rate)


_LIMITERS: dict[tuple[str, str, float], Limiter] = {}


def limiter_of(account_id: str, region: str, calls_per_s: float) -> Limiter:
    """The one limiter of this process for an account, a region and a rate."""
    return _LIMITERS.setdefault((account_id, region, calls_per_s), Limiter(calls_per_s))

"""Faults of the API itself: throttling, errors, slow answers, answers that lag behind or forget."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch.model import TERMINAL, BatchError, Document, now_ms

if TYPE_CHECKING:
    from recloser.sandbox.batch.faults import Switches

_JOBS: Final = {"DescribeJobs": "jobs", "ListJobs": "jobSummaryList"}


class Bucket:
    """A token bucket; it holds what a second brings."""

    def __init__(self) -> None:
        self._tokens = 0.0
        self._rate = 0.0
        self._at = 0.0

    def take(self, rate: float, now: float) -> bool:
        """Take a token, if there is one, at `rate` a second; a new rate begins with a full bucket."""
        most = max(rate, 1.0)
        grown = self._tokens + (now - self._at) * rate
        self._tokens = min(most, grown) if rate == self._rate else most
        self._rate, self._at = rate, now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Distortions:
    """What the faults in force do to each call; used from the event loop."""

    def __init__(self, switches: Switches, *, seed: int | None = None) -> None:
        self._switches = switches
        self._bucket = Bucket()
        self._random = random.Random(seed)  # noqa: S311 - a share of calls, no secret

    async def before(self) -> None:
        """Hold a call up, or refuse it.

        Raises:
            BatchError: 429 over the rate, 500 for the share of calls that fail.
        """
        faults = self._switches.now
        if faults.slow_answer_s:
            await asyncio.sleep(faults.slow_answer_s)
        if faults.throttle_tps and not self._bucket.take(faults.throttle_tps, time.monotonic()):
            raise BatchError("Too Many Requests", code="TooManyRequestsException", status=429)
        if self._random.uniform(0, 100) < faults.api_error_percent:
            raise BatchError("Internal server error", code="ServerException", status=500)

    def after(self, operation: str, answer: Document) -> Document:
        """Leave out the jobs that the answer should not know yet, or not any more."""
        member = _JOBS.get(operation)
        faults = self._switches.now
        lag_s = faults.describe_lag_s if operation == "DescribeJobs" else faults.list_lag_s
        if member is None or not (lag_s or faults.forget_after_s):
            return answer
        youngest = now_ms() - lag_s * 1000
        oldest = now_ms() - faults.forget_after_s * 1000 if faults.forget_after_s else 0
        return {**answer, member: [job for job in answer[member] if _is_known(job, youngest, oldest)]}


def _is_known(job: Document, youngest: float, oldest: float) -> bool:
    ended = job["status"] in TERMINAL and job.get("stoppedAt", oldest) < oldest
    return bool(job["createdAt"] <= youngest and not ended)

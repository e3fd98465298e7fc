"""How long a job may stay as it is before that is a failure of its own: RUNNABLE, STARTING, or RUNNING in silence."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from recloser.values import JobSnapshot, JobState

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.healing.narration import Sighting
    from recloser.target import Watch


class Patience:
    """The patience with one job.

    Args:
        watch: How long each state may last.
        clock: Seconds that only grow.
    """

    def __init__(self, watch: Watch, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed_s = {
            JobState.RUNNABLE: watch.runnable_s,
            JobState.STARTING: watch.starting_s,
            JobState.RUNNING: watch.silent_s,
        }
        self._clock = clock
        self._since = clock()
        self._last: tuple[object, ...] = ()

    def see(self, sighting: Sighting) -> None:
        """Take in a look at the job: whatever has changed is a sign of life."""
        job, row = sighting.job, sighting.row
        shown = (job.state, len(job.attempts), sighting.last_line, sighting.last_line_at, row)
        if shown != self._last:
            self._last = shown
            self.renew()

    def renew(self) -> None:
        """Begin to wait anew."""
        self._since = self._clock()

    @property
    def waited_s(self) -> float:
        """How long nothing has changed."""
        return self._clock() - self._since

    def is_over(self, job: JobSnapshot) -> bool:
        """Whether the job has stayed as it is for longer than its state may last."""
        allowed_s = self._allowed_s.get(job.state)
        return allowed_s is not None and self.waited_s >= allowed_s

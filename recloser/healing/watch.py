"""Watch one job until it ends: Batch's state, the job's own row, and the last line it wrote.

No wait is unbounded, and every sleep is short, so that a cancellation is noticed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from recloser.aws import AwsError
from recloser.healing.errors import WatchTimedOut
from recloser.healing.evidence import read_row
from recloser.healing.narration import Sighting

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.healing.narration import Narrator
    from recloser.healing.site import Site
    from recloser.values import JobSnapshot

_SLICE_S = 0.5
_UNKNOWN_GRACE_S = 120.0
"""DescribeJobs may not know a job just after SubmitJob (Metaflow #543, Airflow #37552)."""


def watch(site: Site, job_id: str, attempt: int, narrator: Narrator, *, polled: Callable[[], None]) -> JobSnapshot:
    """Poll until the job is terminal; `polled` is called at every look.

    Raises:
        WatchTimedOut: It did not end within `watch.timeout_s`, or Batch does not know it any more.
        AwsError: Batch cannot be asked.
    """
    began = known = time.monotonic()
    while True:
        job = site.account.batch.describe([job_id]).get(job_id)
        now = time.monotonic()
        polled()
        if job is not None:
            known = now
            narrator.watching(_sight(site, job, attempt))
            if job.state.is_terminal:
                return job
        _give_up(site, job_id, job, waited_s=now - began, unknown_s=now - known)
        rest(site.target.watch.poll_s)


def _give_up(site: Site, job_id: str, job: JobSnapshot | None, *, waited_s: float, unknown_s: float) -> None:
    if unknown_s > _UNKNOWN_GRACE_S:
        raise WatchTimedOut(f"Batch has not known job {job_id} for {unknown_s:.0f} s; look for it in the console")
    if waited_s > site.target.watch.timeout_s:
        state = job.state if job else "unknown"
        raise WatchTimedOut(
            f"job {job_id} is still {state} after {waited_s:.0f} s (watch.timeout_s); it was left as it is"
        )


def _sight(site: Site, job: JobSnapshot, attempt: int) -> Sighting:
    """What else there is to see; none of it is needed, so none of it may fail the watch."""
    row, line = None, None
    try:
        row = read_row(site, job.job_id)
        if job.log_stream:
            tail = site.account.logs.tail(job.log_stream, lines=1, redact=site.redactor(job))
            line = tail.lines[-1].text if tail.lines else None
    except AwsError:
        pass
    return Sighting(attempt=attempt, job=job, row=row, last_line=line)


def rest(seconds: float) -> None:
    """Sleep in short slices."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _SLICE_S))

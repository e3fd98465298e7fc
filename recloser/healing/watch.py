"""Watch jobs until they end: by events where a queue is given, and by one describer for all of them.

Events come twice, late, out of order, or never: news is merged by rank, so that repeats and delays are harmless, and
a sweep finds what no event told. No wait is unbounded, and every sleep is short, so that a cancellation is noticed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recloser.aws import LOG_GROUP, AwsError
from recloser.healing.doctor import waits_its_turn
from recloser.healing.errors import WatchTimedOut
from recloser.healing.evidence import read_row
from recloser.healing.narration import Sighting
from recloser.healing.patience import Patience
from recloser.values import JobSnapshot, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from recloser.healing.narration import Narrator
    from recloser.healing.site import Site

_SLICE_S = 0.5
_UNKNOWN_GRACE_S = 120.0
"""DescribeJobs may not know a job just after SubmitJob (Metaflow #543, Airflow #37552)."""
_RANK = {state: rank for rank, state in enumerate(JobState)}


def watch(site: Site, job_id: str, attempt: int, narrator: Narrator, *, polled: Callable[[], None]) -> JobSnapshot:
    """Watch one job until it is terminal, or until it is stuck; `polled` is called at every look.

    Returns:
        The job; one that has not ended says for how long it has not moved.

    Raises:
        WatchTimedOut: It did not end within `watch.timeout_s`, or Batch does not know it any more.
        AwsError: Batch cannot be asked.
    """
    patience = Patience(site.target.watch)

    def looked(jobs: Iterable[JobSnapshot]) -> None:
        polled()
        for job in jobs:
            sighting = _sight(site, job, attempt)
            patience.see(sighting)
            narrator.watching(sighting)

    def is_stuck(job: JobSnapshot) -> bool:
        if not patience.is_over(job):
            return False
        if waits_its_turn(site, job):
            patience.renew()
            return False
        return True

    job = watch_all(site, [job_id], looked=looked, is_stuck=is_stuck)[job_id]
    return job if job.state.is_terminal else job.model_copy(update={"stuck_s": patience.waited_s})


def _never(job: JobSnapshot) -> bool:
    del job
    return False


def watch_all(
    site: Site,
    job_ids: Iterable[str],
    *,
    looked: Callable[[Iterable[JobSnapshot]], None],
    is_stuck: Callable[[JobSnapshot], bool] = _never,
) -> dict[str, JobSnapshot]:
    """Watch jobs until all are terminal, or stuck.

    A look costs one DescribeJobs for each hundred jobs that have not ended; with an event queue it costs one
    ReceiveMessage, and the describes only every `watch.sweep_s`.

    Args:
        site: The target in its account.
        job_ids: The jobs.
        looked: Called after every look with what is known of the jobs that had not ended before it.
        is_stuck: Whether a job need not be watched any longer, although it has not ended.

    Returns:
        Each job in its terminal state, or as it was when it was given up as stuck.

    Raises:
        WatchTimedOut: One did not end within `watch.timeout_s`, or Batch does not know it any more.
        AwsError: Batch cannot be asked.
    """
    watched = _Watched(site, set(job_ids))
    while watched.waiting:
        looked(watched.look())
        watched.waiting -= {one for one in watched.waiting & set(watched.known) if is_stuck(watched.known[one])}
        watched.give_up()
        if watched.waiting and site.target.watch.event_queue is None:
            rest(site.target.watch.poll_s)
    return watched.known


@dataclass(slots=True)
class _Watched:
    site: Site
    waiting: set[str]
    known: dict[str, JobSnapshot] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    described: float = float("-inf")
    last_known: dict[str, float] = field(default_factory=dict)

    def look(self) -> list[JobSnapshot]:
        """Take in what is new and return what is known of the jobs that were waiting."""
        before = set(self.waiting)
        ended = self._listen()
        if ended or self._sweep_is_due():
            self._describe()
        return [self.known[job_id] for job_id in sorted(before) if job_id in self.known]

    def _listen(self) -> bool:
        """Whether an event told of an end: the describe that follows has the whole truth of it."""
        watch = self.site.target.watch
        if watch.event_queue is None:
            return False
        try:
            events = self.site.account.events.receive(watch.event_queue, wait_s=watch.poll_s)
        except AwsError:  # a queue that cannot be read, or holds nonsense, is no reason not to know
            rest(watch.poll_s)
            return True
        ours = [event for event in events if event.job.job_id in self.waiting]
        for event in ours:
            self.known[event.job.job_id] = later(self.known.get(event.job.job_id), event.job)
        self.site.account.events.forget(watch.event_queue, ours)
        return any(event.job.state.is_terminal for event in ours)

    def _sweep_is_due(self) -> bool:
        watch = self.site.target.watch
        every_s = 0.0 if watch.event_queue is None else watch.sweep_s
        return time.monotonic() - self.described >= every_s

    def _describe(self) -> None:
        self.described = time.monotonic()
        for job_id, job in self.site.account.batch.describe(sorted(self.waiting)).items():
            self.last_known[job_id] = self.described
            # A sweep is the truth, where an event is only news of it.
            self.known[job_id] = job if job.state.is_terminal else later(self.known.get(job_id), job)
        self.waiting -= {job_id for job_id, job in self.known.items() if job.state.is_terminal}

    def give_up(self) -> None:
        """End a wait that has no end."""
        now = time.monotonic()
        for job_id in sorted(self.waiting):
            unknown_s = now - self.last_known.get(job_id, self.began)
            if unknown_s > max(_UNKNOWN_GRACE_S, 2 * self.site.target.watch.sweep_s):
                raise WatchTimedOut(
                    f"Batch has not known job {job_id} for {unknown_s:.0f} s; look for it in the console"
                )
            waited_s = now - self.began
            if waited_s > self.site.target.watch.timeout_s:
                job = self.known.get(job_id)
                raise WatchTimedOut(
                    f"job {job_id} is still {job.state if job else 'unknown'} after {waited_s:.0f} s "
                    "(watch.timeout_s); it was left as it is"
                )


def later(known: JobSnapshot | None, news: JobSnapshot) -> JobSnapshot:
    """The later of two views of one job, whatever order they came in.

    A terminal state never changes; RUNNABLE after RUNNING is later only if another attempt has ended.
    """
    if known is None:
        return news
    if known.state.is_terminal:
        return known
    return news if _rank(news) >= _rank(known) else known


def _rank(job: JobSnapshot) -> tuple[bool, int, int]:
    return job.state.is_terminal, len(job.attempts), _RANK[job.state]


def _sight(site: Site, job: JobSnapshot, attempt: int) -> Sighting:
    """What else there is to see; none of it is needed, so none of it may fail the watch."""
    row, line = None, None
    try:
        row = read_row(site, job.job_id)
        if job.log_stream:
            group = job.log_options.get("awslogs-group", LOG_GROUP)
            tail = site.account.logs.tail(job.log_stream, lines=1, redact=site.redactor(job), group=group)
            line = tail.lines[-1] if tail.lines else None
    except AwsError:
        pass
    return Sighting(
        attempt=attempt, job=job, row=row, last_line=line.text if line else None, last_line_at=line.at if line else None
    )


def rest(seconds: float) -> None:
    """Sleep in short slices."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _SLICE_S))

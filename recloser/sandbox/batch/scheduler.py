"""Who runs next: first in, first out within a queue, queues by priority, only where it fits.

It decides; the roster records, the runner carries out. Used from the event loop only.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from recloser.sandbox.batch.endings import HOST_LOST, QUEUE_DELETED, record
from recloser.sandbox.batch.faults import MOST_SUBMITTED
from recloser.sandbox.batch.limits import TimeLimits
from recloser.sandbox.batch.model import TERMINAL, WAITING, BatchError, Document, Job
from recloser.sandbox.batch.placement import Capacity, Host, enabled, environment_of
from recloser.sandbox.batch.roster import Roster

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from recloser.sandbox.batch.arrays import Arrays
    from recloser.sandbox.batch.store import Store

ENVIRONMENT: Final = "compute-environment"
QUEUE: Final = "job-queue"
_AT_ONCE: Final = 500  # freed jobs judged between two answers of the API


class Runs(Protocol):
    """What carries out an attempt."""

    def run(self, job: Job, environment: str) -> Coroutine[None, None, None]:
        """Run an attempt on the named compute environment until its end is recorded: the job's, or its return."""

    def reattach(self, job: Job) -> Coroutine[None, None, None]:
        """See the running attempt that an earlier process began to its end."""

    def stop(self, job: Job, ending: Document, grace_s: float | None = None) -> None:
        """End the running attempt; it will say `ending`."""


class Scheduler:
    """Gives every job that has not ended its turn."""

    def __init__(
        self,
        store: Store,
        runner: Runs,
        host: Host | None = None,
        *,
        scaled: Callable[[float], float] = lambda seconds: seconds,
        most_submitted: Callable[[], int] = lambda: MOST_SUBMITTED,
        short_of: Callable[[], str] = str,
    ) -> None:
        """Begin with no job.

        Args:
            store: Where jobs, queues and compute environments are.
            runner: Carries out attempts.
            host: The machine; this one by default.
            scaled: How long AWS's seconds last here.
            most_submitted: How many jobs of one queue may be SUBMITTED.
            short_of: Region whose compute environments get no instance; none when it is empty.
        """
        self._store = store
        self._runner = runner
        self._roster = Roster(store)
        self._capacity = Capacity(host or Host(), short_of)
        self._most_submitted = most_submitted
        self._limits = TimeLimits(self._cancel_blocker, scaled)
        self._blocked: list[Callable[[Job], None]] = []
        self._lines: defaultdict[str, deque[Job]] = defaultdict(deque)
        self._running: set[asyncio.Task[None]] = set()
        self._placing = False
        self._closed = False

    @property
    def live(self) -> dict[str, Job]:
        """Every job that has not ended, by id."""
        return self._roster.live

    @property
    def arrays(self) -> Arrays:
        """The books of the arrays that have not ended."""
        return self._roster.arrays

    def on_block(self, callback: Callable[[Job], None]) -> None:
        """Have every job told that comes to block its queue; its status reason says why."""
        self._blocked.append(callback)

    def jobs_on(self, environment: str) -> int:
        """How many jobs run on the compute environment of this ARN."""
        return self._capacity.jobs_on(environment)

    def front(self, queue: str, limit: int) -> list[Job]:
        """The next jobs of the queue of this ARN, the one that is due first."""
        return list(islice((job for job in self._lines[queue] if job.status == "RUNNABLE"), limit))

    def check_room(self, queue: str, count: int) -> None:
        """Refuse `count` more jobs where they would be too many in SUBMITTED.

        Raises:
            BatchError: The queue holds as many as it may.
        """
        most = self._most_submitted()
        if len(self._roster.freed) + count > most and self._roster.submitted(queue) + count > most:
            raise BatchError(f"Job Queue {queue} can hold at most {most} jobs in SUBMITTED state")

    def accept(self, job: Job, children: Sequence[Job] = (), doom: str | None = None) -> None:
        """Take a job whose row is written, and with an array its children; with a `doom` only to fail it."""
        self._roster.enter(job, children)
        if doom is None:
            self._roster.arrange(job, children)
        else:
            self._roster.end([(job, {"statusReason": doom})])
        self._wake()

    def reconsider(self) -> None:
        """Judge the waiting jobs anew: a queue or a compute environment has changed."""
        self._wake()

    def _wake(self) -> None:
        # after the current call has answered, and once for all that happens until then
        if not self._placing and not self._closed:
            self._placing = True
            asyncio.get_running_loop().call_soon(self._place)

    def _place(self) -> None:
        self._placing = False
        if self._closed:
            return
        for job in self._roster.advance(_AT_ONCE):
            self._lines[job.queue].append(job)
        known = {document["computeEnvironmentArn"]: document for document in self._store.every_resource(ENVIRONMENT)}
        taken: set[str] = set()
        for queue in sorted(self._store.every_resource(QUEUE), key=lambda queue: -int(queue["priority"])):
            self._place_queue(queue, enabled(queue, known), taken)
        if self._roster.freed:
            self._wake()

    def _place_queue(self, queue: Document, environments: list[Document], taken: set[str]) -> None:
        line = self._lines[queue["jobQueueArn"]]
        while (head := _head(line)) is not None:
            environment = self._capacity.room_for(head, environments, taken)
            if environment is None:
                break
            self._start(line.popleft(), environment)
        if head is not None:
            self._explain(head, self._capacity.obstacle(head, environments, taken))
        self._limits.look(queue, head)
        if head is not None and self._capacity.misfit(head, environments) is None:
            # The head waits for capacity: queues of lower priority must not take it away.
            taken.update(environment["computeEnvironmentArn"] for environment in environments)

    def _explain(self, head: Job, reason: str | None) -> None:
        if head.detail.get("statusReason") != reason:
            head.detail.pop("statusReason", None)
            if reason is not None:
                head.detail["statusReason"] = reason
            self._store.save_job(head)
            for callback in self._blocked if reason is not None else ():
                callback(head)

    def _start(self, job: Job, environment: Document) -> None:
        self._capacity.take(job, environment)
        job.detail["status"] = "STARTING"
        job.detail.pop("statusReason", None)
        self._store.save_job(job)
        self._launch(job, environment, self._runner.run(job, environment["computeEnvironmentName"]))

    def _launch(self, job: Job, environment: Document, course: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._run(job, environment, course))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, job: Job, environment: Document, course: Coroutine[None, None, None]) -> None:
        try:
            await course
        finally:
            self._capacity.release(job, environment)
            self._after(job)

    def _after(self, job: Job) -> None:
        if job.status == "RUNNABLE":  # it is tried again
            job.stop = None
            self._lines[job.queue].append(job)
        else:
            self._roster.ended(job)
        self._wake()

    def cancel(self, region: str, job_id: str, reason: str) -> None:
        """End what waits of a job; what waits for other jobs ends when they have."""
        job = self._find(region, job_id)
        if job is None:
            return
        words = {"statusReason": reason, "isCancelled": True}
        waiting = [one for one in self._roster.family(job) if one.status in WAITING]
        blocked = [one for one in waiting if self._roster.is_blocked(one)]
        if job.is_array and waiting:
            self._roster.mark([job], words)
        self._roster.mark(blocked, words)
        kept = set(blocked)
        self._roster.end((one, words) for one in waiting if one not in kept)
        self._wake()

    def terminate(self, region: str, job_id: str, reason: str) -> None:
        """End a job in any state."""
        job = self._find(region, job_id)
        if job is not None:
            self._terminate(job, reason)

    def _terminate(self, job: Job, reason: str) -> None:
        words = {"statusReason": reason, "isTerminated": True}
        family = self._roster.family(job)
        if job.is_array:
            self._roster.mark([job], words)
        for one in family:
            if one.status not in WAITING:
                self._stop(one, words)
        self._roster.end((one, words) for one in family if one.status in WAITING)
        self._wake()

    def _stop(self, job: Job, ending: Document, grace_s: float | None = None) -> None:
        self._runner.stop(job, ending, grace_s)
        job.stop = job.stop or ending  # its attempt is just ending: no other must follow

    def drop_queue(self, queue: str) -> None:
        """End every job of a queue."""
        for job in [job for job in self.live.values() if job.queue == queue and job.parent_id is None]:
            self._terminate(job, QUEUE_DELETED)

    def _cancel_blocker(self, job: Job, reason: str) -> None:
        self._roster.end([(job, {"statusReason": reason, "isCancelled": True})])
        self._wake()

    def _find(self, region: str, job_id: str) -> Job | None:
        job = self.live.get(job_id)
        return job if job is not None and job.region == region else None

    def resume(self) -> None:
        """Take up what an earlier process left: what waited waits on, what ran is attached to again."""
        families = _families(self._store.unfinished())
        for job, children in families:
            self._roster.enter(job, children, self._store.child_states(job.id) if job.is_array else None)
        for job, children in families:
            for one in children if job.is_array else [job]:
                if one.status == "STARTING":
                    self._start_over(one)
        for job, children in families:
            self._roster.arrange(job, children)
        for one in [one for job, children in families for one in (children if job.is_array else [job])]:
            if one.status == "RUNNABLE":
                self._lines[one.queue].append(one)
            elif one.status == "RUNNING":
                self._reattach(one)
            elif one.status in TERMINAL:
                self._roster.ended(one)
        self._wake()

    def _start_over(self, job: Job) -> None:
        # a command begins only after RUNNING is on disk, so this one has not
        if job.stop is not None:
            record(job.detail, {}, job.stop)
        else:
            job.detail["status"] = "RUNNABLE"
        self._store.save_job(job)

    def _reattach(self, job: Job) -> None:
        environment = environment_of(job)
        self._capacity.take(job, environment)
        self._launch(job, environment, self._runner.reattach(job))

    async def close(self, grace_s: float) -> None:
        """Stop every running job and place no more."""
        self._closed = True
        self._limits.close()
        for job in list(self.live.values()):
            if job.status not in (*WAITING, *TERMINAL):
                self._stop(job, {"statusReason": HOST_LOST}, grace_s)
        if self._running:
            await asyncio.wait(self._running)


def _head(line: deque[Job]) -> Job | None:
    # a job that was ended while it waited leaves the line when it comes to its head
    while line and line[0].status != "RUNNABLE":
        line.popleft()
    return line[0] if line else None


def _families(jobs: Sequence[Job]) -> list[tuple[Job, list[Job]]]:
    found: dict[str, tuple[Job, list[Job]]] = {job.id: (job, []) for job in jobs if job.parent_id is None}
    for job in jobs:
        if job.parent_id in found:
            found[job.parent_id][1].append(job)
    return list(found.values())

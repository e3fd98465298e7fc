"""Every job that has not ended: which wait for which, which belong together, and what one end means for the others.

It changes states and has them recorded. It knows nothing of queues, of compute environments and of processes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from recloser.sandbox.batch.arrays import Arrays
from recloser.sandbox.batch.dependencies import Dependencies, ids_of
from recloser.sandbox.batch.endings import CHILD_FAILED, DEPENDENCY_FAILED, fail
from recloser.sandbox.batch.model import WAITING, Document, Job, now_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recloser.sandbox.batch.arrays import Array
    from recloser.sandbox.batch.store import Store


class Roster:
    """The jobs of one sandbox that have not ended; `freed` are those whose way has become free, oldest first."""

    def __init__(self, store: Store) -> None:
        self.live: dict[str, Job] = {}
        self.arrays = Arrays()
        self.freed: deque[Job] = deque()
        self._store = store
        self._dependencies = Dependencies()
        store.on_transition(self.arrays.note)

    def enter(self, job: Job, children: Sequence[Job], states: Sequence[str] | None = None) -> None:
        """Take a job that is written and has not ended, and with an array its children.

        Args:
            job: The job, or the array's parent.
            children: Those that have not ended.
            states: Of all children, by index; by default those of `children`.
        """
        self.live[job.id] = job
        if job.is_array:
            self.arrays.add(job, [child.status for child in children] if states is None else states)
            size = int(job.detail["arrayProperties"]["size"])
            for child in children:
                child.array_size = size
                self.live[child.id] = child

    def arrange(self, job: Job, children: Sequence[Job]) -> None:
        """Find out what jobs that have been entered wait for, and free those that wait for nothing."""
        doomed = [] if self._depend(job, ids_of(job.detail)) else [job]
        gate = [_gate(job.id)] if self._dependencies.blocks(job.id) else []
        doomed += [child for child in children if not self._depend(child, [*gate, *ids_of(child.detail)])]
        self.freed.extend(children if job.is_array else [job])
        self.end((one, {"statusReason": DEPENDENCY_FAILED}) for one in doomed)
        parent = self._ended_parent(job.id)  # a sandbox that was killed may have left it so
        if parent is not None:
            self._follow(deque([parent]), [parent])

    def _depend(self, job: Job, ids: Iterable[str]) -> bool:
        """Let it wait for those that have not ended; whether none of the others failed."""
        open_ids = []
        for job_id in ids:
            if job_id in self.live or job_id == _gate(job.parent_id):
                open_ids.append(job_id)
            elif self._store.status_of(job_id) == "FAILED":
                return False
        self._dependencies.add(job.id, open_ids)
        return True

    def is_blocked(self, job: Job) -> bool:
        """Whether a job waits for others, itself or with its array."""
        return self._dependencies.blocks(job.id)

    def submitted(self, queue: str) -> int:
        """How many jobs of a queue are SUBMITTED still."""
        return sum(job.queue == queue and job.status == "SUBMITTED" for job in self.freed)

    def advance(self, limit: int) -> list[Job]:
        """Bring up to `limit` freed jobs to RUNNABLE, or to PENDING where they wait after all.

        Returns:
            Those that are RUNNABLE now.
        """
        taken = dict.fromkeys(self.freed.popleft() for _ in range(min(limit, len(self.freed))))
        jobs = [job for job in taken if job.id in self.live and job.status in ("SUBMITTED", "PENDING")]
        parents: dict[str, Job] = {}
        for job in jobs:
            job.detail["status"] = "PENDING" if self.is_blocked(job) else "RUNNABLE"
            parent = self.live.get(job.parent_id or "")
            if parent is not None and parent.status == "SUBMITTED":
                parent.detail["status"] = "PENDING"
                parents[parent.id] = parent
        self._store.save_jobs([*parents.values(), *jobs])
        return [job for job in jobs if job.status == "RUNNABLE"]

    def family(self, job: Job) -> list[Job]:
        """The job itself, or the children of an array that have not ended."""
        array = self.arrays.of(job.id)
        return [job] if array is None else self._living(array)

    def _living(self, array: Array) -> list[Job]:
        return [self.live[job_id] for job_id in array.children() if job_id in self.live]

    def mark(self, jobs: Sequence[Job], words: Document) -> None:
        """Keep what jobs that go on for now will say at their end."""
        for job in jobs:
            job.detail.update(words)
        self._store.save_jobs(jobs)

    def end(self, endings: Iterable[tuple[Job, Document]]) -> None:
        """Fail jobs that wait, and all that hangs on them."""
        changed: list[Job] = []
        work = deque(one for job, words in endings for one in self._fail(job, words, changed))
        self._follow(work, changed)

    def ended(self, job: Job) -> None:
        """A job has ended by itself and is recorded; see to all that hangs on it."""
        self._follow(deque([job]), [])

    def _fail(self, job: Job, words: Document, changed: list[Job]) -> list[Job]:
        """Make a job FAILED; of an array every child, and the parent with the last of them."""
        if job.is_array:
            job.detail.update(_last_words(job.detail, words))
        failed = [one for one in self.family(job) if one.status in WAITING]
        for one in failed:
            fail(one.detail, _last_words(one.detail, words))
            self.arrays.note(one)
        changed.extend(failed)
        return failed

    def _follow(self, work: deque[Job], changed: list[Job]) -> None:
        while work:
            job = work.popleft()
            self.live.pop(job.id, None)
            self._dependencies.forget(job.id)
            if job.status == "SUCCEEDED":
                self._free(self._dependencies.succeeded(job.id), work, changed)
            else:
                for job_id in self._dependencies.failed(job.id):
                    work.extend(self._fail(self.live[job_id], {"statusReason": DEPENDENCY_FAILED}, changed))
            parent = self._ended_parent(job.parent_id)
            if parent is not None:
                changed.append(parent)
                work.append(parent)
        self._store.save_jobs(changed)

    def _free(self, ids: Iterable[str], work: deque[Job], changed: list[Job]) -> None:
        for job_id in ids:
            job = self.live[job_id]
            if job.is_array:
                self._free(self._dependencies.succeeded(_gate(job_id)), work, changed)
            elif job.detail.get("isCancelled"):
                work.extend(self._fail(job, {}, changed))
            else:
                self.freed.append(job)

    def _ended_parent(self, parent_id: str | None) -> Job | None:
        """The array, brought to its end, if its last child has ended."""
        array = self.arrays.of(parent_id)
        verdict = None if array is None else array.verdict()
        if array is None or verdict is None:
            return None
        parent = array.parent
        words = parent.detail.pop("statusReason", CHILD_FAILED)
        parent.detail.update(status=verdict, arrayProperties=array.properties(), stoppedAt=now_ms())
        if verdict == "FAILED":
            parent.detail["statusReason"] = words
        self.arrays.close(parent.id)
        return parent


def _gate(parent_id: str | None) -> str:
    """What an array's children wait for while their parent waits."""
    return f"gate of {parent_id}"


def _last_words(detail: Document, words: Document) -> Document:
    """What a waiting job says at its end: a cancellation it was promised goes before all but termination."""
    if detail.get("isCancelled") and "isTerminated" not in words and "statusReason" in detail:
        return {"statusReason": detail["statusReason"]}
    return words

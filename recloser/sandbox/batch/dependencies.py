"""Which jobs wait for which: what a submission may name, and the graph of those that have not ended.

The graph knows ids only; what a job is and what becomes of it is the roster's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch.model import BatchError, Document, child_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_DEPENDENCIES: Final = 20
N_TO_N: Final = "N_TO_N"
SEQUENTIAL: Final = "SEQUENTIAL"


def check_dependencies(entries: list[Document], size: int | None, look_up: Callable[[str], Document | None]) -> None:
    """Refuse dependencies AWS would not take.

    Args:
        entries: `dependsOn` of the submission.
        size: How many children the new job has; None for a job that is no array.
        look_up: Finds a job's document by id.

    Raises:
        BatchError: It names the entry and what was expected.
    """
    if len(entries) > MAX_DEPENDENCIES:
        raise BatchError(f"dependsOn should name at most {MAX_DEPENDENCIES} jobs, got {len(entries)}")
    for index, entry in enumerate(entries):
        _check_entry(entry, f"dependsOn[{index}]", size, look_up)


def _check_entry(entry: Document, path: str, size: int | None, look_up: Callable[[str], Document | None]) -> None:
    kind, job_id = entry.get("type"), entry.get("jobId")
    if kind is not None and size is None:
        raise BatchError(f"{path}.type {kind} needs an array job; give arrayProperties.size")
    if kind == SEQUENTIAL:
        if job_id:
            raise BatchError(f"{path}.jobId should be absent for type SEQUENTIAL, got {job_id!r}")
        return
    if not job_id:
        raise BatchError(f"{path}.jobId is required")
    found = look_up(job_id)
    if found is None:
        raise BatchError(f"{path}.jobId: job {job_id} does not exist")
    other = found.get("arrayProperties", {}).get("size")
    if kind == N_TO_N and other != size:
        raise BatchError(f"{path}.jobId: type N_TO_N needs an array of size {size}, job {job_id} has size {other}")


def of_child(entries: list[Document], parent: str, index: int) -> list[Document]:
    """What one child of an array waits for by itself; plain dependencies are the parent's."""
    found = [
        {"jobId": child_id(entry["jobId"], index), "type": N_TO_N} for entry in entries if entry.get("type") == N_TO_N
    ]
    if index > 0 and any(entry.get("type") == SEQUENTIAL for entry in entries):
        found.append({"jobId": child_id(parent, index - 1), "type": SEQUENTIAL})
    return found


def ids_of(detail: Document) -> list[str]:
    """The jobs whose end this job as a whole waits for."""
    entries = detail.get("dependsOn", [])
    if "size" in detail.get("arrayProperties", {}):
        entries = [entry for entry in entries if entry.get("type") is None]
    return [entry["jobId"] for entry in entries]


class Dependencies:
    """The graph: an edge from a job to each end it still waits for."""

    def __init__(self) -> None:
        self._awaited: dict[str, set[str]] = {}
        self._waiters: dict[str, dict[str, None]] = {}

    def add(self, waiter: str, awaited: Iterable[str]) -> None:
        """Let a job wait for others."""
        for one in awaited:
            self._awaited.setdefault(waiter, set()).add(one)
            self._waiters.setdefault(one, {})[waiter] = None

    def blocks(self, waiter: str) -> bool:
        """Whether a job still waits."""
        return waiter in self._awaited

    def succeeded(self, awaited: str) -> list[str]:
        """Take away what has come; those that wait for nothing more, in the order they came."""
        freed = []
        for waiter in self._waiters.pop(awaited, ()):
            left = self._awaited[waiter]
            left.discard(awaited)
            if not left:
                del self._awaited[waiter]
                freed.append(waiter)
        return freed

    def failed(self, awaited: str) -> list[str]:
        """Those that waited for what will never come; they wait no more."""
        doomed = list(self._waiters.get(awaited, ()))
        for waiter in doomed:
            self.forget(waiter)
        return doomed

    def forget(self, waiter: str) -> None:
        """Drop a job that has ended before what it waited for."""
        for one in self._awaited.pop(waiter, ()):
            others = self._waiters[one]
            del others[waiter]
            if not others:
                del self._waiters[one]

"""The books of array jobs: how many children are in which state, and what that makes of the parent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from recloser.sandbox.batch.model import BatchError, Document, Job, child_id, now_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_SIZE: Final = 2
MAX_SIZE: Final = 10_000
STATES: Final = ("STARTING", "FAILED", "RUNNING", "SUCCEEDED", "RUNNABLE", "SUBMITTED", "PENDING")


def check_array(properties: Document | None) -> int | None:
    """How many children are asked for; None for a job that is no array.

    Raises:
        BatchError: The size is out of range.
    """
    if not properties:
        return None
    size = properties.get("size")
    if size is None or not MIN_SIZE <= size <= MAX_SIZE:
        raise BatchError(f"arrayProperties.size should be between {MIN_SIZE} and {MAX_SIZE}, got {size}")
    return int(size)


@dataclass(slots=True)
class Array:
    """One array job that has not ended."""

    parent: Job
    states: list[str]
    """Of the children, by index."""
    counts: Counter[str] = field(init=False)
    updated: int = field(default_factory=now_ms)

    def __post_init__(self) -> None:
        """Count."""
        self.counts = Counter(self.states)

    def note(self, index: int, status: str) -> None:
        """A child is in this state now."""
        self.counts[self.states[index]] -= 1
        self.counts[status] += 1
        self.states[index] = status
        self.updated = now_ms()

    def properties(self) -> Document:
        """What the parent shows of its children."""
        summary = {state: self.counts[state] for state in STATES}
        return {"size": len(self.states), "statusSummary": summary, "statusSummaryLastUpdatedAt": self.updated}

    def verdict(self) -> str | None:
        """The parent's end; None while a child has not ended."""
        if self.counts["SUCCEEDED"] == len(self.states):
            return "SUCCEEDED"
        ended = self.counts["SUCCEEDED"] + self.counts["FAILED"]
        return "FAILED" if ended == len(self.states) else None

    def children(self) -> list[str]:
        """Ids of all children."""
        return [child_id(self.parent.id, index) for index in range(len(self.states))]


class Arrays:
    """All array jobs that have not ended."""

    def __init__(self) -> None:
        self._arrays: dict[str, Array] = {}

    def add(self, parent: Job, states: Sequence[str]) -> None:
        """Open the books of an array."""
        self._arrays[parent.id] = Array(parent, list(states))

    def of(self, parent_id: str | None) -> Array | None:
        """The books of this parent."""
        return None if parent_id is None else self._arrays.get(parent_id)

    def note(self, job: Job) -> None:
        """Take down the state of a job, if it is a child."""
        array = self.of(job.parent_id)
        if array is not None:
            array.note(job.index, job.status)

    def close(self, parent_id: str) -> None:
        """Close the books: the parent has ended."""
        self._arrays.pop(parent_id, None)

    def up_to_date(self, document: Document) -> Document:
        """A job's document, for a parent with the counts of this moment."""
        array = self.of(document["jobId"])
        return document if array is None else {**document, "arrayProperties": array.properties()}

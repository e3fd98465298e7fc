"""The books of array jobs."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from recloser.sandbox.batch.arrays import STATES, Array, Arrays, check_array
from recloser.sandbox.batch.model import BatchError, Job


@pytest.mark.parametrize("size", [1, 0, -1, 10_001, None])
def test_sizes_out_of_range_are_refused(size: int | None) -> None:
    """An array has 2 to 10 000 children."""
    with pytest.raises(BatchError, match="arrayProperties.size should be between 2 and 10000"):
        check_array({"size": size, "other": 1})


def test_sizes_in_range_are_taken() -> None:
    """Both limits are inside; no properties, no array."""
    assert [check_array({"size": size}) for size in (2, 10_000)] == [2, 10_000]
    assert check_array(None) is check_array({}) is None


class Books(RuleBasedStateMachine):
    """The books beside a list of states."""

    @initialize(size=st.integers(2, 6))
    def submit(self, size: int) -> None:
        """An array is submitted."""
        self.states = ["SUBMITTED"] * size
        self.books = Arrays()
        self.books.add(Job("r", {"jobId": "p", "arrayProperties": {"size": size}}), self.states)

    @rule(index=st.integers(0, 5), state=st.sampled_from(STATES))
    def move(self, index: int, state: str) -> None:
        """A child changes its state; being told twice changes nothing."""
        if index < len(self.states):
            self.states[index] = state
            child = Job("r", {"jobId": f"p:{index}", "arrayProperties": {"index": index}, "status": state})
            self.books.note(child)
            self.books.note(child)

    @property
    def array(self) -> Array:
        """The open book."""
        found = self.books.of("p")
        assert found is not None
        return found

    @invariant()
    def counts_are_right(self) -> None:
        """The summary counts every child once and shows every state."""
        summary = self.array.properties()["statusSummary"]
        assert summary == {**dict.fromkeys(STATES, 0), **Counter(self.states)}
        assert sum(summary.values()) == self.array.properties()["size"] == len(self.states)

    @invariant()
    def verdict_is_right(self) -> None:
        """SUCCEEDED when all are, FAILED when all have ended otherwise, nothing before."""
        ended = [state in ("SUCCEEDED", "FAILED") for state in self.states]
        expected = None if not all(ended) else "FAILED" if "FAILED" in self.states else "SUCCEEDED"
        assert self.array.verdict() == expected


TestBooks = Books.TestCase


def test_strangers_are_ignored() -> None:
    """Jobs outside arrays, and children of arrays whose books are closed, leave no trace."""
    books = Arrays()
    books.note(Job("r", {"jobId": "single", "status": "RUNNING"}))
    books.note(Job("r", {"jobId": "p:0", "arrayProperties": {"index": 0}, "status": "RUNNING"}))
    assert books.of("p") is None
    assert books.up_to_date({"jobId": "p", "x": 1}) == {"jobId": "p", "x": 1}

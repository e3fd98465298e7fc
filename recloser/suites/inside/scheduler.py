"""Who runs what next: the longest expected first, tests that share a fixture together, and nobody waits.

xdist asks for a scheduler and tells it what happens. A worker runs a test only when it knows the one after it (fixtures
live as long as the next test needs them), so each has at least two; behind a long one waits a short one, because what
waits there can no longer go to whoever is free first.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

AHEAD = 2
"""Tests a worker has to know at least."""
_MOST_S = 0.5
_PARTS = 4
UNSEEN_S = 0.001
"""What a test is expected to take when nothing is known of any."""


class Node(Protocol):
    """A worker, as far as a scheduler sees it."""

    @property
    def shutting_down(self) -> bool:
        """Whether it has been told that nothing more comes."""
        ...

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        """Append to its queue."""
        ...

    def shutdown(self) -> None:
        """Let it finish its queue and end."""
        ...


Key = tuple[str, int]
"""Id of a test, and which of those of that id it is: there may be several."""


class Group:
    """Tests that go to one worker together."""

    def __init__(self, keys: Iterable[Key], expected_s: float, at: int) -> None:
        """Keep the order of collection within it."""
        self.keys = list(keys)
        self.expected_s = expected_s
        self.at = at
        """Where it stands in the collection, which decides between equals."""


def keys_of(ids: Sequence[str]) -> list[Key]:
    """A key for each collected test."""
    seen: dict[str, int] = {}
    keys = []
    for test_id in ids:
        seen[test_id] = seen.get(test_id, -1) + 1
        keys.append((test_id, seen[test_id]))
    return keys


def expectations(ids: Sequence[str], durations: Mapping[str, float]) -> dict[str, float]:
    """Seconds each test is expected to take; unseen ones take the median of the known."""
    known = sorted(durations[test_id] for test_id in ids if test_id in durations)
    unseen = known[len(known) // 2] if known else UNSEEN_S
    return {test_id: max(durations.get(test_id, unseen), UNSEEN_S / 10) for test_id in ids}


def grouped(
    ids: Sequence[str], names: Sequence[str | None], durations: Mapping[str, float], workers: int
) -> list[Group]:
    """What to hand out, longest first.

    Args:
        ids: As collected.
        names: Of each test, the group it belongs to, if any; one that begins with `=` is never parted. Others are cut
            where they alone would take longer than a worker's fair share.
        durations: Seconds that tests are known to take.
        workers: How many share the work.
    """
    expected = expectations(ids, durations)
    share_s = max(sum(expected.values()) / max(workers, 1), UNSEEN_S)
    members: dict[str, list[Key]] = {}
    for at, (key, name) in enumerate(zip(keys_of(ids), names)):  # noqa: B905 - `strict` is newer than what this runs on
        members.setdefault(name or f"?{at}", []).append(key)
    order = {key: at for at, key in enumerate(keys_of(ids))}
    parts = [
        part
        for name, keys in members.items()
        for part in ([keys] if name.startswith("=") else _parts(keys, expected, share_s))
    ]
    groups = [Group(part, sum(expected[test_id] for test_id, _ in part), order[part[0]]) for part in parts]
    return sorted(groups, key=lambda group: (-group.expected_s, group.at) if durations else (0.0, group.at))


def _parts(keys: list[Key], expected: Mapping[str, float], share_s: float) -> list[list[Key]]:
    parts: list[list[Key]] = [[]]
    filled_s = 0.0
    for key in keys:
        if parts[-1] and filled_s + expected[key[0]] > share_s:
            parts.append([])
            filled_s = 0.0
        parts[-1].append(key)
        filled_s += expected[key[0]]
    return parts


class LongestFirst:
    """xdist's scheduling protocol."""

    def __init__(self, workers: int, durations: Mapping[str, float], groups_of: Any, report: Any = None) -> None:
        """Know what there is to go by.

        Args:
            workers: How many there will be.
            durations: Seconds by test id.
            groups_of: Asked with a worker and what it collected, for the group of each test.
            report: Told of a worker that has not collected what the first has.
        """
        self.numnodes = workers
        self._durations = durations
        self._groups_of = groups_of
        self._report = report or (lambda _node, _ids, _expected: None)
        self._groups: deque[Group] = deque()
        self._expected: dict[str, float] = {}
        self._waiting_s = 0.0
        self._first: list[str] | None = None
        self._index_of: dict[Node, dict[Key, int]] = {}
        self._keys: dict[Node, list[Key]] = {}
        self._given: dict[Node, deque[Key]] = {}
        self._given_s: dict[Node, float] = {}

    @property
    def nodes(self) -> list[Node]:
        """Workers that live."""
        return list(self._given)

    @property
    def collection_is_completed(self) -> bool:
        """One collection is enough to begin with; who comes later finds less to do."""
        return self._first is not None

    @property
    def has_pending(self) -> bool:
        """Whether anything is left to be run."""
        return bool(self._groups) or any(self._given.values())

    @property
    def tests_finished(self) -> bool:
        """Whether workers may be told that nothing more comes."""
        if self._first is None or self._groups:
            return False
        return all(len(given) < AHEAD for given in self._given.values())

    def add_node(self, node: Node) -> None:
        """A worker has come up; it has collected nothing yet."""
        self._given[node] = deque()
        self._given_s[node] = 0.0

    def add_node_collection(self, node: Node, collection: Sequence[str]) -> None:
        """A worker has collected: the first says what there is, the others are held against it, in any order."""
        ids = list(collection)
        keys = keys_of(ids)
        if self._first is None:
            self._first = ids
            self._expected = expectations(ids, self._durations)
            self._groups.extend(grouped(ids, self._groups_of(node, ids), self._durations, self.numnodes))
            self._waiting_s = sum(group.expected_s for group in self._groups)
        elif sorted(keys) != sorted(keys_of(self._first)):
            self._report(node, ids, self._first)
            node.shutdown()
            return
        self._keys[node] = keys
        self._index_of[node] = {key: at for at, key in enumerate(keys)}

    def schedule(self) -> None:
        """Give everybody enough to do."""
        for node in self._keys:
            self._feed(node)

    def mark_test_complete(self, node: Node, item_index: int, duration: float = 0) -> None:  # noqa: ARG002
        """A worker has ended a test."""
        key = self._keys[node][item_index]
        self._given[node].remove(key)
        self._given_s[node] -= self._expected[key[0]]
        self._feed(node)

    def mark_test_pending(self, item: str) -> None:
        """Run a test once more: another plugin asks for it."""
        self._put_back([(item, 0)])
        self.schedule()

    def remove_pending_tests_from_node(self, node: Node, indices: Sequence[int]) -> None:
        """Nothing is taken back: only a worker that was told to give tests back calls this, and none is told so."""
        raise NotImplementedError

    def remove_node(self, node: Node) -> str | None:
        """A worker is gone: what it had not begun goes to others.

        Returns:
            Id of the test that it was running, if any.
        """
        given = self._given.pop(node)
        self._given_s.pop(node)
        self._keys.pop(node, None)
        self._index_of.pop(node, None)
        if not given:
            return None
        running = given.popleft()
        self._put_back(given)
        self.schedule()
        return running[0]

    def _put_back(self, keys: Iterable[Key]) -> None:
        groups = [Group([key], self._expected[key[0]], -1) for key in keys]
        self._groups.extendleft(reversed(groups))
        self._waiting_s += sum(group.expected_s for group in groups)

    def _feed(self, node: Node) -> None:
        if node.shutting_down:
            return
        given = self._given[node]
        enough_s = self._enough_s()
        batch: list[Key] = []
        if len(given) < AHEAD or self._given_s[node] < enough_s / 2:
            while self._groups and (len(given) < AHEAD or self._given_s[node] < enough_s):
                batch += self._give(node, enough_s)
        if batch:
            node.send_runtest_some([self._index_of[node][key] for key in batch])
        if not self._groups:
            node.shutdown()

    def _enough_s(self) -> float:
        """How much work may wait at a worker: less and less towards the end, so that all end together."""
        return min(self._waiting_s / (_PARTS * max(self.numnodes, 1)), _MOST_S)

    def _give(self, node: Node, enough_s: float) -> list[Key]:
        """The longest, unless it would wait for longer than it takes: then whoever is free first is to have it."""
        longest_s, shortest_s = self._groups[0].expected_s, self._groups[-1].expected_s
        would_wait = self._given_s[node] >= max(enough_s, longest_s) and shortest_s < longest_s
        group = self._groups.pop() if would_wait else self._groups.popleft()
        self._waiting_s -= group.expected_s
        self._given[node].extend(group.keys)
        self._given_s[node] += group.expected_s
        return group.keys

"""Which failures are near each other, though their exact keys differ: within one type of exception and one place.

Two that share only their message are never one: they share a frame of the code under test, or the test.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from rapidfuzz import fuzz
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from recloser.analytics.fingerprints import Sighting

ALIKE_TOKENS = 92.0
"""RapidFuzz token-set ratio, of at most 100, from which two messages are near."""
ALIKE_GRAMS = 0.8
"""Jaccard index of the sets of 4-grams from which two messages are near."""

COMPARED = 500
"""Different messages at one place that are compared with each other; what comes after them keeps its exact key."""

_SHARED_GRAMS = 0.5  # of the shorter text, before tokens are compared: that takes a hundred times as long


def near_groups(sightings: Sequence[Sighting]) -> tuple[str, ...]:
    """Which failures are near each other, directly or through others.

    Two are near if they have the same type of exception, share a frame or the test, and their masked messages are alike
    by 4-grams or by tokens.

    Args:
        sightings: Failures in any order, those of earlier cycles first where their group's name is to stay.

    Returns:
        For each, the exact key of the first failure of its group.
    """
    number = {key: at for at, key in enumerate(dict.fromkeys(sighting.key for sighting in sightings))}
    words = {number[sighting.key]: sighting.words for sighting in sightings}
    pairs = [
        (bucket[one], bucket[other])
        for bucket in _buckets(sightings, number)
        for one, other in _alike([words[at] for at in bucket])
    ]
    groups = _components(len(number), pairs)
    keys = list(number)
    return tuple(keys[groups.index(groups[number[sighting.key]])] for sighting in sightings)


def _buckets(sightings: Sequence[Sighting], number: Mapping[str, int]) -> list[list[int]]:
    """Numbers of the keys of one type of exception that share a frame, or the test."""
    buckets: dict[tuple[str, str], dict[int, None]] = defaultdict(dict)
    for sighting in sightings:
        for anchor in {*sighting.place, sighting.test_id} - {""}:
            buckets[sighting.exception, anchor][number[sighting.key]] = None
    return [list(bucket)[:COMPARED] for bucket in buckets.values() if len(bucket) > 1]


def _alike(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of positions whose texts are alike by tokens or by 4-grams."""
    contained, jaccard = _common_grams(words)
    for one, other in np.argwhere(np.triu(contained >= _SHARED_GRAMS, k=1)).tolist():
        if jaccard[one, other] >= ALIKE_GRAMS or fuzz.token_set_ratio(words[one], words[other]) >= ALIKE_TOKENS:
            yield one, other


def _common_grams(words: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each two texts have of their 4-grams in common: as a share of the fewer, and of all (Jaccard)."""
    grams = [{text[at : at + 4] for at in range(max(len(text) - 3, 1))} for text in words]
    column = {gram: at for at, gram in enumerate(set().union(*grams))}
    rows = np.repeat(np.arange(len(words)), [len(each) for each in grams])
    columns = np.array([column[gram] for each in grams for gram in each])
    held = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(words), len(column)))
    common = np.asarray((held @ held.T).toarray())
    sizes = common.diagonal()
    fewer = np.minimum(sizes[:, None], sizes[None, :])
    return common / fewer, common / (sizes[:, None] + sizes[None, :] - common)


def _components(size: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """For each of so many nodes the number of the connected component it lies in."""
    ones, others = zip(*pairs, strict=True) if pairs else ((), ())
    graph = coo_array((np.ones(len(pairs)), (ones, others)), shape=(size, size))
    labels: list[int] = connected_components(graph, directed=False)[1].tolist()
    return labels

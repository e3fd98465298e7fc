"""Tests that fail together, however different their messages: one cause, most likely outside of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from recloser.analytics.outcomes import AT_BASE, KEYS, codes

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from recloser.analytics.cases import Test

CUT = 0.5
"""Mean distance (Jaccard) between two clusters at which they are no longer one."""
LEAST_FAILURES = 3
"""Runs that a test has failed in."""
MOST_TESTS = 3000
"""Tests that are compared, those with the most failures; their distances take 36 MB."""


def co_failing(outcomes: pd.DataFrame) -> tuple[tuple[Test, ...], ...]:
    """Clusters of tests whose sets of failing runs are alike.

    Args:
        outcomes: An outcome frame without storms (`calm`). A run is the main run of a cycle, or one of its probes.

    Returns:
        The clusters of two and more tests, the largest first; each lists suite and test in order.
    """
    frame = outcomes[outcomes["judged"] & ~outcomes["probe"].isin(AT_BASE)]
    runs, _ = codes(frame, "cycle", "probe")
    numbers, tests = codes(frame, *KEYS)
    failed = frame["failed"].to_numpy(dtype=bool)
    together = np.zeros((len(tests), int(runs.max(initial=-1)) + 1), dtype=bool)
    together[numbers[failed], runs[failed]] = True
    names = [(str(suite), str(test)) for suite, test in tests.itertuples(index=False, name=None)]
    return tuple(tuple(sorted(names[at] for at in cluster)) for cluster in clusters(together))


def clusters(failures: NDArray[np.bool_]) -> list[list[int]]:
    """Cluster rows by the columns in which they are set.

    Args:
        failures: One row for each test, one column for each run; whether it failed there.

    Returns:
        The clusters of two and more rows, the largest first.
    """
    counts = failures.sum(axis=1)
    often = np.flatnonzero(counts >= LEAST_FAILURES)
    often = np.sort(often[np.argsort(-counts[often], kind="stable")][:MOST_TESTS])
    if len(often) < 2:  # noqa: PLR2004 - one test is no cluster
        return []
    tree = linkage(pdist(failures[often], "jaccard"), "average")
    members: dict[int, list[int]] = defaultdict(list)
    for row, label in zip(often.tolist(), fcluster(tree, CUT, "distance").tolist(), strict=True):
        members[label].append(row)
    return sorted((rows for rows in members.values() if len(rows) > 1), key=lambda rows: (-len(rows), rows))

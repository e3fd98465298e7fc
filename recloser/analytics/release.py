"""The way out of quarantine: what a test has passed since it last failed, in whatever environment.

Section 2.1 of the reference (test-intelligence): the count begins anew at the last failure, from the prior alone.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from recloser.analytics.flakes import UNIT, FlakeRule, may_release, rule_of
from recloser.analytics.outcomes import AT_BASE, KEYS, codes, moments
from recloser.values import ReleaseStanding

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from recloser.analytics.cases import Test

CLEAN_SHUFFLES = 2
"""That a test which depends on order needs besides."""
REORDERED = ("shuffled", "isolated", "reversed")
"""Probes that move a test; one that failed in them depends on order for all that is known."""
_MOST = 10_000


@cache
def clean_runs_needed(rule: FlakeRule = UNIT) -> int:
    """How many passes in a row a test needs: 142 in a unit test, 14 end to end."""
    return int(np.argmax(may_release(np.arange(_MOST), rule)))


def release_standings(
    outcomes: pd.DataFrame, tests: Collection[Test], *, ordered: Collection[Test] = ()
) -> dict[Test, ReleaseStanding]:
    """How far tests have come.

    All environments count together, since an entry names a test, and an environment that was given up would else hold
    it for good.

    Args:
        outcomes: An outcome frame without storms and outages (`calm`).
        tests: Suites and test ids that are asked for.
        ordered: Those among them that are known to depend on order.

    Returns:
        Of each that has run; what has not run has not passed.
    """
    mine = outcomes[outcomes["judged"] & ~outcomes["probe"].isin(AT_BASE)]
    numbers, names = codes(mine, *KEYS)
    pairs = names.astype(str).itertuples(index=False, name=None)
    mine = mine[np.isin(numbers, [number for number, pair in enumerate(pairs) if pair in tests])]
    return {
        (str(suite), str(test)): _standing(runs, ordered=(suite, test) in ordered)
        for (suite, test), runs in mine.groupby(KEYS, observed=True)
    }


def _standing(runs: pd.DataFrame, *, ordered: bool) -> ReleaseStanding:
    runs = runs.assign(at=moments(runs)).sort_values("at", kind="stable")
    failing = runs[runs["failed"]]
    last = failing["at"].max()
    since = runs if failing.empty else runs[runs["at"] > last]
    ordered = ordered or bool(failing["probe"].isin(REORDERED).any())
    return ReleaseStanding(
        last_failed=None if failing.empty else last.to_pydatetime(),
        clean_runs=len(since),
        needed_runs=clean_runs_needed(rule_of(str(runs["tier"].iloc[-1]))),
        clean_shuffles=int((since["probe"] == "shuffled").sum()),
        needed_shuffles=CLEAN_SHUFFLES if ordered else 0,
    )

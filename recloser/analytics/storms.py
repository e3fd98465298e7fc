"""When so much fails at once that it says nothing of single tests, and when the world around the tests was at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recloser.analytics.outcomes import measured, moments
from recloser.values import Storm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from recloser.values import Outage

SHARE_OF_ONE = 0.2
"""Share of a run that fails with one fingerprint in a storm."""
LEAST_TESTS = 10
"""Tests that a storm has more of, however small the run."""
SHARE_OF_ALL = 0.8
"""Share of a run that fails of whatever in a storm."""


def storms(outcomes: pd.DataFrame) -> tuple[Storm, ...]:
    """The cycles, and the suites of cycles, that went down as a whole.

    A run is in a storm if more than 20 % of its tests and more than 10 fail with one fingerprint, or more than 80 % and
    more than 10 fail at all. Reruns and probes do not count: what fails is run more often.

    Args:
        outcomes: An outcome frame.

    Returns:
        Those of whole cycles first; a suite is listed only where its cycle is not.
    """
    first = outcomes[outcomes["judged"] & (outcomes["attempt"] == 1) & (outcomes["probe"] == "")]
    whole = tuple(_storms_by(first, ["cycle"]))
    stricken = {storm.cycle for storm in whole}
    rest = first[~first["cycle"].isin(stricken)]
    return whole + tuple(_storms_by(rest, ["cycle", "suite"]))


def calm(outcomes: pd.DataFrame, found: Iterable[Storm], outages: Sequence[Outage] = ()) -> pd.DataFrame:
    """The outcomes that speak of tests: without runs that were storms, and without failures during outages.

    Args:
        outcomes: An outcome frame.
        found: The storms among them.
        outages: Stretches of time in which something else was at fault.
    """
    stormy = np.zeros(len(outcomes), dtype=bool)
    for storm in found:
        stormy |= in_scope(outcomes, storm)
    return outcomes[~stormy & ~(outcomes["failed"].to_numpy(dtype=bool) & during(outcomes, outages))]


def in_scope(outcomes: pd.DataFrame, storm: Storm) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which outcomes belong to the run that a storm struck."""
    scope = outcomes["cycle"] == storm.cycle
    return (scope & (outcomes["suite"] == storm.suite) if storm.suite else scope).to_numpy(dtype=bool)


def during(outcomes: pd.DataFrame, outages: Iterable[Outage]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which outcomes overlap an outage of something that their suites need."""
    began = moments(outcomes)
    ended = began + pd.to_timedelta(np.nan_to_num(measured(outcomes)), unit="s")
    touched = pd.Series(data=False, index=outcomes.index)
    for outage in outages:
        overlaps = (began <= outage.ended_at) & (ended >= outage.started_at)
        touched |= overlaps & (outcomes["suite"].isin(outage.suites) if outage.suites else True)
    return touched.to_numpy(dtype=bool)


def _storms_by(first: pd.DataFrame, scope: list[str]) -> Iterator[Storm]:
    """The storms among runs of this scope; where nearly all of a run failed, its single fingerprints do not matter."""
    failing = first[first["failed"]]
    judged = first.groupby(scope, observed=True).size().rename("judged")
    of_all = failing.groupby(scope, observed=True).size().rename("failed").reset_index()
    of_one = failing.groupby([*scope, "fingerprint"], observed=True).size().rename("failed").reset_index()
    counted = pd.concat([of_all.assign(fingerprint="", share=SHARE_OF_ALL), of_one.assign(share=SHARE_OF_ONE)])
    counted = counted.join(judged, on=scope)
    struck = counted[(counted["failed"] > counted["share"] * counted["judged"]) & (counted["failed"] > LEAST_TESTS)]
    down: set[tuple[str, ...]] = set()
    for row in struck[[*scope, "fingerprint", "failed", "judged"]].itertuples(index=False, name=None):
        *run, fingerprint, failed, total = row
        if tuple(run) not in down:
            named = dict(zip(scope, map(str, run), strict=True))
            yield Storm(**named, fingerprint=str(fingerprint), failed=failed, judged=total)
        if not fingerprint:
            down.add(tuple(run))

"""What the outcomes of many cycles say of each test: its flakiness, whether it is suspect, broken, to be quarantined.

The unit of evidence is the state: the same tree in the same environment. A state in which a test both passed and failed
is mixed; one without a pass says nothing of flakiness, for there the test is broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from recloser.analytics.broken import change_points
from recloser.analytics.flakes import flake_score, may_release, rule_of, shown_rate
from recloser.analytics.outcomes import AT_BASE, codes, with_environment

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

HALF_LIFE_DAYS = 14.0
"""After which the evidence of a state counts half."""
PROBES = ("same", "shuffled", "isolated", "reversed", "burn-in")
"""A failure in one of these, in a mixed state, is a positive probe."""

_NAME = ["suite", "test", "environment"]
_NEEDED = ["suite", "test", "state", "tier", "at", "failed", "probe"]  # a copy of all columns would not be small


def assess(outcomes: pd.DataFrame, *, now: datetime) -> pd.DataFrame:
    """All that the outcomes say of each test in each environment.

    Args:
        outcomes: An outcome frame without storms and outages (`calm`): those speak of no test. What was run at
            the base does not count.
        now: The moment from which the age of evidence is counted, UTC.

    Returns:
        One row for each, named by `suite`, `test`, `environment` and `tier`. In states with a pass: `failures` and
        `runs`. Of all states: `mixed_states`, `positive_probe`, `last_failed`, and since then `clean_runs` and
        `clean_shuffles`. `score` decides by its `threshold`; `rate` is shown with its 90 % interval from `low` to
        `high`. `broken` holds `since` a cycle. `suspect`, `quarantine` and `release` follow from all that.
    """
    frame = with_environment(outcomes.loc[outcomes["judged"] & ~outcomes["probe"].isin(AT_BASE), _NEEDED])
    numbers, tests = codes(frame, *_NAME)
    tests = tests.assign(
        tier=_latest_of_each(frame, numbers, len(tests)),
        **_weigh(frame, numbers, len(tests), now),
        **_since_last_failure(frame, numbers, len(tests)),
    )
    tests = tests.merge(change_points(outcomes)[[*_NAME, "since", "broken"]], how="left", on=_NAME)
    tests["broken"] = tests["broken"].eq(other=True)
    return _decide(tests)


def _weigh(frame: pd.DataFrame, numbers: NDArray[np.int64], size: int, now: datetime) -> dict[str, NDArray[Any]]:
    """What the states of each test come to, and what they weigh at their age."""
    state = codes(frame.assign(number=pd.Categorical(numbers)), "number", "state")[0]
    states = int(state.max(initial=-1)) + 1
    owner = np.zeros(states, dtype=np.int64)
    owner[state] = numbers
    failed = frame["failed"].to_numpy(dtype=bool)
    runs, failures = np.bincount(state, minlength=states), np.bincount(state[failed], minlength=states)
    passed, mixed = runs > failures, (runs > failures) & (failures > 0)
    weight = np.where(passed, 0.5 ** (_age_days(frame, state, states, now) / HALF_LIFE_DAYS), 0.0)
    probed = failed & frame["probe"].isin(PROBES).to_numpy() & mixed[state]

    def of_each(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(owner, weights=values, minlength=size).astype(np.float64)

    return {
        "failures": of_each(failures * passed).astype(np.int64),
        "runs": of_each(runs * passed).astype(np.int64),
        "weighted_failures": of_each(weight * failures),
        "weighted_passes": of_each(weight * (runs - failures)),
        "mixed_states": of_each(mixed).astype(np.int64),
        "positive_probe": np.bincount(numbers[probed], minlength=size) > 0,
    }


def _age_days(frame: pd.DataFrame, state: NDArray[np.int64], states: int, now: datetime) -> NDArray[np.float64]:
    """Days since each state was last run."""
    at = frame["at"].to_numpy(dtype="datetime64[us]").astype(np.int64)
    last = np.full(states, np.iinfo(np.int64).min)
    np.maximum.at(last, state, at)
    age = pd.to_datetime(now, utc=True).to_datetime64().astype("datetime64[us]").astype(np.int64) - last
    days: NDArray[np.float64] = np.maximum(age, 0) / _MICROSECONDS_PER_DAY
    return days


def _since_last_failure(frame: pd.DataFrame, numbers: NDArray[np.int64], size: int) -> dict[str, NDArray[Any]]:
    """When each test last failed, and what it passed since."""
    at, failed = frame["at"].to_numpy(dtype="datetime64[us]"), frame["failed"].to_numpy(dtype=bool)
    last = np.full(size, np.datetime64("NaT", "us"))
    np.fmax.at(last, numbers[failed], at[failed])
    since = np.isnat(last[numbers]) | (at > last[numbers])
    shuffled = (frame["probe"] == "shuffled").to_numpy()
    moved = failed & frame["probe"].isin(["shuffled", "isolated", "reversed"]).to_numpy()
    return {
        "last_failed": last,
        "clean_runs": np.bincount(numbers[since], minlength=size),
        "clean_shuffles": np.bincount(numbers[since & shuffled], minlength=size),
        "fails_reordered": np.bincount(numbers[moved], minlength=size) > 0,
    }


def _decide(tests: pd.DataFrame) -> pd.DataFrame:
    """The counts with what follows from them."""
    score, threshold, clean = np.zeros(len(tests)), np.zeros(len(tests)), np.zeros(len(tests), dtype=bool)
    for tier in tests["tier"].cat.categories:
        of, rule = (tests["tier"] == tier).to_numpy(), rule_of(str(tier))
        score[of] = flake_score(tests["weighted_failures"][of], tests["weighted_passes"][of], rule)
        threshold[of], clean[of] = rule.threshold, may_release(tests["clean_runs"][of], rule)
    rate, low, high = shown_rate(tests["failures"], tests["runs"])
    suspect = tests["mixed_states"] > 0
    twice = (tests["mixed_states"] > 1) | (suspect & tests["positive_probe"])
    release = clean & (~tests["fails_reordered"] | (tests["clean_shuffles"] > 1))
    return tests.assign(
        score=score,
        threshold=threshold,
        rate=rate,
        low=low,
        high=high,
        suspect=suspect,
        quarantine=(score > threshold) & twice & ~tests["broken"] & ~release,
        release=release,
    )


def _latest_of_each(frame: pd.DataFrame, numbers: NDArray[np.int64], size: int) -> pd.Categorical[str]:
    """The tier that each test was last run in."""
    order = np.argsort(frame["at"].to_numpy(dtype="datetime64[us]"), kind="stable")
    last = np.zeros(size, dtype=np.int64)
    last[numbers[order]] = frame["tier"].cat.codes.to_numpy()[order]
    return pd.Categorical.from_codes(last, categories=frame["tier"].cat.categories)


_MICROSECONDS_PER_DAY = 86_400e6

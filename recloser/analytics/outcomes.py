"""The frame that all analysis starts from: one row for each attempt of each test, over many cycles.

| column | |
|---|---|
| `cycle` | category, ordered by time |
| `run` | number of the cycle, 0 = oldest |
| `at` | start, UTC |
| `state` | category: `tree|environment` of the cycle |
| `tier`, `suite`, `test` | categories |
| `attempt` | 1 in the run of the whole suite, 2 and above in its reruns |
| `status` | as `TestStatus` says it |
| `failed`, `judged` | whether it failed; whether it passed or failed |
| `duration_s` | of setup, call and teardown |
| `fingerprint` | category; missing where it did not fail |
| `position`, `worker` | how many tests ran before it in that process |
| `probe` | category: empty in the main run, else as `ProbeKind` says it |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

KEYS = ["suite", "test"]
"""What names a test."""

AT_BASE = ("confirm-base", "time-base")
"""Probes whose outcomes are of the base's code, whatever `state` says: that is the code of the cycle."""

LONGEST = 1e9
"""Beyond that many seconds (or MiB), a measurement is none."""

_CATEGORIES = ("state", "tier", "suite", "test", "status", "fingerprint", "worker", "probe")
_NEEDED = ("cycle", "at", "state", "test", "failed")
_DEFAULTS: dict[str, object] = {
    "tier": "unit",
    "suite": "unit",
    "attempt": 1,
    "judged": True,
    "duration_s": 0.0,
    "fingerprint": None,
    "position": 0,
    "worker": "",
    "probe": "",
}


def outcome_frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """An outcome frame from plain rows, in their order.

    Args:
        rows: Each with `cycle`, `at`, `state`, `test` and `failed`, others where they differ from what is usual. Cycles
            are ordered by their names.
    """
    table = [_DEFAULTS | {"status": _status(row)} | dict(row) for row in rows]
    frame = pd.DataFrame(table) if table else pd.DataFrame(columns=[*_NEEDED, "status", *_DEFAULTS])
    frame["cycle"] = pd.Categorical(frame["cycle"], categories=sorted(set(frame["cycle"])), ordered=True)
    frame["run"] = frame["cycle"].cat.codes.astype(np.int64)
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    return frame.astype(dict.fromkeys(_CATEGORIES, "category") | dict.fromkeys(("failed", "judged"), "bool"))


def _status(row: Mapping[str, object]) -> str:
    if not row.get("judged", True):
        return "not-run"
    return "failed" if row["failed"] else "passed"


def measured(outcomes: pd.DataFrame, column: str = "duration_s") -> NDArray[np.float64]:
    """What was measured of each attempt; NaN where that is no number, negative, or more than anything can be."""
    values = outcomes[column].to_numpy(dtype=float, na_value=np.nan)
    sound: NDArray[np.float64] = np.where((values >= 0) & (values <= LONGEST), values, np.nan)
    return sound


def moments(outcomes: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """When each attempt began, in UTC; a time without a zone is UTC."""
    return pd.to_datetime(outcomes["at"], utc=True)


def codes(frame: pd.DataFrame, *columns: str) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Number the distinct combinations of categorical columns.

    Args:
        frame: Any frame with these columns as categories.
        columns: Their names.

    Returns:
        For each row its number, and a frame with one row per number; numbers follow the order of the categories.
    """
    combined = np.zeros(len(frame), dtype=np.int64)
    for column in columns:
        combined = combined * (len(frame[column].cat.categories) + 1) + frame[column].cat.codes.to_numpy(np.int64) + 1
    _, first, numbers = np.unique(combined, return_index=True, return_inverse=True)
    return numbers, frame[list(columns)].iloc[first].reset_index(drop=True)


def with_environment(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a category `environment`, from what comes after the bar in `state`."""
    environments = [str(state).partition("|")[2] for state in frame["state"].cat.categories]
    kinds = pd.Index(sorted(set(environments)))
    at = kinds.get_indexer(pd.Index(environments)) if environments else np.empty(0, dtype=np.intp)
    numbers = np.append(at, -1)[frame["state"].cat.codes]
    return frame.assign(environment=pd.Categorical.from_codes(numbers, categories=kinds))

"""Attempts of made-up nights as the store's columns, from as few words as a test needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from recloser.values import TestStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST = datetime(2026, 5, 4, 2, tzinfo=UTC)


@dataclass(frozen=True)
class One:
    """An attempt."""

    night: int
    test: str
    status: TestStatus = TestStatus.PASSED
    number: int = 1
    suite: str = "unit"
    duration_s: float = 0.2
    probe: str = ""


def frame(attempts: Sequence[One], nights: int) -> pd.DataFrame:
    """The columns `History.outcomes` reads; nights are called `n0`, `n1` and so on."""
    columns = pd.DataFrame(
        {
            "cycle": pd.Categorical(
                [f"n{one.night}" for one in attempts], [f"n{n}" for n in range(nights)], ordered=True
            ),
            "run": pd.Series([one.night for one in attempts], dtype="int32"),
            "at": pd.Series([FIRST + timedelta(days=one.night) for one in attempts], dtype="datetime64[us, UTC]"),
            "attempt": pd.Series([one.number for one in attempts], dtype="int32"),
            "status": pd.Categorical([one.status.value for one in attempts], [status.value for status in TestStatus]),
            "failed": pd.Series([one.status.is_failure for one in attempts], dtype=bool),
            "judged": pd.Series([one.status.is_failure or one.status.is_pass for one in attempts], dtype=bool),
            "duration_s": pd.Series([one.duration_s for one in attempts], dtype="float64"),
        }
    )
    for name in ("suite", "test", "probe"):
        columns[name] = pd.Categorical([getattr(one, name) for one in attempts])
    return columns

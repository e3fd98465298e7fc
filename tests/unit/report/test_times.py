"""Durations and moments as a person reads them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from recloser.report.times import between, duration, moment


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"),  # noqa: RUF001 - the dash of an empty cell
        (0, "0.0 s"),
        (1.24, "1.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (184, "3 min 04 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (200_000, "55 h 33 min"),
        (-1.5, "-1.5 s"),
    ],
)
def test_duration_has_two_units_at_most(seconds: float | None, expected: str) -> None:
    """A duration is rounded to what a person compares, and never shows 60 of a unit."""
    assert duration(seconds) == expected


def test_moment_is_in_utc() -> None:
    """A moment is shown in UTC wherever it was taken; none is a dash."""
    india = datetime(2026, 5, 4, 8, 32, 1, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert moment(india) == "2026-05-04 03:02:01 UTC"
    assert moment(None) == "–"  # noqa: RUF001 - the dash of an empty cell


def test_between_needs_both_moments() -> None:
    """The time between two moments is not guessed where one is missing."""
    start = datetime(2026, 5, 4, tzinfo=UTC)
    assert between(start, start + timedelta(seconds=65)) == "1 min 05 s"
    assert between(start, None) == between(None, start) == "–"  # noqa: RUF001 - the dash of an empty cell

"""Durations and moments as a person reads them."""

from datetime import UTC, datetime

_NONE = "–"  # noqa: RUF001 - the dash of an empty table cell
_MINUTE_S = 60
_HOUR_S = 3600


def duration(seconds: float | None) -> str:
    """A duration: `1.2 s`, `3 min 04 s`, `2 h 05 min`; a dash where none is known.

    Args:
        seconds: Its length; below zero where two clocks disagree.
    """
    if seconds is None:
        return _NONE
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if round(seconds, 1) < _MINUTE_S:
        return f"{seconds:.1f} s"
    if round(seconds) < _HOUR_S:
        return "{} min {:02} s".format(*divmod(round(seconds), _MINUTE_S))
    return "{} h {:02} min".format(*divmod(round(seconds / _MINUTE_S), _MINUTE_S))


def between(start: datetime | None, end: datetime | None) -> str:
    """The duration from one moment to another; a dash where one is not known."""
    return duration((end - start).total_seconds() if start and end else None)


def moment(at: datetime | None) -> str:
    """A moment in UTC to the second; a dash where none is known."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else _NONE

"""The words and marks of a night."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from recloser.report.nightly.blocks import Mark
from recloser.report.times import duration
from recloser.values import CycleVerdict, Judgement, TestStatus

DASH = "–"  # noqa: RUF001 - the dash of an empty table cell
_VERDICTS = {
    CycleVerdict.GREEN: ("Passed", Mark.GOOD),
    CycleVerdict.RED: ("Failed", Mark.BAD),
    CycleVerdict.REGRESSION: ("Regression", Mark.BAD),
    CycleVerdict.NOT_VERIFIED: ("Not verified", Mark.UNKNOWN),
    None: ("No verdict", Mark.UNKNOWN),
}
_JUDGEMENTS = {
    Judgement.PASSED: ("passed", Mark.GOOD),
    Judgement.FAILED: ("failed", Mark.BAD),
    Judgement.NOT_VERIFIED: ("not verified", Mark.UNKNOWN),
    None: ("not ended", Mark.UNKNOWN),
}
_FAILURES = {
    "flaky": Mark.NOTE,
    "quarantine": Mark.NOTE,
    "infrastructure": Mark.UNKNOWN,
    "not judged": Mark.UNKNOWN,
}


def verdict_word(verdict: CycleVerdict | None) -> str:
    """A verdict as a person says it."""
    return _VERDICTS[verdict][0]


def verdict_mark(verdict: CycleVerdict | None) -> Mark:
    """How a verdict stands."""
    return _VERDICTS[verdict][1]


def judgement_word(judgement: Judgement | None) -> str:
    """A judgement as a person says it."""
    return _JUDGEMENTS[judgement][0]


def judgement_mark(judgement: Judgement | None) -> Mark:
    """How a judgement stands."""
    return _JUDGEMENTS[judgement][1]


def status_mark(status: TestStatus | None) -> Mark:
    """How the end of a test stands; what was skipped has not passed."""
    if status is None:
        return Mark.PLAIN
    if status.is_failure:
        return Mark.BAD
    if status.is_pass:
        return Mark.GOOD
    return Mark.UNKNOWN if status is TestStatus.NOT_RUN else Mark.PLAIN


def failure_mark(verdict: str) -> Mark:
    """How a failure stands, by what it is judged to be; in doubt it is bad."""
    return next((mark for word, mark in _FAILURES.items() if word in verdict.lower()), Mark.BAD)


def number(count: int) -> str:
    """A count with its thousands apart."""
    return f"{count:,}"


def counted(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def share(part: int, whole: int) -> str:
    """A share in percent; rounded so that neither 0 nor 100 is said of what is not."""
    percent = 100 * part / whole
    text = f"{percent:.1f}"
    if (text == "0.0" and part) or (text == "100.0" and part < whole):
        return "below 0.1 %" if part < whole / 2 else "above 99.9 %"
    return f"{percent:.0f} %" if part in {0, whole} else f"{text} %"


def joined(parts: Iterable[str]) -> str:
    """The parts that say something, on one line."""
    return " · ".join(part for part in parts if part)


def short(seconds: float | None) -> str:
    """A duration, in milliseconds where it is below a second."""
    return f"{seconds * 1000:.0f} ms" if seconds is not None and 0 < seconds < 1 else duration(seconds)


def day(at: datetime) -> str:
    """A day in UTC: `21 Nov`."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b}"


def clock(at: datetime) -> str:
    """A time of day in UTC."""
    return f"{at.astimezone(UTC):%H:%M:%S}"


def standing(judgements: Iterable[Judgement]) -> str:
    """How many of some checks stand how."""
    counts = Counter(judgements)
    return ", ".join(f"{counts[one]:,} {judgement_word(one)}" for one in Judgement if counts[one])


def worst(judgements: Iterable[Judgement]) -> Mark:
    """The mark of the worst of some judgements."""
    marks = {judgement_mark(judgement) for judgement in judgements}
    return next(mark for mark in (Mark.BAD, Mark.UNKNOWN, Mark.GOOD) if mark in marks)

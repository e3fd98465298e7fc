"""What to say of a failure that no signature knows: its template, its fingerprint, and what a good run's log lacks.

Pure functions over lines. A template is a line without what changes from run to run (times, ids, numbers, paths),
so that two runs of one program can be compared, and two failures of one kind counted as one.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from recloser.diagnosis.symptoms import Symptoms, plain, symptoms_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recloser.values import Evidence

_CUT = 600
"""Characters of a line that its template is made of."""

# In this order: a later mask must not break up what an earlier one stands for.
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), mask)
    for pattern, mask in (
        (r"\b(?:arn:aws[\w-]*:)[^\s'\",;)]+", "<arn>"),
        (r"\b[a-z][a-z0-9+.-]{1,20}://[^\s'\",;)>]+", "<url>"),
        (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "<n>"),
        (r"\b\d{4}[-/]\d\d[-/]\d\d(?:[T _]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?", "<time>"),
        (r"\b\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?\b", "<time>"),
        (r"\b(?:i|vpc|subnet|sg|eni|ami|vol|fs|fsap|lt|job)-[0-9a-f]{8,17}\b", "<n>"),
        (r"\b0x[0-9a-fA-F]+\b", "<n>"),
        (r"\b(?=[0-9a-fA-F]{0,63}\d)[0-9a-fA-F]{8,64}\b", "<n>"),
        (r"(?:[A-Za-z]:)?(?:\.{0,2}/[\w.@%+=:~-]+){1,40}/?", "<path>"),
        (r"(?<![A-Za-z])[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?", "<n>"),
        (r"\d+", "<n>"),
    )
)
_SPACES = re.compile(r"\s+")
_TROUBLE = re.compile(
    r"error|exception|fatal|panic|fail|denied|refused|killed|abort|cannot|can't|unable|invalid|not found|no such",
    re.IGNORECASE,
)
_RAISED = re.compile(r"^\s*(?:Caused by: )?(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception|Fault|Interrupt|Exit)\b(?::|$)")


def template(line: str) -> str:
    """A line without what changes from run to run."""
    text = plain(line)[:_CUT]
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return _SPACES.sub(" ", text).strip().lower()


def templates(lines: Iterable[str]) -> frozenset[str]:
    """The templates of a log."""
    return frozenset(filter(None, map(template, lines)))


def unusual(lines: Iterable[str], good_lines: Iterable[str], *, limit: int = 20) -> tuple[str, ...]:
    """What is in this log that a good run's does not have.

    Args:
        lines: The failed attempt's log, oldest first.
        good_lines: The log of the last successful run, or of several.
        limit: How many lines are given at most: the last ones.

    Returns:
        One line for each template that no good line has, oldest first.
    """
    known = templates(good_lines)
    first: dict[str, str] = {}
    for line in lines:
        mould = template(line)
        if mould and mould not in known:
            first.setdefault(mould, line)
    return tuple(first.values())[-limit:]


def fingerprint(evidence: Evidence) -> str:
    """What failures of one kind have in common, whatever their ids, numbers, times and paths.

    Args:
        evidence: What was collected of an ended attempt.

    Returns:
        Twelve hexadecimal digits; equal for two failures that show the same templates.
    """
    return fingerprint_of(symptoms_of(evidence))


def fingerprint_of(symptoms: Symptoms) -> str:
    """As `fingerprint`, of symptoms that come from a file."""
    parts = (
        *map(template, symptoms.status_lines),
        *map(template, symptoms.container_lines),
        str(symptoms.exit_code),
        telling_line(symptoms.log_lines),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def telling_line(lines: Sequence[str]) -> str:
    """The template of the line that says most: the last raised error, else the last trouble, else the last line."""
    backwards = [line for line in reversed(lines) if line.strip()]
    for pattern in (_RAISED, _TROUBLE):
        found = next((line for line in backwards if pattern.search(line)), None)
        if found is not None:
            return template(found)
    return template(backwards[0]) if backwards else ""

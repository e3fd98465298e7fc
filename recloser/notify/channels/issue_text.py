"""An issue as Markdown; whatever comes from outside stands in a fence, where it can mention, close and link nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recloser.notify.words import standing
from recloser.report.markdown import code_span, fence
from recloser.values import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.values import Notice

_TITLE_LIMIT = 250
_ACTS = re.compile(r"@(?=\w)|#(?=\d)|(?<=\bGH)-(?=\d)|:(?=//)", re.IGNORECASE)
_JOINER = "\N{WORD JOINER}"


def title(notice: Notice) -> str:
    """One line that mentions nobody."""
    text = f"[{notice.target}] {notice.lines[0].finding.title}"
    return _ACTS.sub(lambda match: match[0] + _JOINER, text)[:_TITLE_LIMIT]


def id_line(fingerprint: str) -> str:
    """The line by which an issue is found again; visible, since what is hidden gets stripped."""
    return f"id: {fingerprint}"


def cycle_line(notice: Notice) -> str:
    """The line by which a comment is found again."""
    verb = "green in" if notice.purpose is Purpose.ISSUE_GREEN else "seen in"
    return f"{verb}: {notice.cycle_id}"


def has_line(text: str | None, line: str) -> bool:
    """Whether a text has exactly this line."""
    return any(each.strip() == line for each in (text or "").splitlines())


def body(notice: Notice, previous: str = "") -> str:
    """What a new issue says.

    Args:
        notice: The finding.
        previous: An older issue of the same finding.
    """
    return "\n".join(_body(notice, previous))


def _body(notice: Notice, previous: str) -> Iterator[str]:
    line = notice.lines[0]
    finding = line.finding
    yield id_line(finding.fingerprint)
    yield cycle_line(notice)
    yield f"\n**{line.severity}** {finding.kind}, {standing(line)}."
    if finding.owner:
        yield f"\nOwner: {code_span(finding.owner)}"
    if previous:
        yield f"\nIt was {previous} before."
    if finding.text:
        yield f"\n{fence(finding.text)}"
    sections = (
        ("Evidence", "\n".join(finding.evidence), "text"),
        ("How to reproduce", finding.reproduce, "sh"),
        ("Environment", finding.environment, "text"),
        ("Since", finding.since or line.cycle_id, "text"),
        ("Suspects", "\n".join(finding.suspects), "text"),
    )
    for name, text, language in sections:
        yield f"\n### {name}\n\n{fence(text, language) if text else 'unknown'}"
    yield from _footer(notice)


def comment(notice: Notice) -> str:
    """What is said of a later night."""
    return "\n".join(_comment(notice))


def _comment(notice: Notice) -> Iterator[str]:
    line = notice.lines[0]
    yield cycle_line(notice)
    if notice.purpose is Purpose.ISSUE_GREEN:
        yield f"\nNot seen any more since {line.at:%Y-%m-%d}."
        return
    yield f"\nIt fails again: {standing(line)}."
    if line.finding.evidence:
        yield f"\n{fence(chr(10).join(line.finding.evidence))}"
    yield from _footer(notice)


def _footer(notice: Notice) -> Iterator[str]:
    if notice.report:
        yield f"\nThe whole page: {code_span(notice.report)}"

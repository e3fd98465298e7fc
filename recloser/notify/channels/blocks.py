"""A notice as Block Kit: within Slack's limits, and nothing in it can mention, link or format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recloser.notify.words import details, headline, standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.values import Line, Notice

# https://docs.slack.dev/reference/block-kit/blocks: 50 blocks; header 150, section 3000 characters.
HEADER_LIMIT, SECTION_LIMIT = 150, 3_000
_SECTIONS = 45
_FALLBACK_LIMIT = 3_000
_LINE_LIMIT = 1_400
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKS = {"critical": ":red_circle:", "warning": ":large_orange_circle:", "info": ":large_blue_circle:"}
_TAMED = str.maketrans({"`": "'", "*": "∗", "_": "_", "~": "∼"})  # noqa: RUF001 - look alike, and format nothing


def escape(text: str) -> str:
    """The text as Slack shows it as it is: https://docs.slack.dev/messaging/formatting-message-text#escaping."""
    return text.translate(_ENTITIES)


def fallback(notice: Notice) -> str:
    """What a notification on a phone shows."""
    titles = "; ".join(line.finding.title for line in notice.lines)
    return _escaped_to(f"{headline(notice)}: {titles}" if titles else headline(notice), _FALLBACK_LIMIT)


def blocks(notice: Notice) -> list[dict[str, Any]]:
    """The notice as blocks; what does not fit is counted."""
    head = {"type": "header", "text": {"type": "plain_text", "text": headline(notice)[:HEADER_LIMIT], "emoji": False}}
    sections, shown = _sections(notice)
    made = [head, *map(_section, sections)]
    if shown < len(notice.lines):
        made.append(_section(f"… and {len(notice.lines) - shown} more"))
    if notice.report:
        text = _escaped_to(f"The whole page: {notice.report}", SECTION_LIMIT)
        made.append({"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]})
    return made


def _sections(notice: Notice) -> tuple[list[str], int]:
    sections: list[str] = []
    for count, line in enumerate(notice.lines):
        text = _line(line)
        if sections and len(sections[-1]) + len(text) + 2 <= SECTION_LIMIT:
            sections[-1] += f"\n\n{text}"
        elif len(sections) < _SECTIONS:
            sections.append(text)
        else:
            return sections, count
    return sections, len(notice.lines)


def _line(line: Line) -> str:
    evidence = "\n".join(text.translate(_TAMED) for text in line.finding.evidence)
    head = "\n".join(_told(line))
    room = _LINE_LIMIT - min(len(head), _LINE_LIMIT)
    block = f"\n```{_escaped_to(evidence, room)}```" if evidence and room > len("``````") else ""
    return f"{head}{block}"


def _told(line: Line) -> Iterator[str]:
    title = _escaped_to(line.finding.title.translate(_TAMED), 400)
    yield f"{_MARKS[line.severity]} *{title}*"
    yield f"{standing(line)} · id: {line.finding.fingerprint}"
    for detail in details(line):
        yield _escaped_to(detail.translate(_TAMED), 400)


def _escaped_to(text: str, limit: int) -> str:
    """Escaped, and cut where no entity is torn."""
    escaped = escape(text)
    if len(escaped) <= limit:
        return escaped
    kept = text[:limit]
    while len(escape(kept)) > limit - 1:
        kept = kept[: len(kept) - max(1, (len(escape(kept)) - limit) // 5)]
    return f"{escape(kept)}…"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}

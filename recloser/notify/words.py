"""What a notice says, in plain words; each channel puts it into its own form."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from recloser.values import Change, Purpose

if TYPE_CHECKING:
    from recloser.values import Line, Notice

_COUNTED = {
    Change.NEW: "new",
    Change.AGAIN: "back again",
    Change.WORSE: "worse",
    Change.FLAPPING: "flapping",
    Change.STILL: "not over",
    Change.RESOLVED: "over",
}


def headline(notice: Notice) -> str:
    """The notice in one line."""
    if notice.purpose is Purpose.TEST:
        return f"{notice.target}: a test of this channel"
    counted = Counter(line.change for line in notice.lines)
    what = ", ".join(f"{counted[change]} {word}" for change, word in _COUNTED.items() if counted[change])
    return f"{notice.target}: {what} ({notice.severity})"


def standing(line: Line) -> str:
    """Where a finding stands, in a few words."""
    nights = "1 night" if line.nights == 1 else f"{line.nights} nights"
    return {
        Change.NEW: f"new in {line.cycle_id}",
        Change.AGAIN: f"back in {line.cycle_id}",
        Change.WORSE: f"now {line.severity}, for {nights} since {line.cycle_id}",
        Change.STILL: f"for {nights} since {line.cycle_id}",
        Change.FLAPPING: "it begins and ends too often: held until it is calm",
        Change.RESOLVED: f"over, after {nights} since {line.cycle_id}",
    }[line.change]


def details(line: Line) -> tuple[str, ...]:
    """What else is known, a line each."""
    finding = line.finding
    told = (
        ("", finding.text),
        ("owner: ", finding.owner),
        ("suspects: ", "; ".join(finding.suspects[:3])),
        ("reproduce: ", finding.reproduce),
    )
    return tuple(f"{lead}{text}" for lead, text in told if text)


def plain(notice: Notice) -> str:
    """The whole notice as plain text."""
    parts = [headline(notice), ""]
    for line in notice.lines:
        parts.append(f"* [{line.severity}] {line.finding.title}")
        parts.append(f"  {standing(line)}; id: {line.finding.fingerprint}")
        parts += [f"  {detail}" for detail in details(line)]
        parts += [f"    {text}" for text in line.finding.evidence]
        parts.append("")
    if notice.report:
        parts.append(f"The whole page: {notice.report}")
    return "\n".join(parts).rstrip() + "\n"

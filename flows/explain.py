"""A diagnosis on the terminal, for the person who must act. Texts of jobs are hostile: they never become markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from recloser.diagnosis.causes import cause_facts
from recloser.diagnosis.comparison import NOVEL
from recloser.diagnosis.questions import in_plain_words
from recloser.redaction import Redactor, shown
from recloser.values import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.diagnosis.verdict import Candidate, Finding
    from recloser.values import Diagnosis, EvidenceLine

_REDACT = Redactor(())
_SHOWN_LINES, _SHOWN_NOVEL = 3, 10
_LIMIT = 300


def print_finding(name: str, finding: Finding, gaps: Sequence[str]) -> None:
    """Print what was found in one document of evidence."""
    best, *others = finding.candidates or (None,)
    facts = cause_facts()[finding.cause]
    named = best is not None and finding.cause is not Cause.UNKNOWN
    _head(name, finding.cause, finding.confidence if named else None, facts.means)
    if best is not None:
        if not named:
            _row("suspected", f"{best.cause} ({best.confidence:.0%})" if best.cause is not Cause.UNKNOWN else "")
            _row("but", best.summary)
        _evidence(best.evidence)
        for doubt in best.doubts:
            _row("doubt", doubt)
    for line in finding.unusual[-_SHOWN_NOVEL:]:
        _row(NOVEL, line)
    for item in finding.ruled_out:
        _row("ruled out", f"{item.cause}: {item.why}")
    _row("concerned", facts.concerned)
    _row("do", facts.advice)
    if best is not None and best.remedies:
        _row("remedies", f"{', '.join(best.remedies)} [{best.level}]")
    _alternatives([other for other in others if other is not None])
    for unchecked in (*gaps, *(map(in_plain_words, best.confirmed_by) if best else ())):
        _row("not checked", unchecked)
    if not named:
        _row("fingerprint", finding.fingerprint)


def print_diagnosis(name: str, diagnosis: Diagnosis) -> None:
    """Print a diagnosis that was checked against the account."""
    facts = cause_facts()[diagnosis.cause]
    named = diagnosis.cause is not Cause.UNKNOWN
    _head(name, diagnosis.cause, diagnosis.confidence if named else None, diagnosis.summary)
    _evidence(diagnosis.evidence)
    _row("concerned", facts.concerned)
    _row("do", facts.advice)
    _row("remedies", ", ".join(diagnosis.remedies))
    for item in diagnosis.ruled_out:
        _row("ruled out", f"{item.cause}: {item.why}")
    for gap in diagnosis.not_checked:
        _row("not checked", gap)


def _head(name: str, cause: Cause, confidence: float | None, means: str) -> None:
    sure = "" if confidence is None else f" ({confidence:.0%})"
    style = "bold yellow" if cause is Cause.UNKNOWN else "bold"
    _CONSOLE.print(Text.assemble((_safe(name), "bold cyan"), "  ", (f"{cause}{sure}", style), f": {_safe(means)}"))


def _evidence(lines: Sequence[EvidenceLine]) -> None:
    others = [line for line in lines if line.source != NOVEL]
    novel = [line for line in lines if line.source == NOVEL]
    for line in (*others[-_SHOWN_LINES:], *novel[-_SHOWN_NOVEL:]):
        _row(line.source, line.text)


def _alternatives(others: Sequence[Candidate]) -> None:
    if others:
        _row("also possible", ", ".join(f"{other.cause} ({other.confidence:.0%})" for other in others))


def _row(head: str, text: str) -> None:
    if text:
        _CONSOLE.print(Text.assemble((f"{head:>16}  ", "dim"), _safe(text)))


def _safe(text: str) -> str:
    return shown(text, _REDACT, limit=_LIMIT)


_CONSOLE = Console(highlight=False, soft_wrap=True)

"""The words of the report for single facts of an incident; everything from outside is escaped here."""

import math

from recloser.report.markdown import NOTHING, Markdown, escape_inline, fence
from recloser.values import AttemptRecord, AutonomyLevel, ChangeRecord, ChangeState, Incident, JobState

_CENT = 0.01
PROSE_LIMIT = 2_000
"""Characters of one text from outside that a line of the report shows."""
IN_PLACE = frozenset({ChangeState.APPLIED, ChangeState.VERIFIED})
"""The states of a change that is in the account now."""
_LEVELS = {
    AutonomyLevel.RETRY: "A0, resubmitted unchanged",
    AutonomyLevel.REVERSIBLE: "A1, within caps and reversible",
    AutonomyLevel.APPROVAL: "A2, needs approval",
    AutonomyLevel.EXPLAIN: "A3, explanation only",
}


def prose(text: str) -> Markdown:
    """A text from outside as one line, cut where it is far too long for one."""
    return escape_inline(clip(text, PROSE_LIMIT))


def sentence(text: str) -> Markdown:
    """A text from outside as a sentence, with its full stop."""
    line = clip(text.strip(), PROSE_LIMIT)
    return escape_inline(line if line.endswith((".", "!", "?")) else f"{line}.")


def passage(text: str) -> Markdown:
    """A text from outside as prose if it is one line, else as a block that keeps its lines to be copied."""
    return fence(text) if "\n" in text.strip() else prose(text) or NOTHING


def clip(text: str, limit: int) -> str:
    """The beginning of a text, and how much of it is left out."""
    return text if len(text) <= limit else f"{text[:limit]} … ({len(text) - limit:,} characters left out)"


def percent(share: float) -> str:
    """A share, rounded down: what is not certain is never shown as 100 %."""
    return f"{math.floor(share * 100 + 1e-9)} %"


def usd(amount: float | None) -> str:
    """An amount of money with as many decimals as it needs to say something; a dash where none is known."""
    if amount is None:
        return str(NOTHING)
    return f"{amount:.2f} USD" if amount >= _CENT or amount == 0 else f"{amount:.6f} USD"


def level_words(level: AutonomyLevel) -> str:
    """How much consent a change needs."""
    return _LEVELS[level]


def state_words(attempt: AttemptRecord) -> str:
    """How an attempt stands; a success without its outputs is none."""
    if attempt.state is None:
        return "not submitted"
    if attempt.state is JobState.SUCCEEDED and not attempt.succeeded:
        return "SUCCEEDED without valid outputs"
    return attempt.state.value


def has_failed(attempt: AttemptRecord) -> bool:
    """Whether an attempt ended without success."""
    return attempt.state is not None and attempt.state.is_terminal and not attempt.succeeded


def left_out(incident: Incident, attempt: AttemptRecord) -> tuple[ChangeRecord, ...]:
    """The changes that a trial went without."""
    return tuple(change for change in incident.changes if change.change_id in attempt.without)


def trial_words(incident: Incident, attempt: AttemptRecord) -> str:
    """What a run without a change has shown."""
    if attempt.abandoned:
        return "interrupted, so it proves nothing"
    if attempt.succeeded:
        return "succeeded: not needed"
    if not has_failed(attempt):
        return "has not ended"
    causes = {change.cause for change in left_out(incident, attempt)}
    if attempt.diagnosis is not None and attempt.diagnosis.cause in causes:
        return "failed of the same cause: needed"
    return "failed of another cause, which decides nothing: kept"


def changes_after(incident: Incident, attempt: AttemptRecord) -> tuple[ChangeRecord, ...]:
    """The changes that answer an attempt's failure."""
    return tuple(change for change in incident.changes if change.attempt == attempt.number)

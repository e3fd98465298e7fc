"""A failed attempt as it is kept: what it has in common with others, and its evidence, bounded and without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recloser.diagnosis import fingerprint as fingerprint_of
from recloser.diagnosis import symptoms_of, template
from recloser.diagnosis.novelty import telling_line
from recloser.redaction import LIMIT, Redactor, clean
from recloser.values import AttemptRecord, Cause, Evidence, LogTail, Occurrence

if TYPE_CHECKING:
    from collections.abc import Callable

LINES = 400
"""Log lines kept of one attempt: the last ones."""
CHARACTERS = 100_000
"""Characters of log kept of one attempt."""
_MOULD = 1_000


def occurrence_of(evidence: Evidence, attempt: AttemptRecord, *, incident_id: str, target: str) -> Occurrence:
    """A failure, as it is counted."""
    diagnosis = attempt.diagnosis
    return Occurrence(
        incident_id=incident_id,
        attempt=attempt.number,
        target=target,
        queue=clean(evidence.job.queue.rsplit("/", 1)[-1]),
        definition=clean(attempt.definition.rsplit("/", 1)[-1]),
        cause=diagnosis.cause if diagnosis else Cause.UNKNOWN,
        signature=diagnosis.signature if diagnosis else "none",
        fingerprint=fingerprint_of(evidence),
        mould=mould_of(evidence),
        seen_at=attempt.stopped_at or evidence.collected_at,
    )


def mould_of(evidence: Evidence) -> str:
    """What a failure says of its own, without what changes from run to run; empty where it says nothing.

    The status reason and the exit code are left out: they are the same for half of all failures.
    """
    symptoms = symptoms_of(evidence)
    lines = (*map(template, symptoms.container_lines), telling_line(symptoms.log_lines))
    return clean(" ".join(filter(None, lines)), _MOULD)


def kept(evidence: Evidence, redact: Callable[[str], str]) -> Evidence:
    """Evidence as it may be stored: bounded, redacted in every text, its environment by name only."""
    lines = evidence.log.lines[-LINES:]
    while sum(len(line.text) for line in lines) > CHARACTERS:
        lines = lines[len(lines) // 4 + 1 :]
    bounded = evidence.model_copy(
        update={"log": LogTail(stream=evidence.log.stream, lines=lines, note=evidence.log.note)}
    )
    patterns = Redactor(())
    return Evidence.model_validate(_each_text(bounded.model_dump(mode="json"), lambda text: patterns(redact(text))))


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return clean(change(value), LIMIT)
        case dict():
            return {
                name: inner if name == "state" or name.endswith("at") else _each_text(inner, change)
                for name, inner in value.items()
            }
        case list():
            return [_each_text(inner, change) for inner in value]
        case _:
            return value

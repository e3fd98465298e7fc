"""What the evidence of a job holds, field by field, for those who look for single facts in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from recloser.values import Evidence

Field = Literal["status_reason", "container_reason", "log"]


def texts(evidence: Evidence, field: Field) -> tuple[str, ...]:
    """What the evidence holds under one field, line by line."""
    attempt = evidence.job.last_attempt
    match field:
        case "status_reason":
            return _present(attempt.status_reason, evidence.job.status_reason)
        case "container_reason":
            return _present(attempt.container_reason)
        case "log":
            return tuple(line.text for line in evidence.log.lines)


def _present(*values: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))

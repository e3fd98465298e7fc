"""How failures look: `signatures.toml`, read into patterns that can be tried on evidence.

A signature knows text only. Whether what it says is true of the account is a probe's business, and what to do
about it a remedy's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from recloser.values import Cause, Evidence, EvidenceLine, Value

SourceField = Literal["status_reason", "stopped", "container_reason", "log", "exit_code", "outputs"]

Pattern = Annotated[
    re.Pattern[str], BeforeValidator(lambda text: re.compile(text, re.IGNORECASE) if isinstance(text, str) else text)
]


class Signature(Value):
    """One way a failure looks; see the head of `signatures.toml` for the fields."""

    id: str
    cause: Cause
    field: SourceField
    pattern: Pattern
    needs: Pattern | None = None
    subject: str = ""
    summary: str
    confidence: float = Field(gt=0, lt=1)
    probes: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    confusable: tuple[Cause, ...] = ()
    fallback: bool = False
    """Believed only when no other signature matches the same field: a bare traceback, say."""
    source: str


class Match(Value):
    """A signature found in the evidence."""

    signature: Signature
    lines: tuple[EvidenceLine, ...]
    captures: Mapping[str, tuple[str, ...]]
    position: int
    """Where the last matching line stands; later is closer to the end of the attempt."""


@cache
def load_signatures() -> tuple[Signature, ...]:
    """All signatures, in order of precedence."""
    text = resources.files("recloser.healing").joinpath("signatures.toml").read_text(encoding="utf-8")
    return TypeAdapter(tuple[Signature, ...]).validate_python(tomllib.loads(text)["signature"])


def matches(evidence: Evidence) -> tuple[Match, ...]:
    """Every signature the evidence shows, most trusted first.

    Between fields the order of the file decides: a stop, a time limit, a lost host and a memory reason come
    before what the container printed. Within the log the failure closest to the end decides, because what a job
    survived earlier did not end it.
    """
    found = [match for signature in load_signatures() if (match := _match(signature, evidence)) is not None]
    before_log = [match for match in found if _precedes_log(match.signature)]
    in_log = [match for match in found if match.signature.field == "log"]
    after_log = [match for match in found if match not in before_log and match not in in_log]
    in_log.sort(key=lambda match: (match.signature.fallback, -match.position))
    return (*before_log, *in_log, *after_log)


def _precedes_log(signature: Signature) -> bool:
    return signature.field in {"status_reason", "stopped", "container_reason"} and signature.cause is not Cause.UNKNOWN


def _match(signature: Signature, evidence: Evidence) -> Match | None:
    lines = texts(evidence, signature.field)
    if signature.needs is not None and not any(signature.needs.search(line) for line in lines):
        return None
    hits = [(index, found) for index, line in enumerate(lines) if (found := signature.pattern.search(line))]
    if not hits:
        return None
    captures: dict[str, dict[str, None]] = {}
    for _, found in hits:
        for name, value in found.groupdict().items():
            if value is not None:
                captures.setdefault(name, {})[value] = None
    label = signature.field.replace("_", " ")
    return Match(
        signature=signature,
        lines=tuple(EvidenceLine(source=label, text=lines[index]) for index, _ in hits[-_SHOWN:]),
        captures={name: tuple(values) for name, values in captures.items()},
        position=hits[-1][0],
    )


_SHOWN = 6
"""How many matching lines are kept as evidence: the last ones."""


def texts(evidence: Evidence, field: SourceField) -> tuple[str, ...]:
    """What the evidence holds under one field, line by line."""
    attempt = evidence.job.last_attempt
    match field:
        case "status_reason":
            return _present(attempt.status_reason, evidence.job.status_reason)
        case "stopped":
            return _present(
                "terminated" if evidence.job.is_terminated else None,
                "cancelled" if evidence.job.is_cancelled else None,
            )
        case "container_reason":
            return _present(attempt.container_reason)
        case "exit_code":
            return _present(None if attempt.exit_code is None else str(attempt.exit_code))
        case "outputs":
            return tuple(f"{check.uri}: {check.detail}" for check in evidence.outputs if not check.ok)
        case "log":
            return tuple(line.text for line in evidence.log.lines)


def _present(*values: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))

"""Symptoms → finding: ranked causes, what they rest on, and what could not be checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from recloser.diagnosis.calibration import THRESHOLD
from recloser.diagnosis.catalogue import catalogue
from recloser.diagnosis.comparison import ruled_out, telling
from recloser.diagnosis.matching import matches
from recloser.diagnosis.novelty import fingerprint_of, templates, unusual
from recloser.diagnosis.ranking import Ranked, rank
from recloser.values import AutonomyLevel, Cause, EvidenceLine, RuledOut, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.diagnosis.signature import Signature
    from recloser.diagnosis.symptoms import Symptoms

_SHOWN = 6
"""Lines of evidence that are kept of one match: the last ones."""


class Candidate(Value):
    """A cause that the evidence suggests."""

    cause: Cause
    confidence: float = Field(ge=0, le=1)
    signature: str
    evidence: tuple[EvidenceLine, ...]
    doubts: tuple[str, ...] = ()
    """Why it is believed less than such wordings usually are."""
    confirmed_by: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    level: AutonomyLevel
    summary: str
    facts: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class Finding(Value):
    """What can be said of a failure from its texts alone."""

    cause: Cause
    """The first candidate's from the threshold on, else `unknown`."""
    confidence: float = Field(ge=0, le=1)
    """The probability that the first candidate is right, named or not."""
    candidates: tuple[Candidate, ...] = ()
    """Most credible first, each cause once."""
    fingerprint: str
    """What failures of this kind have in common."""
    unusual: tuple[str, ...] = ()
    """Lines that a good run's log does not have, where the cause is `unknown` and there is one to compare with."""
    ruled_out: tuple[RuledOut, ...] = ()
    """Causes that only lines spoke for which a good run's log has too."""


def examine(
    symptoms: Symptoms, signatures: Sequence[Signature] | None = None, *, good_lines: Sequence[str] = ()
) -> Finding:
    """Say what can be said of a failure from its texts alone.

    Args:
        symptoms: The texts of one attempt.
        signatures: In order of precedence; the catalogue's if not given.
        good_lines: The log of the last good run, where there is one.
    """
    found = matches(symptoms, catalogue() if signatures is None else signatures)
    told = telling(found, templates(good_lines))
    ranked = rank(told, symptoms)
    candidates = tuple(map(_candidate, _first_of_each_cause(ranked)))
    confidence = candidates[0].confidence if candidates else 0.0
    named = bool(candidates) and confidence >= THRESHOLD
    return Finding(
        cause=candidates[0].cause if named else Cause.UNKNOWN,
        confidence=confidence,
        candidates=candidates,
        fingerprint=fingerprint_of(symptoms),
        unusual=unusual(symptoms.log_lines, good_lines) if good_lines and not named else (),
        ruled_out=ruled_out(found, told),
    )


def _first_of_each_cause(ranked: Sequence[Ranked]) -> tuple[Ranked, ...]:
    first: dict[Cause, Ranked] = {}
    for item in ranked:
        first.setdefault(item.cause, item)
    return tuple(first.values())


def _candidate(ranked: Ranked) -> Candidate:
    signature, match = ranked.match.signature, ranked.match
    source = match.field.replace("_", " ")
    return Candidate(
        cause=signature.cause,
        confidence=round(ranked.confidence, 2),
        signature=signature.id,
        evidence=tuple(EvidenceLine(source=source, text=line) for _, line in match.found[-_SHOWN:]),
        doubts=ranked.doubts,
        confirmed_by=signature.confirmed_by,
        remedies=signature.remedies,
        level=signature.level,
        summary=signature.summary,
        facts=match.captures,
    )

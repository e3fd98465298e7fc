"""Why did it fail? Signatures in order of precedence, probes that check them, one answer with its reasons.

Below `THRESHOLD` the answer is `unknown`: what was seen is shown, and nothing in the account is changed on it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recloser.healing import probes
from recloser.healing.probes import Finding, Probed
from recloser.healing.signatures import Match, load_signatures, matches
from recloser.values import Cause, Diagnosis, Evidence, EvidenceLine, RuledOut, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recloser.healing.site import Site

THRESHOLD = 0.5
"""A cause is named from here on (the reference's scoring uses the same figure)."""

_CONFIRMED = 0.97
_UNCHECKED_FACTOR = 0.8


class _Judged(Value):
    """A match and what the account said to it."""

    match: Match
    answers: tuple[Probed, ...]

    @property
    def refuted(self) -> str | None:
        return next((answer.said for answer in self.answers if answer.finding is Finding.REFUTED), None)

    @property
    def confidence(self) -> float:
        findings = {answer.finding for answer in self.answers}
        base = self.match.signature.confidence
        if Finding.NOT_CHECKED in findings:
            return base * _UNCHECKED_FACTOR
        return max(base, _CONFIRMED) if Finding.CONFIRMED in findings else base


def diagnose(site: Site, evidence: Evidence) -> Diagnosis:
    """Name the cause of a failed attempt, or say `unknown`."""
    ruled_out: list[RuledOut] = []
    found = matches(evidence)
    for index, match in enumerate(found):
        answers = tuple(probes.ask(name, site, match, evidence) for name in match.signature.probes)
        judged = _Judged(match=match, answers=answers)
        if judged.refuted is not None:
            ruled_out.append(RuledOut(cause=match.signature.cause, why=judged.refuted, refuted=True))
        elif judged.confidence >= THRESHOLD:
            later = tuple(_outranked(other, by=match) for other in found[index + 1 :] if _differs(other, match))
            return _conclude(judged, evidence, (*ruled_out, *later, *_look_alikes(match, found)))
    return _unknown(evidence, tuple(ruled_out), found)


def _conclude(judged: _Judged, evidence: Evidence, ruled_out: Sequence[RuledOut]) -> Diagnosis:
    signature = judged.match.signature
    facts: dict[str, tuple[str, ...]] = dict(judged.match.captures)
    for answer in judged.answers:
        facts.update(answer.facts)
    subject = _fill(signature.subject, facts)
    confirmed = [a.said for a in judged.answers if a.finding in {Finding.CONFIRMED, Finding.OPEN}]
    return Diagnosis(
        cause=signature.cause,
        signature=signature.id,
        subject=subject,
        summary=_fill(signature.summary, facts | {"subject": (subject,)}),
        confidence=round(judged.confidence, 2),
        evidence=(*judged.match.lines, *(EvidenceLine(source="probe", text=said) for said in confirmed)),
        ruled_out=_first_of_each(ruled_out),
        not_checked=(*evidence.gaps, *(a.said for a in judged.answers if a.finding is Finding.NOT_CHECKED)),
        facts=facts,
        remedies=signature.remedies,
    )


def _unknown(evidence: Evidence, ruled_out: tuple[RuledOut, ...], found: tuple[Match, ...]) -> Diagnosis:
    """The honest answer: what was seen decides nothing."""
    weak = next((match for match in found if match.signature.confidence < THRESHOLD), None)
    attempt = evidence.job.last_attempt
    seen = [
        EvidenceLine(source=source, text=str(text))
        for source, text in (
            ("status reason", attempt.status_reason),
            ("container reason", attempt.container_reason),
            ("exit code", attempt.exit_code),
        )
        if text is not None
    ]
    last_lines = [EvidenceLine(source="log", text=line.text) for line in evidence.log.lines[-3:]]
    return Diagnosis(
        cause=Cause.UNKNOWN,
        signature=weak.signature.id if weak else "none",
        summary=weak.signature.summary if weak else "nothing in the evidence matches a known failure",
        confidence=weak.signature.confidence if weak else 0.0,
        evidence=(*seen, *last_lines),
        ruled_out=_first_of_each(ruled_out),
        not_checked=(*evidence.gaps, *((evidence.log.note,) if evidence.log.note else ())),
    )


def _differs(other: Match, match: Match) -> bool:
    return other.signature.cause not in {match.signature.cause, Cause.UNKNOWN}


def _outranked(other: Match, *, by: Match) -> RuledOut:
    sign = f"{other.lines[-1].source} also shows {other.lines[-1].text[:120]!r}"
    same_log = by.signature.field == other.signature.field == "log"
    why = "a general sign; the named cause is more specific" if other.signature.fallback else "it does not end the log"
    if not same_log:
        why = f"the {by.lines[-1].source} takes precedence"
    return RuledOut(cause=other.signature.cause, why=f"{sign}, but {why}")


def _look_alikes(match: Match, found: tuple[Match, ...]) -> list[RuledOut]:
    """Causes that are easily confused with this one and of which no sign was found."""
    shown = {other.signature.cause for other in found}
    return [
        RuledOut(cause=cause, why=f"none of its signs in {_fields(cause)}")
        for cause in match.signature.confusable
        if cause not in shown
    ]


def _fields(cause: Cause) -> str:
    fields = dict.fromkeys(s.field.replace("_", " ") for s in load_signatures() if s.cause is cause)
    return ", ".join(fields) or "the evidence"


def _first_of_each(ruled_out: Sequence[RuledOut]) -> tuple[RuledOut, ...]:
    return tuple({item.cause: item for item in reversed(ruled_out)}.values())[::-1]


def _fill(template: str, facts: Mapping[str, tuple[str, ...]]) -> str:
    def value(found: re.Match[str]) -> str:
        return ", ".join(facts.get(found[1], ())) or "(not named)"

    return re.sub(r"\{(\w+)\}", value, template)

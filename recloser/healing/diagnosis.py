"""Why did it fail? What the texts suggest, checked against the account, as one answer with its reasons.

Below `THRESHOLD` the answer is `unknown`: what was seen is shown, and nothing in the account is changed on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from recloser.diagnosis import (
    NOVEL,
    THRESHOLD,
    Ranked,
    catalogue,
    cause_facts,
    matches,
    rank,
    read_signatures,
    ruled_out,
    symptoms_of,
    telling,
    templates,
    unusual,
)
from recloser.healing import probes
from recloser.healing.probes import Finding, Probed
from recloser.healing.probes.gaps import gaps
from recloser.healing.remedies import REMEDIES
from recloser.values import Cause, Diagnosis, Evidence, EvidenceLine, RuledOut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recloser.diagnosis import Signature
    from recloser.healing.good_log import GoodLog
    from recloser.healing.site import Site

_CONFIRMED = 0.97
_UNCHECKED_FACTOR = 0.8
_SHOWN = 6
"""Lines of evidence that are kept: the last ones."""
_LAST, _NOVEL_LINES = 3, 10
"""Lines that are shown of the log of an unknown failure: its last, or of those that a good run's does not have."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the texts suggest, and what the account said to it."""

    ranked: Ranked
    answers: Mapping[str, Probed] = field(default_factory=dict)
    """By the names of the probes."""

    @property
    def refuted(self) -> Probed | None:
        return next((answer for answer in self.answers.values() if answer.finding is Finding.REFUTED), None)

    @property
    def confidence(self) -> float:
        findings = {answer.finding for answer in self.answers.values()}
        base = self.ranked.confidence
        if self.ranked.doubts:  # that it is so does not show that it ended the job
            return base
        if Finding.CONFIRMED in findings:  # one answer of the account outweighs another that it does not give
            return max(base, _CONFIRMED)
        return base * _UNCHECKED_FACTOR if Finding.NOT_CHECKED in findings else base


def diagnose(site: Site, evidence: Evidence, good: GoodLog | None = None) -> Diagnosis:
    """Name the cause of a failed attempt, or say `unknown`.

    Args:
        site: The target in its account.
        evidence: What was collected of the attempt.
        good: The log of the last successful run, where there is anything to compare with it.

    Raises:
        SignatureError: The target's own file of signatures cannot be used.
    """
    symptoms = symptoms_of(evidence)
    everything = matches(symptoms, signatures_of(site))
    told = telling(everything, templates(good.lines if good else ()))
    found = rank(told, symptoms)
    out = [item for item in ruled_out(everything, told) if item.cause is not Cause.UNKNOWN]
    for index, ranked in enumerate(found):
        judged = _Judged(ranked=ranked, answers=_answers(site, ranked, evidence))
        if ranked.cause is Cause.UNKNOWN and judged.refuted is None:
            if ranked.decides_nothing:
                break
            continue
        if judged.refuted is not None:
            shown = _shown_instead(ranked, judged.refuted)
            if shown is None or shown.ranked.cause is not ranked.cause:
                out.append(RuledOut(cause=ranked.cause, why=judged.refuted.said, refuted=True))
            if shown is not None:
                return _conclude(shown, evidence, (*out, *_look_alikes(shown.ranked, found)))
        elif judged.confidence >= THRESHOLD:
            later = tuple(_outranked(other, by=ranked) for other in found[index + 1 :] if _differs(other, ranked))
            return _conclude(judged, evidence, (*out, *later, *_look_alikes(ranked, found)))
        elif ranked.decides_nothing:
            break
    return _unknown(evidence, tuple(out), found, good)


def signatures_of(site: Site) -> tuple[Signature, ...]:
    """The target's own signatures, which come first, and the catalogue."""
    own = site.target.signatures
    return catalogue() if own is None else (*read_signatures(site.target.path(own)), *catalogue())


def _answers(site: Site, ranked: Ranked, evidence: Evidence) -> dict[str, Probed]:
    return {name: probes.ask(name, site, ranked.match, evidence) for name in ranked.match.signature.probes}


def _shown_instead(ranked: Ranked, refuted: Probed) -> _Judged | None:
    """What the account shows in place of what it refutes; it is as sure as what it confirms."""
    if refuted.instead is None:
        return None
    signature = next(one for one in catalogue() if one.id == refuted.instead)
    seen = refuted.model_copy(update={"finding": Finding.CONFIRMED})
    other = Ranked(match=replace(ranked.match, signature=signature), confidence=ranked.confidence)
    return _Judged(ranked=other, answers=dict.fromkeys(signature.probes or ("",), seen))


def _conclude(judged: _Judged, evidence: Evidence, out: Sequence[RuledOut]) -> Diagnosis:
    signature = judged.ranked.match.signature
    facts: dict[str, tuple[str, ...]] = dict(judged.ranked.match.captures)
    for answer in judged.answers.values():
        facts.update(answer.facts)
    subject = _fill(signature.subject, facts, unnamed="")
    told = [a.said for a in judged.answers.values() if a.said and a.finding is not Finding.NOT_CHECKED]
    summary = signature.summary or cause_facts()[signature.cause].means
    return Diagnosis(
        cause=signature.cause,
        signature=signature.id,
        subject=subject,
        summary=_fill(summary, facts | ({"subject": (subject,)} if subject else {})),
        confidence=round(judged.confidence, 2),
        evidence=(*_lines(judged.ranked), *(EvidenceLine(source="probe", text=said) for said in dict.fromkeys(told))),
        ruled_out=_first_of_each(out),
        not_checked=(*evidence.gaps, *gaps(signature, judged.answers, evidence.job)),
        facts=facts,
        remedies=tuple(name for name in signature.planned if name in REMEDIES),
    )


def _unknown(
    evidence: Evidence, out: tuple[RuledOut, ...], found: tuple[Ranked, ...], good: GoodLog | None
) -> Diagnosis:
    """The honest answer: what was seen decides nothing; what a good run's log does not have is shown."""
    weak = next((ranked for ranked in found if ranked.confidence < THRESHOLD), None)
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
    return Diagnosis(
        cause=Cause.UNKNOWN,
        signature=weak.match.signature.id if weak else "none",
        summary=_summary(weak) if weak else "nothing in the evidence matches a known failure",
        confidence=round(weak.confidence, 2) if weak else 0.0,
        evidence=(*seen, *_worth_reading(evidence, good)),
        ruled_out=_first_of_each((*out, *map(_too_weak, _suspected(found)))),
        not_checked=(*evidence.gaps, *_untold(evidence, good), *_unsettled(weak, evidence)),
    )


def _worth_reading(evidence: Evidence, good: GoodLog | None) -> list[EvidenceLine]:
    """The lines of the log that a good run's does not have; without one to compare with, the last."""
    lines = [line.text for line in evidence.log.lines]
    if good is None or not good.lines:
        return [EvidenceLine(source="log", text=line) for line in lines[-_LAST:]]
    return [EvidenceLine(source=NOVEL, text=line) for line in unusual(lines, good.lines, limit=_NOVEL_LINES)]


def _untold(evidence: Evidence, good: GoodLog | None) -> tuple[str, ...]:
    return tuple(note for note in (evidence.log.note, good.gap if good else None) if note)


def _summary(ranked: Ranked) -> str:
    signature = ranked.match.signature
    return _fill(signature.summary or cause_facts()[signature.cause].means, ranked.match.captures)


def _suspected(found: Sequence[Ranked]) -> list[Ranked]:
    return [ranked for ranked in found if ranked.cause is not Cause.UNKNOWN and ranked.confidence < THRESHOLD]


def _too_weak(ranked: Ranked) -> RuledOut:
    why = "; ".join(ranked.doubts) or "such a text does not decide it"
    return RuledOut(cause=ranked.cause, why=f"suspected ({ranked.confidence:.0%}), not named: {why}")


def _unsettled(weak: Ranked | None, evidence: Evidence) -> tuple[str, ...]:
    return gaps(weak.match.signature, {}, evidence.job) if weak else ()


def _lines(ranked: Ranked) -> tuple[EvidenceLine, ...]:
    source = ranked.match.field.replace("_", " ")
    return tuple(EvidenceLine(source=source, text=line) for _, line in ranked.match.found[-_SHOWN:])


def _differs(other: Ranked, named: Ranked) -> bool:
    return other.cause not in {named.cause, Cause.UNKNOWN}


def _outranked(other: Ranked, *, by: Ranked) -> RuledOut:
    line = _lines(other)[-1]
    sign = f"{line.source} also shows {line.text[:120]!r}"
    if by.match.field != "log" or other.match.field != "log":
        why = f"the {by.match.field.replace('_', ' ')} takes precedence"
    elif other.doubts:
        why = "; ".join(other.doubts)
    elif other.match.signature.symptom:
        why = "that is a general sign; the named cause is more specific"
    else:
        why = "it does not end the log"
    return RuledOut(cause=other.cause, why=f"{sign}, but {why}")


def _look_alikes(named: Ranked, found: tuple[Ranked, ...]) -> list[RuledOut]:
    """Causes that are easily confused with this one and of which no sign was found."""
    shown = {other.cause for other in found}
    return [
        RuledOut(cause=cause, why=f"none of its signs in {_fields(cause)}")
        for cause in named.match.signature.confusable
        if cause not in shown
    ]


def _fields(cause: Cause) -> str:
    fields = dict.fromkeys(where.replace("_", " ") for s in catalogue() if s.cause is cause for where in s.where)
    return ", ".join(fields) or "the evidence"


def _first_of_each(out: Sequence[RuledOut]) -> tuple[RuledOut, ...]:
    return tuple({item.cause: item for item in reversed(out)}.values())[::-1]


def _fill(template: str, facts: Mapping[str, tuple[str, ...]], *, unnamed: str = "(not named)") -> str:
    def value(found: re.Match[str]) -> str:
        return ", ".join(facts.get(found[1], ())) or unnamed

    return re.sub(r"\{(\w+)\}", value, template)

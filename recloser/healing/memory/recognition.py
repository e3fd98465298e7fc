"""A failure that no signature knows, but that a person has named before.

The rule, in full:
- Only an `unknown` diagnosis is ever replaced, and never by a cause that a probe refuted.
- A label holds for its incident's fingerprint. Where none of the labelled ones is the same, the most alike counts,
  from `ALIKE` on. A failure that says nothing of its own (no reason, no log) is recognised by nothing.
- Of several labels the most frequent cause counts. Its confidence is (agreeing + 1) / (all + 2), times the likeness:
  one label makes 0.67, two that agree 0.75, two that disagree stay `unknown`.
- A person names a cause, no facts. So the label brings only those remedies that the catalogue offers for its cause
  without captures and without probes; each of them still decides by the target's guardrails and by the fix mode.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rapidfuzz import fuzz, process

from recloser.diagnosis import catalogue
from recloser.values import Cause, Diagnosis, EvidenceLine, Label
from recloser.values.memory import day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recloser.store.memory import Memory

ALIKE = 0.9
"""Share of characters two moulds must have in common (normalised insertions and deletions) to be taken for one kind."""
THRESHOLD = 0.5
"""A label below it is mentioned by nobody: two persons disagree, or it is too little alike."""


def recognise(memory: Memory, diagnosis: Diagnosis, fingerprint: str, mould: str, *, besides: str = "") -> Diagnosis:
    """The diagnosis with the cause that a person gave the same failure; the same diagnosis where nobody did."""
    if diagnosis.cause is not Cause.UNKNOWN or not mould:
        return diagnosis
    kind, likeness = fingerprint, 1.0
    labels = memory.labels_for(fingerprint, besides=besides)
    if not labels:
        kind, likeness = closest(mould, memory.moulds(besides=besides, labelled=True))
        labels = memory.labels_for(kind, besides=besides) if kind else ()
    return labelled(diagnosis, labels, kind=kind, likeness=likeness)


def closest(mould: str, known: Mapping[str, str]) -> tuple[str, float]:
    """The fingerprint of the most alike kind of failure, and how alike it is from 0 to 1; empty below `ALIKE`."""
    found = process.extractOne(mould, known, scorer=fuzz.ratio, score_cutoff=ALIKE * 100) if mould else None
    return ("", 0.0) if found is None else (str(found[2]), found[1] / 100)


def labelled(diagnosis: Diagnosis, labels: Sequence[Label], *, kind: str, likeness: float) -> Diagnosis:
    """An unknown diagnosis with the cause that labels agree on.

    Args:
        diagnosis: What the catalogue says: `unknown`.
        labels: One for each incident, newest first.
        kind: Fingerprint of the labelled failure.
        likeness: How alike it is to this one.
    """
    refuted = {out.cause for out in diagnosis.ruled_out if out.refuted}
    counts = Counter(label.cause for label in labels if label.cause not in refuted | {Cause.UNKNOWN})
    if not counts:
        return diagnosis
    cause, agreeing = counts.most_common(1)[0]
    confidence = (agreeing + 1) / (len(labels) + 2) * likeness
    if confidence <= THRESHOLD:
        return diagnosis
    word = next(label for label in labels if label.cause is cause)
    said = f"{word.who} labelled incident {word.incident_id} {cause} on {day(word.at)}"
    note = f": {word.note}" if word.note else ""
    return diagnosis.model_copy(
        update={
            "cause": cause,
            "signature": f"label:{kind}",
            "subject": kind,
            "summary": f"a person named this failure before; {said}{note}",
            "confidence": round(confidence, 2),
            "evidence": (*diagnosis.evidence, EvidenceLine(source="memory", text=f"{said}, {likeness:.0%} alike")),
            "remedies": remedies_without_facts(cause),
        }
    )


def remedies_without_facts(cause: Cause) -> tuple[str, ...]:
    """What the catalogue offers for a cause where neither a capture nor a probe is needed to plan it."""
    bare = (s for s in catalogue() if s.cause is cause and not s.names_parts and not s.probes)
    return tuple(dict.fromkeys(remedy for signature in bare for remedy in signature.planned))

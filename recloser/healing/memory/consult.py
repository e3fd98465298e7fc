"""Ask the memory about a diagnosis, and tell it what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.diagnosis import fingerprint as fingerprint_of
from recloser.healing.memory.failures import kept, mould_of, occurrence_of
from recloser.healing.memory.outcomes import outcomes_of
from recloser.healing.memory.ranking import standings
from recloser.healing.memory.recognition import closest, recognise
from recloser.values import AttemptRecord, Diagnosis, Evidence, Incident, Recurrence, utc_now

if TYPE_CHECKING:
    from recloser.healing.site import Site
    from recloser.store.memory import Memory


def consult(memory: Memory, evidence: Evidence, diagnosis: Diagnosis, *, incident_id: str, target: str) -> Diagnosis:
    """A diagnosis with what past incidents add to it.

    Returns:
        The same diagnosis, with how often it was seen, the cause a person gave it where the catalogue knows none,
        and its remedies ordered by their record; a retired one is no longer among them.
    """
    fingerprint, mould = fingerprint_of(evidence), mould_of(evidence)
    known = recognise(memory, diagnosis, fingerprint, mould, besides=incident_id)
    seen = _seen(memory, fingerprint, mould, incident_id)
    ranked = standings(
        known.remedies,
        memory.outcomes(known.signature, target, known.remedies) if known.remedies else (),
        signature=known.signature,
        target=target,
        now=utc_now(),
    )
    in_use = tuple(standing.remedy for standing in ranked if not standing.retired)
    return known.model_copy(update={"seen": seen, "standings": ranked, "remedies": in_use})


def _seen(memory: Memory, fingerprint: str, mould: str, incident_id: str) -> Recurrence | None:
    same = memory.recurrence(fingerprint, besides=incident_id)
    if same is not None:
        return same
    kind, likeness = closest(mould, memory.moulds(besides=incident_id))
    alike = memory.recurrence(kind, besides=incident_id) if kind else None
    return None if alike is None else alike.model_copy(update={"likeness": likeness})


def remember(memory: Memory, site: Site, incident_id: str, attempt: AttemptRecord, evidence: Evidence) -> None:
    """Keep a diagnosed failure and its evidence, for those to come."""
    occurrence = occurrence_of(evidence, attempt, incident_id=incident_id, target=site.target.name)
    memory.remember(occurrence, kept(evidence, site.redactor(evidence.job)))


def learn(memory: Memory, incident: Incident) -> None:
    """Keep what came of each remedy of an incident."""
    memory.save_outcomes(incident.incident_id, outcomes_of(incident))

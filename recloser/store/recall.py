"""What the memory is asked, as statements; each is answered from an index."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from recloser.store.queries import labels_in_force
from recloser.store.tables import AttemptRow, IncidentRow, LabelRow, OccurrenceRow, OutcomeRow
from recloser.values import Outcome, Verdict


def occurrences_like(fingerprint: str, besides: str) -> Select[OccurrenceRow]:
    """Failures of one kind, those of one incident left out."""
    wanted = select(OccurrenceRow).where(OccurrenceRow.fingerprint == fingerprint)
    return wanted.where(OccurrenceRow.incident_id != besides)


def moulds(besides: str, *, labelled: bool) -> Select[str, str]:
    """What failures say, by kind, the latest first."""
    wanted = select(OccurrenceRow.fingerprint, OccurrenceRow.mould).order_by(OccurrenceRow.seen_at.desc())
    wanted = wanted.where(OccurrenceRow.mould != "", OccurrenceRow.incident_id != besides)
    return wanted.where(OccurrenceRow.incident_id.in_(select(LabelRow.incident_id))) if labelled else wanted


def labels_of_fingerprint(fingerprint: str, besides: str) -> Select[LabelRow]:
    """The labels in force of incidents that show a kind of failure, newest first."""
    alike = occurrences_like(fingerprint, besides).with_only_columns(OccurrenceRow.incident_id)
    return labels_in_force().where(LabelRow.incident_id.in_(alike)).order_by(LabelRow.position.desc())


def outcomes() -> Select[*tuple[Any, ...]]:
    """What counts, field by field: hundreds are read at a time, and a mapped row costs as much as the rest."""
    return select(*(getattr(OutcomeRow, name) for name in Outcome.model_fields)).where(OutcomeRow.counts)


def outcomes_by_level(signature: str, target: str, remedies: Collection[str]) -> tuple[Select[*tuple[Any, ...]], ...]:
    """Outcomes here, those of the signature elsewhere, those of other signatures: no outcome is in two of them."""
    here = and_(OutcomeRow.signature == signature, OutcomeRow.target == target)
    elsewhere = and_(OutcomeRow.signature == signature, OutcomeRow.target != target)
    otherwise = OutcomeRow.signature != signature
    common = outcomes().where(OutcomeRow.remedy.in_(remedies))
    return tuple(common.where(level).order_by(OutcomeRow.at.desc()) for level in (here, elsewhere, otherwise))


def incidents_to_forget(before: datetime) -> Select[str]:
    """Incidents that were closed before a moment, but for the one with each target's newest success."""
    place = func.row_number().over(partition_by=IncidentRow.target, order_by=AttemptRow.submitted_at.desc())
    successes = (
        select(AttemptRow.incident_id, place.label("place")).join(IncidentRow).where(AttemptRow.succeeded).subquery()
    )
    newest = select(successes.c.incident_id).where(successes.c.place == 1)
    ended = or_(IncidentRow.closed_at < before, and_(IncidentRow.closed_at.is_(None), IncidentRow.opened_at < before))
    wanted = select(IncidentRow.incident_id).where(ended, IncidentRow.verdict != Verdict.OPEN)
    return wanted.where(IncidentRow.incident_id.not_in(newest))

"""What the repository asks for, as statements."""

from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, Select, func, select
from sqlalchemy.orm import selectinload

from recloser.store.tables import AttemptRow, ChangeRow, IncidentRow, LabelRow, OccurrenceRow
from recloser.values import Cause

_TURNS = 0x5EC105E
"""The space of our advisory locks in a database that others may share."""


def newest_incidents(
    target: str | None, *, cause: Cause | None = None, since: datetime | None = None
) -> Select[IncidentRow]:
    """Whole incidents, newest first; of one target, of one cause, from one moment on."""
    wanted = _whole_incidents().order_by(IncidentRow.opened_at.desc(), IncidentRow.incident_id.desc())
    if target is not None:
        wanted = wanted.where(IncidentRow.target == target)
    if since is not None:
        wanted = wanted.where(IncidentRow.opened_at >= since)
    return wanted if cause is None else wanted.where(IncidentRow.incident_id.in_(_of_cause(cause)))


def _of_cause(cause: Cause) -> CompoundSelect[str]:
    diagnosed = select(OccurrenceRow.incident_id).where(OccurrenceRow.cause == cause)
    return diagnosed.union(labels_in_force().where(LabelRow.cause == cause).with_only_columns(LabelRow.incident_id))


def labels_in_force() -> Select[LabelRow]:
    """The newest label of each incident that has one."""
    newest = select(func.max(LabelRow.position)).group_by(LabelRow.incident_id)
    return select(LabelRow).where(LabelRow.position.in_(newest))


def incidents_beginning_with(prefix: str) -> Select[IncidentRow]:
    """Whole incidents whose id begins so, the one with exactly this id first."""
    # Not LIKE: in SQLite it takes upper case for lower case, and `_` for anything.
    begins_so = func.substr(IncidentRow.incident_id, 1, len(prefix)) == prefix
    return _whole_incidents().where(begins_so).order_by(IncidentRow.incident_id)


def change_by_id(change_id: str) -> Select[ChangeRow]:
    """The change of this id."""
    return select(ChangeRow).where(ChangeRow.change_id == change_id)


def changes_of_incident(incident_id: str) -> Select[ChangeRow]:
    """An incident's changes in the order of planning."""
    return select(ChangeRow).where(ChangeRow.incident_id == incident_id).order_by(ChangeRow.position)


def successes_of(target: str) -> Select[AttemptRow]:
    """A target's attempts that succeeded and left their declared outputs, newest first."""
    successes = select(AttemptRow).join(IncidentRow).where(IncidentRow.target == target, AttemptRow.succeeded)
    return successes.order_by(AttemptRow.submitted_at.desc(), AttemptRow.number.desc())


def take_turns(about: str) -> Select[Any]:
    """PostgreSQL: wait until no other transaction is about this name; the lock ends with the transaction."""
    return select(func.pg_advisory_xact_lock(_TURNS, func.hashtext(about)))


def _whole_incidents() -> Select[IncidentRow]:
    return select(IncidentRow).options(selectinload(IncidentRow.attempts), selectinload(IncidentRow.changes))

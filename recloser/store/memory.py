"""What is kept beside the incidents to learn from them: failures, evidence, outcomes and labels."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from recloser.store.errors import StoreError
from recloser.store.queries import labels_in_force
from recloser.store.recall import (
    incidents_to_forget,
    labels_of_fingerprint,
    moulds,
    occurrences_like,
    outcomes,
    outcomes_by_level,
)
from recloser.store.rows import fields_of, pack_evidence, unpack_evidence
from recloser.store.tables import (
    AttemptRow,
    ChangeRow,
    EvidenceRow,
    IncidentRow,
    LabelRow,
    OccurrenceRow,
    OutcomeRow,
)
from recloser.store.transactions import Transactions
from recloser.values import Evidence, Label, Occurrence, Outcome, Recurrence

NEWEST = 200
"""Outcomes that are read at each level of a remedy's record: older ones weigh next to nothing."""
LATEST = 3_000
"""Failures whose texts are compared with a new one: nine in ten incidents that recur do so within 20 days."""

_BELONGING = (OutcomeRow, OccurrenceRow, EvidenceRow, LabelRow, ChangeRow, AttemptRow)
_BATCH = 1_000


class Memory:
    """What was learned from incidents; each call is one transaction, and any thread may make it."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def remember(self, occurrence: Occurrence, evidence: Evidence) -> None:
        """Keep a failed attempt and what was seen of it; the same attempt again replaces it.

        Args:
            occurrence: The failure, as it is counted.
            evidence: Redacted and bounded; environment values are never written.

        Raises:
            StoreError: There is no such incident.
        """
        key = occurrence.incident_id
        with self._transactions.write(key) as session:
            _require(session, key)
            session.merge(OccurrenceRow(**occurrence.model_dump()))
            session.merge(EvidenceRow(incident_id=key, number=occurrence.attempt, packed=pack_evidence(evidence)))

    def evidence(self, incident_id: str) -> dict[int, Evidence]:
        """What was seen of an incident's failed attempts, by number; environment values are masked."""
        wanted = select(EvidenceRow).where(EvidenceRow.incident_id == incident_id).order_by(EvidenceRow.number)
        with self._transactions.read() as session:
            return {row.number: unpack_evidence(row.packed) for row in session.scalars(wanted)}

    def occurrences(self, incident_id: str) -> tuple[Occurrence, ...]:
        """An incident's failures by attempt."""
        wanted = select(OccurrenceRow).where(OccurrenceRow.incident_id == incident_id).order_by(OccurrenceRow.attempt)
        with self._transactions.read() as session:
            return tuple(Occurrence(**fields_of(row, Occurrence)) for row in session.scalars(wanted))

    def recurrence(self, fingerprint: str, *, besides: str = "") -> Recurrence | None:
        """How often a kind of failure was seen, and where.

        Args:
            fingerprint: What its occurrences have in common.
            besides: An incident that does not count: the present one.

        Returns:
            None where no other incident showed it.
        """
        alike = occurrences_like(fingerprint, besides)
        moment = OccurrenceRow.seen_at.type
        with self._transactions.read() as session:
            times, since, last = session.execute(
                alike.with_only_columns(
                    func.count(func.distinct(OccurrenceRow.incident_id)),
                    func.min(OccurrenceRow.seen_at, type_=moment),
                    func.max(OccurrenceRow.seen_at, type_=moment),
                )
            ).one()
            if not times:
                return None
            places = session.execute(
                alike.with_only_columns(OccurrenceRow.queue, OccurrenceRow.definition).distinct()
            ).all()
        queues, definitions = ({place[index] for place in places} - {""} for index in (0, 1))
        return Recurrence(
            times=times,
            since=since,
            last=last,
            queues=tuple(sorted(queues)),
            definitions=tuple(sorted(definitions)),
        )

    def moulds(self, *, besides: str = "", labelled: bool = False) -> dict[str, str]:
        """What each kind of failure among the latest says, by fingerprint; of labelled incidents only, if so asked."""
        wanted = moulds(besides, labelled=labelled).limit(LATEST)
        with self._transactions.read() as session:
            return {row[0]: row[1] for row in session.execute(wanted)}

    def save_outcomes(self, incident_id: str, outcomes: Iterable[Outcome]) -> None:
        """Keep what came of an incident's remedies, in place of what was kept before."""
        with self._transactions.write(incident_id) as session:
            label = session.scalar(labels_in_force().where(LabelRow.incident_id == incident_id))
            session.execute(delete(OutcomeRow).where(OutcomeRow.incident_id == incident_id))
            for outcome in outcomes:
                counts = label is None or label.cause is outcome.cause
                session.add(OutcomeRow(**outcome.model_dump(), counts=counts))

    def outcomes(self, signature: str, target: str, remedies: Collection[str]) -> tuple[Outcome, ...]:
        """What came of remedies here, for this signature elsewhere, and for other signatures; newest first in each."""
        with self._transactions.read() as session:
            return tuple(
                Outcome(**row)
                for level in outcomes_by_level(signature, target, remedies)
                for row in session.execute(level.limit(NEWEST)).mappings()
            )

    def record(self, target: str) -> tuple[Outcome, ...]:
        """The newest outcomes on a target that count, newest first."""
        wanted = outcomes().where(OutcomeRow.target == target).order_by(OutcomeRow.at.desc()).limit(NEWEST)
        with self._transactions.read() as session:
            return tuple(Outcome(**row) for row in session.execute(wanted).mappings())

    def label(self, label: Label) -> None:
        """Keep a person's word; remedies that were tried for another cause no longer count for or against them.

        Raises:
            StoreError: There is no such incident.
        """
        with self._transactions.write(label.incident_id) as session:
            _require(session, label.incident_id)
            session.add(LabelRow(**label.model_dump()))
            tried = update(OutcomeRow).where(OutcomeRow.incident_id == label.incident_id)
            session.execute(tried.values(counts=OutcomeRow.cause == label.cause))

    def labels(self, incident_id: str) -> tuple[Label, ...]:
        """What persons said of an incident, the newest last."""
        wanted = select(LabelRow).where(LabelRow.incident_id == incident_id).order_by(LabelRow.position)
        with self._transactions.read() as session:
            return tuple(Label(**fields_of(row, Label)) for row in session.scalars(wanted))

    def labels_in_force(self, incident_ids: Collection[str]) -> dict[str, Label]:
        """The newest label of each of these incidents that has one, by incident."""
        wanted = labels_in_force().where(LabelRow.incident_id.in_(incident_ids))
        with self._transactions.read() as session:
            return {row.incident_id: Label(**fields_of(row, Label)) for row in session.scalars(wanted)}

    def labels_for(self, fingerprint: str, *, besides: str = "") -> tuple[Label, ...]:
        """The labels in force of other incidents that show this fingerprint, newest first."""
        with self._transactions.read() as session:
            rows = session.scalars(labels_of_fingerprint(fingerprint, besides))
            return tuple(Label(**fields_of(row, Label)) for row in rows)

    def forget(self, before: datetime) -> int:
        """Remove old incidents with everything that belongs to them.

        Args:
            before: Incidents closed earlier than this go. Open ones stay, and so does the one that holds a target's
                newest success, which remedies restore from.

        Returns:
            How many incidents went.
        """
        with self._transactions.write() as session:
            gone = session.scalars(incidents_to_forget(before)).all()
            for start in range(0, len(gone), _BATCH):
                some = gone[start : start + _BATCH]
                for table in (*_BELONGING, IncidentRow):
                    session.execute(delete(table).where(table.incident_id.in_(some)))
            return len(gone)


def _require(session: Session, incident_id: str) -> None:
    if session.get(IncidentRow, incident_id) is None:
        raise StoreError(f"no incident {incident_id!r} in the store: save it before what is learned from it")

"""The repository: each call is one transaction, and any thread may make it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from recloser.store.engine import build_engine, parse_url
from recloser.store.errors import StoreError, reported
from recloser.store.history import History
from recloser.store.memory import Memory
from recloser.store.outbox import Outbox
from recloser.store.queries import (
    change_by_id,
    changes_of_incident,
    incidents_beginning_with,
    newest_incidents,
    successes_of,
)
from recloser.store.rows import attempt_of, change_of, columns_of, incident_of, payload_json, payload_of
from recloser.store.schema import migrate
from recloser.store.tables import AttemptRow, ChangeRow, HolderRow, IncidentRow
from recloser.store.transactions import Transactions
from recloser.store.transitions import check_transition
from recloser.values import AttemptRecord, Cause, ChangeRecord, ChangeState, Incident, Verdict, utc_now


class Store:
    """What Recloser remembers: its incidents here, what was learned from them and the nights of a target beside it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._transactions = Transactions(engine)
        self.memory = Memory(self._transactions)
        self.history = History(self._transactions)
        self.outbox = Outbox(self._transactions)

    @classmethod
    def open(cls, url: str) -> Self:
        """Open a store; its folder and its schema are made where they are missing.

        Args:
            url: An SQLAlchemy URL, such as `sqlite:///state/recloser.db`.

        Raises:
            StoreError: It cannot be reached or read, or was written by a newer version of Recloser.
        """
        engine = build_engine(parse_url(url))
        try:
            with reported(engine.url):
                migrate(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Use the store as a context that closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def save_incident(self, incident: Incident) -> None:
        """Insert or update an incident's own fields; its attempts and changes are saved by their own calls."""
        with self._transactions.write(incident.incident_id) as session:
            session.merge(IncidentRow(**columns_of(incident, IncidentRow)))

    def save_attempt(self, incident_id: str, attempt: AttemptRecord) -> None:
        """Insert or update the attempt of this number.

        Raises:
            StoreError: There is no such incident.
        """
        columns = columns_of(attempt, AttemptRow) | {"succeeded": attempt.succeeded}
        with self._transactions.write(incident_id) as session:
            _require_incident(session, incident_id)
            session.merge(AttemptRow(incident_id=incident_id, **columns))

    def plan_change(self, incident_id: str, record: ChangeRecord, payload: Mapping[str, Any]) -> None:
        """Write a change down before anything of it is applied; planning the very same again changes nothing.

        Args:
            incident_id: The incident it belongs to, which must be saved already.
            record: The change as a person reads it, in state `planned`.
            payload: The change itself as JSON: enough to apply or revert it after a kill.

        Raises:
            StoreError: No such incident, another state, a payload that is not JSON, or another change of this id.
        """
        if record.state is not ChangeState.PLANNED:
            raise StoreError(f"change {record.change_id} is {record.state}: only a planned change can be written ahead")
        columns = columns_of(record, ChangeRow) | {"payload": payload_json(record, payload)}
        with self._transactions.write(incident_id) as session:
            _require_incident(session, incident_id)
            present = session.scalar(change_by_id(record.change_id))
            if present is None:
                session.add(ChangeRow(incident_id=incident_id, **columns))
            elif (present.incident_id, change_of(present), present.payload) != (
                incident_id,
                record,
                columns["payload"],
            ):
                raise StoreError(f"another change is already planned as {record.change_id}")

    def settle_change(self, change_id: str, state: ChangeState, note: str = "") -> ChangeRecord:
        """Take a change one step further in its life; the state it is in already is no step.

        Args:
            change_id: The change.
            state: What it becomes; planned → declined, applied, failed, undone; applied → verified, failed, reverted;
                verified → reverted.
            note: Why; an empty one keeps the note that is there.

        Returns:
            The change as it is now.

        Raises:
            StoreError: There is no such change, or it cannot take this step.
        """
        with self._transactions.write() as session:
            row = session.scalar(change_by_id(change_id).with_for_update())
            if row is None:
                raise StoreError(f"no change {change_id} is written down, so it cannot become {state}")
            present = change_of(row)
            if present.state is state:
                return present
            check_transition(change_id, present.state, state)
            settled = {"state": state, "note": note or present.note, "settled_at": utc_now()}
            record = present.model_copy(update=settled)
            for name, value in columns_of(record, ChangeRow).items():
                setattr(row, name, value)
            return record

    def change_payloads(self, incident_id: str) -> tuple[tuple[ChangeRecord, dict[str, Any]], ...]:
        """Every change of an incident with its payload, in the order of planning."""
        with self._transactions.read() as session:
            rows = session.scalars(changes_of_incident(incident_id))
            return tuple((change_of(row), payload_of(row)) for row in rows)

    def incident(self, incident_id: str) -> Incident:
        """One incident with its attempts and changes.

        Args:
            incident_id: Its id, or a beginning of it that no other shares.

        Raises:
            StoreError: None or several have such an id.
        """
        with self._transactions.read() as session:
            rows = session.scalars(incidents_beginning_with(incident_id).limit(2)).all()
            if not rows or not incident_id:
                raise StoreError(f"no incident {incident_id!r} in the store")
            if len(rows) > 1 and rows[0].incident_id != incident_id:
                raise StoreError(f"several incidents begin with {incident_id!r}: give more of the id")
            return incident_of(rows[0])

    def incidents(
        self,
        *,
        target: str | None = None,
        cause: Cause | None = None,
        since: datetime | None = None,
        limit: int = 20,
    ) -> tuple[Incident, ...]:
        """The newest incidents.

        Args:
            target: Of one target only.
            cause: Only those that were diagnosed with it, or that a person labelled so.
            since: Only those opened at this moment or later.
            limit: How many at most.
        """
        wanted = newest_incidents(target, cause=cause, since=since).limit(max(limit, 0))
        with self._transactions.read() as session:
            return tuple(map(incident_of, session.scalars(wanted)))

    def unfinished(self, target: str) -> Incident | None:
        """The newest incident of a target that has no verdict yet: the one to resume."""
        wanted = newest_incidents(target).where(IncidentRow.verdict == Verdict.OPEN)
        with self._transactions.read() as session:
            row = session.scalar(wanted.limit(1))
            return None if row is None else incident_of(row)

    def last_success(self, target: str) -> AttemptRecord | None:
        """The newest attempt of a target that succeeded and left its declared outputs."""
        with self._transactions.read() as session:
            row = session.scalar(successes_of(target).limit(1))
            return None if row is None else attempt_of(row)

    def hold(self, target: str, owner: str, *, is_gone: Callable[[str, datetime], bool]) -> str | None:
        """Take or renew the hold on a target.

        Args:
            target: What is held.
            owner: Who takes it.
            is_gone: Told another holder and when it was last seen; whether it is dead.

        Returns:
            None, or the living holder that has it.
        """
        with self._transactions.write(target) as session:
            row = session.get(HolderRow, target, with_for_update=True)
            if row is not None and row.owner != owner and not is_gone(row.owner, row.seen_at):
                return row.owner
            session.merge(HolderRow(target=target, owner=owner, seen_at=utc_now()))
            return None

    def holder(self, target: str) -> tuple[str, datetime] | None:
        """Who holds a target, and when that was last seen; None where nobody does."""
        with self._transactions.read() as session:
            row = session.get(HolderRow, target)
            return None if row is None else (row.owner, row.seen_at)

    def release(self, target: str, owner: str) -> None:
        """Let go of a target, if it is still held by this owner."""
        with self._transactions.write(target) as session:
            row = session.get(HolderRow, target, with_for_update=True)
            if row is not None and row.owner == owner:
                session.delete(row)


def _require_incident(session: Session, incident_id: str) -> None:
    if session.get(IncidentRow, incident_id) is None:
        raise StoreError(f"no incident {incident_id!r} in the store: save it before its attempts and changes")

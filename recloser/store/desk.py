"""Alerts and notices inside one transaction, so that a verdict and what is told of it are written together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from recloser.store.delivery_tables import AlertRow, LinkRow, OutboxRow, SilenceRow
from recloser.store.queries import take_turns
from recloser.store.rows import fields_of
from recloser.values import Alert, Delivery, DeliveryState, Link, Notice, Outgoing, Silence

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

LIVE = frozenset({DeliveryState.PENDING, DeliveryState.SENDING})
TURN = "outbox"
"""Who plans and who sends take turns on PostgreSQL; SQLite has one writer at a time anyway."""
_BATCH = 500


def desk_in(session: Session) -> Desk:
    """The desk of a transaction somebody else has begun and will end: both are kept, or neither.

    Args:
        session: Of a writing transaction of a store.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(take_turns(TURN))
    return Desk(session)


class Desk:
    """What planning reads and writes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def alerts(self, target: str, fingerprints: Collection[str]) -> dict[str, Alert]:
        """The alerts of a target that concern somebody, and those of these fingerprints."""
        mine = select(AlertRow).where(AlertRow.target == target)
        rows = {
            row.fingerprint: row for row in self._session.scalars(mine.where(or_(AlertRow.firing, AlertRow.concerns)))
        }
        for batch in _batches(sorted(set(fingerprints) - set(rows))):
            found = self._session.scalars(mine.where(AlertRow.fingerprint.in_(batch)))
            rows |= {row.fingerprint: row for row in found}
        return {name: Alert.model_validate_json(row.body) for name, row in rows.items()}

    def keep_alerts(self, alerts: Iterable[Alert]) -> None:
        """Write alerts as they are now."""
        rows = [_columns_of(alert) for alert in alerts]
        if rows:
            insert = postgresql.insert if self._session.get_bind().dialect.name == "postgresql" else sqlite.insert
            new = insert(AlertRow)
            changing = {name: new.excluded[name] for name in rows[0] if name not in {"target", "fingerprint"}}
            self._session.execute(
                new.on_conflict_do_update(index_elements=["target", "fingerprint"], set_=changing), rows
            )

    def silences(self, now: datetime) -> dict[str, Silence]:
        """The silences in force, by fingerprint."""
        rows = self._session.scalars(select(SilenceRow).where(SilenceRow.until > now))
        return {row.fingerprint: Silence(**fields_of(row, Silence)) for row in rows}

    def links(self, place: str, names: Collection[str] = ()) -> tuple[Link, ...]:
        """What a place calls things: those that are open, and all of these names; the oldest first."""
        there = select(LinkRow).where(LinkRow.place == place)
        rows = list(self._session.scalars(there.where(LinkRow.open)))
        for batch in _batches(sorted(names)):
            rows += self._session.scalars(there.where(LinkRow.name.in_(batch), ~LinkRow.open))
        return tuple(Link(**fields_of(row, Link)) for row in sorted(rows, key=lambda row: row.position))

    def reserve(self, link: Link) -> None:
        """Write down that something is being opened, before it is; a second writer fails on the constraint."""
        self._session.add(LinkRow(**link.model_dump()))
        self._session.flush()

    def reopen(self, link: Link) -> None:
        """Take the newest closed one of this place and name for open."""
        row = self._session.scalar(
            select(LinkRow)
            .where(LinkRow.place == link.place, LinkRow.name == link.name, ~LinkRow.open)
            .order_by(LinkRow.position.desc())
            .limit(1)
        )
        if row is not None:
            row.open, row.closed_at = True, None

    def drop(self, link: Link, now: datetime) -> None:
        """Give up what was reserved and never made."""
        mine = update(LinkRow).where(LinkRow.place == link.place, LinkRow.name == link.name, LinkRow.open)
        self._session.execute(mine.values(open=False, closed_at=now))

    def touch(self, place: str, name: str, now: datetime) -> None:
        """Note that something is about to be written there."""
        mine = update(LinkRow).where(LinkRow.place == place, LinkRow.name == name, LinkRow.open)
        self._session.execute(mine.values(touched_at=now))

    def unsent(self, target: str) -> tuple[Delivery, ...]:
        """What nobody can have seen yet, in order: it may still be changed or withdrawn."""
        return self._live(target, OutboxRow.state == DeliveryState.PENDING, ~OutboxRow.uncertain)

    def under_way(self, target: str) -> tuple[Delivery, ...]:
        """What may have been seen and is not known to have arrived, in order."""
        return self._live(target, or_(OutboxRow.state == DeliveryState.SENDING, OutboxRow.uncertain))

    def _live(self, target: str, *which: ColumnElement[bool]) -> tuple[Delivery, ...]:
        wanted = select(OutboxRow).where(OutboxRow.target == target, OutboxRow.state.in_(LIVE), *which)
        return tuple(map(delivery_of, self._session.scalars(wanted.order_by(OutboxRow.position))))

    def enqueue(self, outgoing: Outgoing, now: datetime) -> None:
        """Put a notice at the end of its queue; one whose key is there already is the same notice."""
        if self._session.scalar(select(OutboxRow.position).where(OutboxRow.key == outgoing.key)) is not None:
            return
        self._session.add(
            OutboxRow(
                **outgoing.model_dump(include={"key", "target", "channel", "slot", "thread"}),
                group_key=outgoing.group,
                state=DeliveryState.PENDING,
                attempts=0,
                created_at=now,
                next_try_at=now,
                leased_by="",
                uncertain=False,
                error="",
                receipt="",
                body=_ascii(outgoing.notice),
            )
        )
        self._session.flush()

    def rewrite(self, key: str, notice: Notice) -> None:
        """Say something else in a notice that nobody can have seen."""
        self._changeable(key, body=_ascii(notice))

    def cancel(self, key: str, why: str, now: datetime) -> None:
        """Withdraw a notice that nobody can have seen."""
        self._changeable(key, state=DeliveryState.CANCELLED, error=why, settled_at=now)

    def _changeable(self, key: str, **values: Any) -> None:
        unseen = update(OutboxRow).where(
            OutboxRow.key == key, OutboxRow.state == DeliveryState.PENDING, ~OutboxRow.uncertain
        )
        self._session.execute(unseen.values(**values))


def _columns_of(alert: Alert) -> dict[str, Any]:
    return {
        "target": alert.target,
        "fingerprint": alert.fingerprint,
        "firing": alert.firing,
        "concerns": alert.firing or alert.held or bool(alert.told),
        "changed_at": alert.changed_at,
        "last_cycle": alert.last_cycle,
        "body": _ascii(alert),
    }


def delivery_of(row: OutboxRow) -> Delivery:
    """The delivery a row holds."""
    columns = {name: getattr(row, name) for name in Delivery.model_fields if name not in {"group", "notice"}}
    return Delivery(**columns, group=row.group_key, notice=Notice.model_validate_json(row.body))


def _ascii(value: Alert | Notice) -> str:
    # ASCII only: JSON's escapes carry what a database refuses as text (NUL, lone surrogates).
    return json.dumps(value.model_dump(mode="json"))


def _batches(names: list[str]) -> Iterable[list[str]]:
    return (names[start : start + _BATCH] for start in range(0, len(names), _BATCH))

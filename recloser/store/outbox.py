"""The outbox: what is to be sent, who is sending it, and what the receiver said; each call is one transaction.

    pending ──claim──▶ sending ──▶ delivered | dead | pending again, later
    pending ──planning──▶ cancelled, where nobody can have seen it

A sender holds what it claimed for a while only. One that was killed leaves a lease behind that ends; whoever claims the
notice then is told that it may have arrived.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, delete, func, or_, select, update

from recloser.store.delivery_tables import AlertRow, LinkRow, OutboxRow, SilenceRow
from recloser.store.desk import LIVE, TURN, Desk, delivery_of, desk_in
from recloser.store.rows import fields_of
from recloser.values import Delivery, DeliveryState, Link, Receipt, Silence

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime, timedelta

    from sqlalchemy.orm import Session

    from recloser.store.transactions import Transactions

SETTLED = frozenset(DeliveryState) - LIVE


@dataclass(frozen=True, slots=True)
class Claim:
    """A notice that is ours to send until the lease ends."""

    delivery: Delivery
    links: tuple[Link, ...]
    """What the receiver calls its thread or fingerprint, the oldest first."""


class Outbox:
    """What is told, and what came of it."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """One transaction of planning; to join one that is open already, `desk_in` its session."""
        with self._transactions.write(TURN) as session:
            yield desk_in(session)

    def claim(
        self, target: str, channel: str, place: str, *, sender: str, now: datetime, lease: timedelta
    ) -> Claim | None:
        """Take the next notice that is due.

        Args:
            target: Of this target.
            channel: For this channel.
            place: What the channel's links are kept under.
            sender: Who takes it; unique to a process and thread.
            now: The time.
            lease: For how long nobody else may take it.

        Returns:
            None where nothing is due; the first of each group only, so that none is overtaken.
        """
        with self._transactions.write(TURN) as session:
            row = session.scalar(_due(target, channel, now).limit(1))
            if row is None:
                return None
            row.uncertain = row.uncertain or row.state is DeliveryState.SENDING
            row.state, row.leased_by, row.leased_until = DeliveryState.SENDING, sender, now + lease
            row.attempts += 1
            delivery = delivery_of(row)  # as it was before this attempt
            row.first_tried_at = row.first_tried_at or now
            named = select(LinkRow).where(LinkRow.place == place, LinkRow.name == row.thread).order_by(LinkRow.position)
            return Claim(delivery, tuple(Link(**fields_of(link, Link)) for link in session.scalars(named)))

    def next_due(self, target: str, channel: str) -> datetime | None:
        """When a notice of the channel may be tried next; None where nothing waits."""
        moment = func.min(
            func.coalesce(OutboxRow.leased_until, OutboxRow.next_try_at), type_=OutboxRow.next_try_at.type
        )
        with self._transactions.read() as session:
            return session.scalar(select(moment).where(OutboxRow.position.in_(_heads(target, channel))))

    def deliver(self, claim: Claim, sender: str, receipt: Receipt, place: str, now: datetime) -> bool:
        """Keep a receipt, and what the receiver calls the thing.

        Returns:
            False where the lease had ended and somebody else has taken the notice; nothing is changed then.
        """
        with self._transactions.write(TURN) as session:
            values = {"state": DeliveryState.DELIVERED, "receipt": receipt.text, "settled_at": now, "error": ""}
            if not _settled(session, claim, sender, uncertain=False, **values):
                return False
            if receipt.reference:
                _keep_link(session, place, claim.delivery.thread, receipt, now)
            return True

    def postpone(self, claim: Claim, sender: str, error: str, until: datetime, *, uncertain: bool) -> bool:
        """Try again later; it may have arrived where that is uncertain."""
        uncertain = uncertain or claim.delivery.uncertain
        values = {"state": DeliveryState.PENDING, "error": error, "next_try_at": until}
        with self._transactions.write(TURN) as session:
            return _settled(session, claim, sender, uncertain=uncertain, **values)

    def bury(self, claim: Claim, sender: str, error: str, now: datetime) -> bool:
        """Never try again, and say why."""
        values = {"state": DeliveryState.DEAD, "error": error, "settled_at": now}
        with self._transactions.write(TURN) as session:
            return _settled(session, claim, sender, uncertain=False, **values)

    def hold_back(self, target: str, channel: str, until: datetime) -> None:
        """The receiver asked for patience: nothing of the channel is tried before."""
        waiting = update(OutboxRow).where(
            OutboxRow.target == target,
            OutboxRow.channel == channel,
            OutboxRow.state == DeliveryState.PENDING,
            OutboxRow.next_try_at < until,
        )
        with self._transactions.write(TURN) as session:
            session.execute(waiting.values(next_try_at=until))

    def revive(self, target: str, now: datetime) -> int:
        """Try dead notices again, after whatever killed them was put right."""
        dead = update(OutboxRow).where(OutboxRow.target == target, OutboxRow.state == DeliveryState.DEAD)
        with self._transactions.write(TURN) as session:
            done = session.execute(dead.values(state=DeliveryState.PENDING, next_try_at=now, settled_at=None))
            return int(getattr(done, "rowcount", 0))

    def deliveries(
        self, target: str | None = None, states: Collection[DeliveryState] = tuple(DeliveryState), limit: int = 1_000
    ) -> tuple[Delivery, ...]:
        """Notices in these states, in the order in which they were written; the newest, if there are too many."""
        wanted = select(OutboxRow).where(OutboxRow.state.in_(states)).order_by(OutboxRow.position.desc()).limit(limit)
        if target is not None:
            wanted = wanted.where(OutboxRow.target == target)
        with self._transactions.read() as session:
            return tuple(map(delivery_of, session.scalars(wanted)))[::-1]

    def waiting(self, target: str) -> dict[str, int]:
        """How many notices of each channel have not come to their end."""
        mine = (OutboxRow.target == target, OutboxRow.state.in_(LIVE))
        wanted = select(OutboxRow.channel, func.count()).where(*mine).group_by(OutboxRow.channel)
        with self._transactions.read() as session:
            return {row[0]: row[1] for row in session.execute(wanted)}

    def silence(self, silence: Silence) -> None:
        """Be silent about a fingerprint; a second word about it replaces the first."""
        with self._transactions.write(TURN) as session:
            session.merge(SilenceRow(**silence.model_dump()))

    def silences(self, now: datetime) -> tuple[Silence, ...]:
        """The silences in force, the one that ends first first."""
        with self._transactions.read() as session:
            return tuple(sorted(Desk(session).silences(now).values(), key=lambda one: (one.until, one.fingerprint)))

    def forget(self, before: datetime) -> int:
        """Remove what was settled before a moment: notices, alerts that are over, silences that have ended."""
        old = (
            delete(OutboxRow).where(OutboxRow.state.in_(SETTLED), OutboxRow.settled_at < before),
            delete(AlertRow).where(~AlertRow.firing, ~AlertRow.concerns, AlertRow.changed_at < before),
            delete(SilenceRow).where(SilenceRow.until < before),
        )
        with self._transactions.write(TURN) as session:
            return sum(int(getattr(session.execute(each), "rowcount", 0)) for each in old)


def _heads(target: str, channel: str) -> Select[Any]:
    """The first notice of each group that has not come to its end."""
    mine = (OutboxRow.target == target, OutboxRow.channel == channel, OutboxRow.state.in_(LIVE))
    return select(func.min(OutboxRow.position)).where(*mine).group_by(OutboxRow.group_key)


def _due(target: str, channel: str, now: datetime) -> Select[Any]:
    due = or_(
        and_(OutboxRow.state == DeliveryState.PENDING, OutboxRow.next_try_at <= now),
        and_(OutboxRow.state == DeliveryState.SENDING, OutboxRow.leased_until <= now),
    )
    wanted = select(OutboxRow).where(OutboxRow.position.in_(_heads(target, channel)), due)
    # Fewest attempts first: a notice that its receiver chokes on does not keep other groups from theirs.
    return wanted.order_by(OutboxRow.attempts, OutboxRow.position)


def _settled(session: Session, claim: Claim, sender: str, **values: Any) -> bool:
    held = select(OutboxRow).where(OutboxRow.key == claim.delivery.key, OutboxRow.leased_by == sender)
    row = session.scalar(held.where(OutboxRow.state == DeliveryState.SENDING))
    if row is None:
        return False
    for name, value in {**values, "leased_by": "", "leased_until": None}.items():
        setattr(row, name, value)
    return True


def _keep_link(session: Session, place: str, name: str, receipt: Receipt, now: datetime) -> None:
    row = session.scalar(select(LinkRow).where(LinkRow.place == place, LinkRow.name == name, LinkRow.open))
    if row is None:
        row = LinkRow(place=place, name=name, opened_at=now)
        session.add(row)
    row.reference, row.url, row.open, row.touched_at = receipt.reference, receipt.url, receipt.open, now
    row.closed_at = None if receipt.open else now

"""The tables of alerts and of what is sent: what is asked for is a column, the rest of a value is JSON in `body`."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from recloser.store.tables import Base, Word
from recloser.values import DeliveryState

_SERIAL = BigInteger().with_variant(Integer(), "sqlite")


class AlertRow(Base):
    """What is known of one fingerprint of one target over the cycles."""

    __tablename__ = "alerts"
    __table_args__ = (Index("ix_alerts_firing", "target", "firing"),)

    target: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    firing: Mapped[bool]
    concerns: Mapped[bool]
    """Firing, held, or a channel still takes it for firing: the next cycle has to look at it."""
    changed_at: Mapped[datetime]
    last_cycle: Mapped[str]
    body: Mapped[str]


class OutboxRow(Base):
    """One notice for one channel, from the verdict that caused it to the receiver's answer."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_outbox_queue", "target", "channel", "state", "group_key", "position"),
    )

    position: Mapped[int] = mapped_column(_SERIAL, primary_key=True, autoincrement=True)
    key: Mapped[str]
    target: Mapped[str]
    channel: Mapped[str]
    group_key: Mapped[str]
    slot: Mapped[str]
    thread: Mapped[str]
    state: Mapped[DeliveryState] = mapped_column(Word(DeliveryState))
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    first_tried_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime]
    leased_by: Mapped[str]
    leased_until: Mapped[datetime | None]
    uncertain: Mapped[bool]
    error: Mapped[str]
    receipt: Mapped[str]
    settled_at: Mapped[datetime | None]
    body: Mapped[str]


class LinkRow(Base):
    """What a fingerprint or a thread is called at a receiver; of those that are open there is one."""

    __tablename__ = "links"
    __table_args__ = (
        Index("ix_links_name", "place", "name"),
        Index(
            "uq_links_open",
            "place",
            "name",
            unique=True,
            sqlite_where=text("open"),
            postgresql_where=text("open"),
        ),
    )

    position: Mapped[int] = mapped_column(_SERIAL, primary_key=True, autoincrement=True)
    place: Mapped[str]
    name: Mapped[str]
    reference: Mapped[str]
    url: Mapped[str]
    open: Mapped[bool]
    opened_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class SilenceRow(Base):
    """A fingerprint nobody wants to hear of for a while."""

    __tablename__ = "silences"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]
    why: Mapped[str]
    who: Mapped[str]
    at: Mapped[datetime]

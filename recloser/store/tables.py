"""The tables: what is asked for is a column, the rest of a value is its JSON in `body`, so that nothing is lost."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator, TypeEngine

from recloser.values import (
    AutonomyLevel,
    Cause,
    ChangeState,
    CycleVerdict,
    FixMode,
    JobState,
    Judgement,
    Verdict,
)


class UtcTime(TypeDecorator[datetime]):
    """A moment: stored in UTC, aware of it on the way out also where the database forgets zones, as SQLite does."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - given
        """Convert to UTC; a time without a zone is read as UTC, the only zone used inside Recloser."""
        return None if value is None else _as_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - given
        """Say that it is UTC."""
        return None if value is None else _as_utc(value)


def _as_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Text that every database can hold and compare: PostgreSQL refuses NUL, and no encoding has half a character."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - given
        """Refuse on every database what one of them would refuse."""
        if value is not None and not value.isascii():
            value.encode()  # raises where there is half a character
        if value is not None and "\0" in value:
            raise ValueError("a name holds a NUL character, which no database can be asked for")
        return value


class AnyText(TypeDecorator[str]):
    """Text that is kept whatever it holds: NUL, half a character and the backslash are written as escapes."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - given
        """Write the escapes."""
        return None if value is None else _UNSTORABLE.sub(lambda match: f"\\{ord(match[0]):04x}", value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - given
        """Read them back."""
        return None if value is None else unescaped(value)


def unescaped(stored: str) -> str:
    """The text that `AnyText` stored so."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), stored) if "\\" in stored else stored


_UNSTORABLE = re.compile("[\\\\\0\ud800-\udfff]")
_ESCAPE = re.compile(r"\\([0-9a-f]{4})")


class Word(TypeDecorator[StrEnum]):
    """A member of an enumeration, stored as its value: a new member needs no migration."""

    impl = String(32)
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - given
        """Take the value."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:  # noqa: ARG002 - given
        """Find the member."""
        return None if value is None else self.words(value)


_WORDS: tuple[type[StrEnum], ...] = (
    *(AutonomyLevel, Cause, ChangeState, CycleVerdict),
    *(FixMode, JobState, Judgement, Verdict),
)
_COLUMN_TYPES: dict[Any, TypeEngine[Any]] = {
    str: PlainText(),
    datetime: UtcTime(),
    **{word: Word(word) for word in _WORDS},
}


class Base(DeclarativeBase):
    """The schema; `migrations/` builds the same."""

    type_annotation_map = _COLUMN_TYPES


class AttemptRow(Base):
    """One submission of an incident's job."""

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_success", "succeeded", "submitted_at"),)

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    job_id: Mapped[str | None] = mapped_column(index=True)
    state: Mapped[JobState | None]
    succeeded: Mapped[bool]
    """The job succeeded and left its declared outputs: the value's own judgement, kept to be asked for."""
    submitted_at: Mapped[datetime]
    body: Mapped[str]


class ChangeRow(Base):
    """One change, in the order of planning, with the payload to apply or revert it after a kill."""

    __tablename__ = "changes"
    __table_args__ = (UniqueConstraint("change_id"),)

    position: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), index=True)
    change_id: Mapped[str]
    attempt: Mapped[int]
    remedy: Mapped[str]
    level: Mapped[AutonomyLevel]
    cause: Mapped[Cause]
    state: Mapped[ChangeState]
    planned_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    payload: Mapped[str]
    body: Mapped[str]


class EvidenceRow(Base):
    """What was seen of one attempt, redacted and bounded, so that it can be diagnosed again."""

    __tablename__ = "evidence"

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    packed: Mapped[bytes] = mapped_column(LargeBinary)
    """JSON, compressed: a log is mostly the same words."""


class HolderRow(Base):
    """Who is healing a target at the moment."""

    __tablename__ = "holders"

    target: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    seen_at: Mapped[datetime]


class IncidentRow(Base):
    """One run of the heal loop."""

    __tablename__ = "incidents"
    __table_args__ = (Index("ix_incidents_target", "target", "opened_at"),)

    incident_id: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str]
    fix_mode: Mapped[FixMode]
    verdict: Mapped[Verdict]
    opened_at: Mapped[datetime] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    body: Mapped[str]
    attempts: Mapped[list[AttemptRow]] = relationship(order_by=AttemptRow.number, viewonly=True)
    changes: Mapped[list[ChangeRow]] = relationship(order_by=ChangeRow.position, viewonly=True)


class LabelRow(Base):
    """What a person said of an incident; the newest one counts, the others are its history."""

    __tablename__ = "labels"

    position: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), index=True)
    cause: Mapped[Cause]
    note: Mapped[str]
    who: Mapped[str]
    at: Mapped[datetime]


class OccurrenceRow(Base):
    """One failed attempt, as it is counted and found again."""

    __tablename__ = "occurrences"
    __table_args__ = (
        Index("ix_occurrences_fingerprint", "fingerprint", "incident_id", "seen_at"),
        Index("ix_occurrences_cause", "cause", "incident_id"),
        Index("ix_occurrences_seen_at", "seen_at"),
    )

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    target: Mapped[str]
    queue: Mapped[str]
    definition: Mapped[str]
    cause: Mapped[Cause]
    signature: Mapped[str]
    fingerprint: Mapped[str]
    mould: Mapped[str]
    seen_at: Mapped[datetime]


class OutcomeRow(Base):
    """Whether one remedy made one problem of one incident go away."""

    __tablename__ = "outcomes"
    __table_args__ = (
        Index("ix_outcomes_here", "signature", "target", "at"),
        Index("ix_outcomes_signature", "signature", "at"),
        Index("ix_outcomes_remedy", "remedy", "at"),
        Index("ix_outcomes_target", "target", "at"),
    )

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    remedy: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str]
    signature: Mapped[str]
    cause: Mapped[Cause]
    worked: Mapped[bool]
    counts: Mapped[bool]
    """False once a person says that the cause was another one: the remedy was never meant for it."""
    at: Mapped[datetime]

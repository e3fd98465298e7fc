"""The tables of a target's nights: cycles with what ran in them, and every attempt of every test, as small as it gets.

Ten thousand tests in sixty nights are 600,000 attempts. So a test's name is kept once and pointed to, a status is a
number, a moment is microseconds, and what a failure said is kept once for all that say the same.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Double, ForeignKey, Index, LargeBinary, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from recloser.store.tables import AnyText, Base
from recloser.values import CycleVerdict, Judgement


class CycleRow(Base):
    """One run of the nightly over one target."""

    __tablename__ = "cycles"
    __table_args__ = (Index("ix_cycles_target", "target", "opened_at"),)

    cycle_id: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    verdict: Mapped[CycleVerdict | None]
    body: Mapped[str]


class StageRow(Base):
    """One step of a cycle, written when it begins and again when it ends."""

    __tablename__ = "stages"

    cycle_id: Mapped[str] = mapped_column(ForeignKey("cycles.cycle_id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    judgement: Mapped[Judgement | None]
    body: Mapped[str]
    result: Mapped[str | None]
    """What came of it, as JSON: enough for a resumed cycle to go on without repeating it."""


class ServiceRunRow(Base):
    """What one service did in a cycle."""

    __tablename__ = "service_runs"

    cycle_id: Mapped[str] = mapped_column(ForeignKey("cycles.cycle_id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    judgement: Mapped[Judgement]
    body: Mapped[str]


class DataRunRow(Base):
    """One data set in a cycle."""

    __tablename__ = "data_runs"

    cycle_id: Mapped[str] = mapped_column(ForeignKey("cycles.cycle_id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    judgement: Mapped[Judgement]
    body: Mapped[str]


class SuiteRunRow(Base):
    """One suite in a cycle, without its attempts."""

    __tablename__ = "suite_runs"
    __table_args__ = (UniqueConstraint("cycle_id", "suite"),)

    run: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    cycle_id: Mapped[str] = mapped_column(ForeignKey("cycles.cycle_id"))
    suite: Mapped[str]
    tier: Mapped[str]
    judgement: Mapped[Judgement]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    passed: Mapped[int]
    """Tests, each once; kept here because a night is counted long after its attempts are gone."""
    failed: Mapped[int]
    other: Mapped[int]
    """Neither: skipped, not run."""
    body: Mapped[str]


class TestRow(Base):
    """The name of one test."""

    __test__ = False  # pytest collects what is called Test
    __tablename__ = "tests"
    __table_args__ = (UniqueConstraint("target", "suite", "test_id"),)

    test: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    target: Mapped[str]
    suite: Mapped[str]
    test_id: Mapped[str] = mapped_column(AnyText)


class DetailRow(Base):
    """What attempts said beside how they ended: failure, output, reason; once for all that say the same."""

    __tablename__ = "test_details"
    __table_args__ = (UniqueConstraint("digest"),)

    detail: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    digest: Mapped[str]
    fingerprint: Mapped[str] = mapped_column(AnyText)
    """Of the failure; empty where there was none."""
    packed: Mapped[bytes] = mapped_column(LargeBinary)
    """JSON, compressed."""


class TestAttemptRow(Base):
    """One attempt of one test."""

    __test__ = False
    __tablename__ = "test_attempts"
    # The key is the table: half the size, and read in the order of the key.
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - what SQLAlchemy declares

    run: Mapped[int] = mapped_column(ForeignKey("suite_runs.run"), primary_key=True, autoincrement=False)
    test: Mapped[int] = mapped_column(ForeignKey("tests.test"), primary_key=True, autoincrement=False)
    probe: Mapped[str] = mapped_column(AnyText, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[int] = mapped_column(SmallInteger)
    """Place in `codes.STATUSES`."""
    phase: Mapped[int] = mapped_column(SmallInteger)
    """Place in `codes.PHASES`."""
    at: Mapped[int] = mapped_column(BigInteger)
    """When it started, in microseconds since 1970, UTC."""
    duration_s: Mapped[float] = mapped_column(Double)
    worker: Mapped[str] = mapped_column(AnyText)
    position: Mapped[int]
    peak_rss_mib: Mapped[float | None] = mapped_column(Double)
    detail: Mapped[int | None] = mapped_column(ForeignKey("test_details.detail"))


class TestWeekRow(Base):
    """How often a test passed and failed in one week: what is left of its attempts once they are old."""

    __test__ = False
    __tablename__ = "test_weeks"

    test: Mapped[int] = mapped_column(ForeignKey("tests.test"), primary_key=True, autoincrement=False)
    week: Mapped[date] = mapped_column(Date, primary_key=True)
    """Its Monday, UTC."""
    passed: Mapped[int]
    failed: Mapped[int]
    other: Mapped[int]
    passed_s: Mapped[float] = mapped_column(Double)
    """How long the passes took together."""

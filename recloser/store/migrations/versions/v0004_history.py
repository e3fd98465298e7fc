"""A target's nights: cycles, their stages, services, data and suites, and every attempt of every test."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "cycles",
        sa.Column("cycle_id", sa.Text(), primary_key=True),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("closed_at", _MOMENT),
        sa.Column("verdict", sa.String(32)),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("ix_cycles_target", "cycles", ["target", "opened_at"])
    op.create_table(
        "stages",
        _cycle(),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("judgement", sa.String(32)),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("result", sa.Text()),
    )
    for table in ("service_runs", "data_runs"):
        op.create_table(
            table,
            _cycle(),
            sa.Column("name", sa.Text(), primary_key=True),
            sa.Column("judgement", sa.String(32), nullable=False),
            sa.Column("body", sa.Text(), nullable=False),
        )
    op.create_table(
        "suite_runs",
        sa.Column("run", sa.Integer(), primary_key=True, autoincrement=True),
        _cycle(primary_key=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("judgement", sa.String(32), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("passed", "failed", "other")),
        sa.Column("body", sa.Text(), nullable=False),
        sa.UniqueConstraint("cycle_id", "suite"),
    )
    _create_tests()


def _create_tests() -> None:
    op.create_table(
        "tests",
        sa.Column("test", sa.Integer(), primary_key=True, autoincrement=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("target", "suite", "test_id")),
        sa.UniqueConstraint("target", "suite", "test_id"),
    )
    op.create_table(
        "test_details",
        sa.Column("detail", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("digest", sa.Text(), nullable=False, unique=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "test_attempts",
        sa.Column("run", sa.Integer(), sa.ForeignKey("suite_runs.run"), primary_key=True, autoincrement=False),
        sa.Column("test", sa.Integer(), sa.ForeignKey("tests.test"), primary_key=True, autoincrement=False),
        sa.Column("probe", sa.Text(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("phase", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("peak_rss_mib", sa.Double()),
        sa.Column("detail", sa.Integer(), sa.ForeignKey("test_details.detail")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "test_weeks",
        sa.Column("test", sa.Integer(), sa.ForeignKey("tests.test"), primary_key=True, autoincrement=False),
        sa.Column("week", sa.Date(), primary_key=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("passed", "failed", "other")),
        sa.Column("passed_s", sa.Double(), nullable=False),
    )


def downgrade() -> None:
    for table in (
        *("test_weeks", "test_attempts", "test_details", "tests"),
        *("suite_runs", "data_runs", "service_runs", "stages", "cycles"),
    ):
        op.drop_table(table)


def _cycle(*, primary_key: bool = True) -> "sa.Column[str]":
    cycles = sa.ForeignKey("cycles.cycle_id")
    return sa.Column("cycle_id", sa.Text(), cycles, primary_key=primary_key, nullable=False)

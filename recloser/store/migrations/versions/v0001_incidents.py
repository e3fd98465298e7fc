"""Incidents, their attempts and their changes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.Text(), primary_key=True),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("fix_mode", sa.String(32), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("closed_at", _MOMENT),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("ix_incidents_target", "incidents", ["target", "opened_at"])
    op.create_index("ix_incidents_opened_at", "incidents", ["opened_at"])
    op.create_table(
        "attempts",
        sa.Column("incident_id", sa.Text(), sa.ForeignKey("incidents.incident_id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("job_id", sa.Text()),
        sa.Column("state", sa.String(32)),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("submitted_at", _MOMENT, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("ix_attempts_job_id", "attempts", ["job_id"])
    op.create_index("ix_attempts_success", "attempts", ["succeeded", "submitted_at"])
    op.create_table(
        "changes",
        sa.Column(
            "position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("incident_id", sa.Text(), sa.ForeignKey("incidents.incident_id"), nullable=False),
        sa.Column("change_id", sa.Text(), nullable=False, unique=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("level", sa.String(32), nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("planned_at", _MOMENT, nullable=False),
        sa.Column("settled_at", _MOMENT),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("ix_changes_incident_id", "changes", ["incident_id"])


def downgrade() -> None:
    for table in ("changes", "attempts", "incidents"):
        op.drop_table(table)

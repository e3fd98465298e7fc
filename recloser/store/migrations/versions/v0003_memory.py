"""What is learned from incidents: failures, evidence, outcomes, and what persons say of them.

Failures that were diagnosed before are taken over from the attempts; their evidence was not kept, so they have no
fingerprint.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    occurrences = op.create_table(
        "occurrences",
        _incident(),
        sa.Column("attempt", sa.Integer(), primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("target", "queue", "definition")),
        sa.Column("cause", sa.String(32), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("signature", "fingerprint", "mould")),
        sa.Column("seen_at", _MOMENT, nullable=False),
    )
    op.create_index("ix_occurrences_fingerprint", "occurrences", ["fingerprint", "incident_id", "seen_at"])
    op.create_index("ix_occurrences_cause", "occurrences", ["cause", "incident_id"])
    op.create_index("ix_occurrences_seen_at", "occurrences", ["seen_at"])
    op.create_table(
        "evidence",
        _incident(),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "outcomes",
        _incident(),
        sa.Column("attempt", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("remedy", sa.Text(), primary_key=True),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("worked", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_index("ix_outcomes_here", "outcomes", ["signature", "target", "at"])
    op.create_index("ix_outcomes_signature", "outcomes", ["signature", "at"])
    op.create_index("ix_outcomes_remedy", "outcomes", ["remedy", "at"])
    op.create_index("ix_outcomes_target", "outcomes", ["target", "at"])
    op.create_table(
        "labels",
        sa.Column("position", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("incident_id", sa.Text(), sa.ForeignKey("incidents.incident_id"), nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_index("ix_labels_incident_id", "labels", ["incident_id"])
    _take_over(occurrences)


def downgrade() -> None:
    for table in ("labels", "outcomes", "evidence", "occurrences"):
        op.drop_table(table)


def _incident() -> sa.Column[str]:
    return sa.Column("incident_id", sa.Text(), sa.ForeignKey("incidents.incident_id"), primary_key=True)


def _take_over(occurrences: sa.Table) -> None:
    incidents = sa.table("incidents", sa.column("incident_id"), sa.column("target"))
    attempts = sa.table(
        "attempts", *map(sa.column, ("incident_id", "number", "body")), sa.column("submitted_at", _MOMENT)
    )
    joined = attempts.join(incidents, incidents.c.incident_id == attempts.c.incident_id)
    known = op.get_bind().execute(sa.select(attempts, incidents.c.target).select_from(joined)).all()
    for row in known:
        body = json.loads(row.body)
        if diagnosis := body.get("diagnosis"):
            op.execute(
                occurrences.insert().values(
                    incident_id=row.incident_id,
                    attempt=row.number,
                    target=row.target,
                    queue="",
                    definition=str(body.get("definition", "")).replace("\0", ""),
                    cause=diagnosis["cause"],
                    signature=diagnosis["signature"],
                    fingerprint="",
                    mould="",
                    seen_at=row.submitted_at,
                )
            )

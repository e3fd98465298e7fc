"""Alerts over the cycles, the outbox they are sent from, what they are called at receivers, and silences."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("target", sa.Text(), primary_key=True),
        sa.Column("fingerprint", sa.Text(), primary_key=True),
        sa.Column("firing", sa.Boolean(), nullable=False),
        sa.Column("concerns", sa.Boolean(), nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("last_cycle", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("ix_alerts_firing", "alerts", ["target", "firing"])
    op.create_table(
        "outbox",
        sa.Column("position", _SERIAL, primary_key=True, autoincrement=True),
        *_texts("key", "target", "channel", "group_key", "slot", "thread"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("first_tried_at", _MOMENT),
        sa.Column("next_try_at", _MOMENT, nullable=False),
        *_texts("leased_by"),
        sa.Column("leased_until", _MOMENT),
        sa.Column("uncertain", sa.Boolean(), nullable=False),
        *_texts("error", "receipt"),
        sa.Column("settled_at", _MOMENT),
        *_texts("body"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_outbox_queue", "outbox", ["target", "channel", "state", "group_key", "position"])
    op.create_table(
        "links",
        sa.Column("position", _SERIAL, primary_key=True, autoincrement=True),
        *_texts("place", "name", "reference", "url"),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("touched_at", _MOMENT, nullable=False),
        sa.Column("closed_at", _MOMENT),
    )
    op.create_index("ix_links_name", "links", ["place", "name"])
    is_open = sa.text("open")
    op.create_index(
        "uq_links_open", "links", ["place", "name"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_table(
        "silences",
        sa.Column("fingerprint", sa.Text(), primary_key=True),
        sa.Column("until", _MOMENT, nullable=False),
        *_texts("why", "who"),
        sa.Column("at", _MOMENT, nullable=False),
    )


def downgrade() -> None:
    for table in ("silences", "links", "outbox", "alerts"):
        op.drop_table(table)


def _texts(*names: str) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.Text(), nullable=False) for name in names)

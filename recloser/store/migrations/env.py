"""Run the revisions on the connection `recloser.store.schema` hands over, inside its transaction."""

from alembic import context

from recloser.store.schema import VERSION_TABLE
from recloser.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()

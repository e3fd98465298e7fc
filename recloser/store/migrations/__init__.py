"""Alembic's environment and revisions; `Store.open` applies them, and there is no `alembic.ini`."""

"""Bring a database to the schema of this version, whoever else opens it at the same moment."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from recloser.store.engine import sqlite_file, writing
from recloser.store.errors import StoreError, shown

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "recloser_schema"
"""Not Alembic's default name: a PostgreSQL schema may be shared, for example with Prefect's own tables."""

_ADVISORY_LOCK = 0x5EC105E


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, built in code; the connection is the one to migrate."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def migrate(engine: Engine) -> None:
    """Create or upgrade the schema in one transaction: a kill leaves the old one or the new one.

    Raises:
        StoreError: The folder cannot be made, or the schema comes from a newer version of Recloser.
    """
    with _only_opener(engine), writing(engine).connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
        with connection.begin():
            _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    config = alembic_config(connection)
    scripts = ScriptDirectory.from_config(config)
    present = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if present is not None and present not in known:
        where = shown(connection.engine.url)
        raise StoreError(f"the store {where} has schema {present}, of a newer Recloser: upgrade, or name another store")
    if present != scripts.get_current_head():
        command.upgrade(config, "head")


@contextmanager
def _only_opener(engine: Engine) -> Iterator[None]:
    """Hold the folder of a SQLite file: switching to WAL fails at once, not after a wait, where two try it."""
    file = sqlite_file(engine.url)
    if file is None:
        yield
        return
    handle = _open_folder(file.parent, engine)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # lets the lock go, as a kill does


def _open_folder(folder: Path, engine: Engine) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise StoreError(f"no folder for the store {shown(engine.url)}: {folder}: {error.strerror}") from error

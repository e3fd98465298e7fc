"""One engine per store: what a database must be told on every connection, and where a transaction takes its lock."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from recloser.store.errors import StoreError, shown

BUSY_TIMEOUT_S = 30.0
"""How long a connection waits for another one's write before it gives up."""
CONNECT_TIMEOUT_S = 10
"""How long a server may take to accept a connection; `?connect_timeout=` in the URL stands."""

_BEGIN = "sqlite_begin"


def parse_url(url: str) -> URL:
    """Read a database URL.

    Raises:
        StoreError: It is no URL (it is not repeated, since it may hold a password), or names no file.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError("the store's URL cannot be read; expected one like sqlite:///folder/recloser.db") from None
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+psycopg")  # the driver that comes with `recloser[postgresql]`
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise StoreError("a store in memory forgets; name a file, like sqlite:///folder/recloser.db")
    return parsed


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database, None for a server."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def build_engine(url: URL) -> Engine:
    """An engine whose errors show no stored text.

    Raises:
        StoreError: The database's driver is unknown, not installed, or asynchronous.
    """
    try:
        # hide_parameters: errors and logs of SQLAlchemy itself must not repeat what is stored.
        # pool_pre_ping: a server that was restarted between two calls is connected to again.
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        hint = "; install recloser[postgresql]" if url.get_backend_name() == "postgresql" else ""
        raise StoreError(f"no driver for the store {shown(url)}: {error}{hint}") from error
    except (ImportError, ArgumentError) as error:
        raise StoreError(f"no driver for the store {shown(url)}: {error}") from error
    if engine.dialect.is_async:
        raise StoreError(f"the store {shown(url)} names an asynchronous driver; leave it out or name another")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "do_connect", _be_impatient)
        event.listen(engine, "connect", _prepare_postgresql)
    else:
        raise StoreError(f"the store {shown(url)} is neither SQLite nor PostgreSQL; Recloser is tested on those two")
    return engine


def writing(engine: Engine) -> Engine:
    """The same engine and pool, its transactions taking SQLite's write lock at the start.

    A transaction that reads first and writes later could otherwise find its snapshot overtaken and fail.
    """
    return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, and hold schema changes too
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # write-ahead of changes must survive a power cut as well


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _be_impatient(_dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> None:
    parameters.setdefault("connect_timeout", CONNECT_TIMEOUT_S)
    parameters.setdefault("application_name", "recloser")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    connection.autocommit = True  # else the setting would end with the transaction it was made in
    connection.execute(f"SET lock_timeout = {int(BUSY_TIMEOUT_S * 1000)}")  # in ms
    connection.autocommit = False

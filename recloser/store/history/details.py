"""What attempts said beside how they ended: kept once, compressed, for all that say exactly the same."""

import hashlib
import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from recloser.store.errors import StoreError
from recloser.store.history.tables import DetailRow
from recloser.store.queries import take_turns
from recloser.store.tables import Base
from recloser.values import TestAttempt

T = TypeVar("T")

FIELDS = {"failure", "output", "reason"}
"""Of an attempt: most have none of them, and those of a bad night have the same."""
_AT_ONCE = 500
"""Values in one `IN (…)`."""


def save_details(session: Session, attempts: Iterable[TestAttempt]) -> list[int | None]:
    """Keep what attempts said.

    Returns:
        For each attempt where it is kept; None where it said nothing.
    """
    packs = [_pack(attempt) if _says_something(attempt) else None for attempt in attempts]
    rows = {row["digest"]: row for row in packs if row}
    if rows:
        hold_details(session)
    insert_missing(session, DetailRow, list(rows.values()))
    places = dict(_places(session, rows))
    return [places[row["digest"]] if row else None for row in packs]


def unpack(packed: bytes) -> dict[str, Any]:
    """The fields of an attempt that were packed.

    Raises:
        StoreError: It is damaged.
    """
    try:
        fields: dict[str, Any] = json.loads(zlib.decompress(packed))
    except zlib.error as error:
        raise StoreError(f"it holds an unreadable failure: {error}") from error
    return fields


def insert_missing(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, but for those that break a unique constraint: another process may have been faster."""
    if rows:
        session.execute(_insert(session, table).on_conflict_do_nothing(), rows)


def upsert(session: Session, table: type[Base], rows: Sequence[dict[str, Any]], *, adding: Collection[str]) -> None:
    """Insert rows; where one of the same key is present, add these columns to it."""
    if rows:
        insert, columns = _insert(session, table), table.__table__.c
        added = {name: columns[name] + insert.excluded[name] for name in adding}
        keys = [column.name for column in columns if column.primary_key]
        session.execute(insert.on_conflict_do_update(index_elements=keys, set_=added), rows)


def hold_details(session: Session) -> None:
    """Wait until no other transaction adds or drops what attempts said: what one points to, the other may drop."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        session.execute(take_turns("what attempts said"))


def batched(values: Iterable[T]) -> Iterator[list[T]]:
    """Values in lists that fit into one statement."""
    rest = iter(values)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


def _insert(session: Session, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if session.get_bind().dialect.name == "sqlite" else postgresql.insert(table)


def _places(session: Session, digests: Collection[str]) -> Iterator[tuple[str, int]]:
    for some in batched(digests):
        wanted = select(DetailRow.digest, DetailRow.detail).where(DetailRow.digest.in_(some))
        yield from ((row[0], row[1]) for row in session.execute(wanted))


def _says_something(attempt: TestAttempt) -> bool:
    return bool(attempt.failure or attempt.output or attempt.reason)


def _pack(attempt: TestAttempt) -> dict[str, Any]:
    # ASCII only: the digest is of the same bytes wherever it is made, and half a character can be written.
    text = json.dumps(attempt.model_dump(mode="json", include=FIELDS)).encode()
    return {
        "digest": hashlib.blake2b(text, digest_size=16).hexdigest(),
        "fingerprint": attempt.failure.fingerprint if attempt.failure else "",
        "packed": zlib.compress(text),
    }

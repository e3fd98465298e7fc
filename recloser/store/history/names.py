"""What a person calls a target or a test, and what it is called in the store."""

from collections.abc import Collection, Iterable
from itertools import islice

from rapidfuzz import fuzz, process
from sqlalchemy import select
from sqlalchemy.orm import Session

from recloser.store.errors import StoreError
from recloser.store.history.tables import CycleRow, TestRow

_SUGGESTED = 5


def find_target(session: Session, name: str | None) -> str:
    """The target of this name, or the only one where none is named.

    Raises:
        StoreError: There is none, or there are several to choose from.
    """
    known = session.scalars(select(CycleRow.target).distinct().order_by(CycleRow.target)).all()
    if name in known or (name is None and len(known) == 1):
        return name or known[0]
    if not known:
        raise StoreError("no cycle in the store yet: nothing has run")
    if name is None:
        raise StoreError(f"several targets in the store: name one of {_listed(known)}")
    raise StoreError(f"no cycle of target {name!r} in the store; it knows {_listed(known)}")


def find_tests(session: Session, target: str, name: str) -> tuple[tuple[str, str], ...]:
    """The test of this name in each suite that has it.

    Args:
        session: An open transaction.
        target: The target.
        name: A test id, or a part that no other test id has.

    Returns:
        Suites and test ids.

    Raises:
        StoreError: None or several are called so; the message suggests names.
    """
    wanted = select(TestRow.suite, TestRow.test_id).where(TestRow.target == target)
    known = [(row[0], row[1]) for row in session.execute(wanted.order_by(TestRow.suite, TestRow.test_id))]
    ids = sorted({test_id for _, test_id in known})
    alike = [name] if name in ids else [test_id for test_id in ids if name in test_id]
    if len(alike) > 1:
        raise StoreError(f"{len(alike)} tests of {target} have {name!r} in their name: say which of {_listed(alike)}")
    if not alike:
        near = [found[0] for found in process.extract(name, ids, scorer=fuzz.WRatio, limit=_SUGGESTED)]
        hint = f"; the nearest names are {_listed(near)}" if near else ""
        raise StoreError(f"no test {name!r} of {target} in the store{hint}")
    return tuple(one for one in known if one[1] == alike[0])


def _listed(names: Collection[str]) -> str:
    shown = ", ".join(map(repr, _first(names)))
    return f"{shown} and {len(names) - _SUGGESTED} more" if len(names) > _SUGGESTED else shown


def _first(names: Iterable[str]) -> list[str]:
    return list(islice(names, _SUGGESTED))

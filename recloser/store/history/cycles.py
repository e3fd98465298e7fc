"""Cycles and what happened in them, but for the tests: statements and rows."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from recloser.store.errors import StoreError
from recloser.store.history.tables import CycleRow, StageRow
from recloser.store.rows import columns_of, value_of
from recloser.values import Cycle, CycleVerdict, Stage


def cycle_of(row: CycleRow) -> Cycle:
    """The cycle a row holds."""
    return value_of(Cycle, row)


def stage_of(row: StageRow) -> Stage:
    """The stage a row holds."""
    return value_of(Stage, row)


def newest_cycles(target: str) -> Select[CycleRow]:
    """A target's cycles, the newest first."""
    wanted = select(CycleRow).where(CycleRow.target == target)
    return wanted.order_by(CycleRow.opened_at.desc(), CycleRow.cycle_id.desc())


def cycle_ids(session: Session, target: str, last: int, also: Collection[str]) -> list[str]:
    """Ids of a target's newest cycles, and of some others of its, the oldest first."""
    newest = session.scalars(newest_cycles(target).limit(max(last, 0))).all()
    others = session.scalars(newest_cycles(target).where(CycleRow.cycle_id.in_(also))).all()
    rows = {row.cycle_id: row for row in (*newest, *others)}
    return sorted(rows, key=lambda cycle_id: (rows[cycle_id].opened_at, cycle_id))


def green_cycles(session: Session, target: str, before: str | None) -> Select[CycleRow]:
    """A target's green cycles, the newest first; only those opened before one of its cycles, if so asked."""
    wanted = newest_cycles(target).where(CycleRow.verdict == CycleVerdict.GREEN)
    if before is None:
        return wanted
    present = require_cycle(session, before)
    return wanted.where(CycleRow.opened_at < present.opened_at)


def require_cycle(session: Session, cycle_id: str) -> CycleRow:
    """The cycle of this id.

    Raises:
        StoreError: There is none.
    """
    row = session.get(CycleRow, cycle_id)
    if row is None:
        raise StoreError(f"no cycle {cycle_id!r} in the store: open it before what ran in it is saved")
    return row


def refuse_closed(row: CycleRow) -> None:
    """Let only a cycle pass that is open.

    Raises:
        StoreError: It has a verdict, which stands.
    """
    if row.verdict is not None:
        raise StoreError(f"cycle {row.cycle_id} is closed as {row.verdict}: open another one")


def close(row: CycleRow, closed: Cycle) -> None:
    """Write a verdict into a cycle; the same verdict again changes nothing.

    Raises:
        StoreError: It has another verdict already.
    """
    if row.verdict not in {None, closed.verdict}:
        raise StoreError(f"cycle {row.cycle_id} is closed as {row.verdict}: it cannot become {closed.verdict}")
    if row.verdict is None:
        for name, value in columns_of(closed, CycleRow).items():
            setattr(row, name, value)


def result_json(stage: Stage, result: Mapping[str, Any] | None) -> str | None:
    """The JSON that a stage's result is kept as.

    Raises:
        StoreError: It is not JSON.
    """
    try:
        return None if result is None else json.dumps(dict(result), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StoreError(f"the result of stage {stage.name} is not JSON: {error}") from error

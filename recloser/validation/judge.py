"""Rules judged in numpy: the fast judge. It needs no Great Expectations and says where the bad rows are.

The second judge, `expectations`, puts the same checks to Great Expectations; a rule passes when both say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recloser.validation.facts import NotApplicableError
from recloser.validation.findings import Finding, Place, State
from recloser.validation.judged import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from recloser.validation.judged import Table
    from recloser.validation.rules import Check, Rule
    from recloser.validation.tables import Tables

_SHOWN = 10
_SAID = 3


@dataclass(frozen=True)
class Outcome:
    """What one check of one table found."""

    check: Check
    state: State
    message: str = ""
    count: int = 0
    of: int = 0
    worst: float | None = None
    places: tuple[Place, ...] = ()


def judge(tables: Tables, rules: Iterable[Rule]) -> tuple[tuple[Rule, tuple[Outcome, ...]], ...]:
    """Put every rule to the tables; none stops the others."""
    return tuple((rule, tuple(judge_check(check, tables) for check in rule.checks)) for rule in rules)


def judge_check(check: Check, tables: Tables) -> Outcome:
    """Put one check to its table."""
    try:
        table = tables[check.table]
    except NotApplicableError as error:
        return Outcome(check, State.NOT_APPLICABLE, str(error))
    return _unavailable(check, table) or _KINDS[check.kind](check, table)


def finding_of(rule: Rule, outcomes: tuple[Outcome, ...]) -> Finding:
    """What a rule's checks come to: failed when one failed, not run when one could not be, else passed."""
    by_state = {state: [found for found in outcomes if found.state is state] for state in State}
    failed = sorted(by_state[State.FAILED], key=lambda found: -found.count)
    order = (State.FAILED, State.NOT_RUN, State.PASSED, State.NOT_APPLICABLE)
    state = next(state for state in order if by_state[state])
    telling = failed or by_state[state]
    return Finding(
        rule=rule.id,
        title=rule.title,
        gate=rule.gate,
        state=state,
        message=_sentence([found.message for found in telling]),
        count=sum(found.count for found in outcomes),
        of=sum(found.of for found in outcomes),
        worst=telling[0].worst,
        unit=telling[0].check.unit,
        places=tuple(place for found in failed for place in found.places)[:_SHOWN],
    )


def _unavailable(check: Check, table: Table) -> Outcome | None:
    if check.column in table.not_applicable:
        return Outcome(check, State.NOT_APPLICABLE, table.not_applicable[check.column])
    if check.kind in {"columns", "rows"} or check.column in table.frame or not (check.column or check.columns):
        return None
    if check.columns:
        missing = [name for name in check.columns if name not in table.frame]
        return Outcome(check, State.FAILED, f"{table.name} has no column {missing[0]}", 1, 1) if missing else None
    if table.columns:
        return Outcome(check, State.FAILED, f"{table.name} has no column {check.column}", 1, 1)
    return Outcome(check, State.NOT_RUN, table.unavailable[check.column])


def _columns(check: Check, table: Table) -> Outcome:
    found = tuple(map(str, table.frame.columns))
    wrong = sorted(set(table.columns) ^ set(found)) or [name for name in table.columns if name in found]
    said = f"{table.name} has the columns {', '.join(found)[:400] or 'none'} instead of {', '.join(table.columns)}"
    return _outcome(check, 0 if found == table.columns else len(wrong), len(table.columns), said)


def _rows(check: Check, table: Table) -> Outcome:
    found = len(table.frame)
    said = f"{table.name} has {found} rows instead of {table.n_rows}"
    return _outcome(check, abs(found - table.n_rows), table.n_rows, said)


def _unique(check: Check, table: Table) -> Outcome:
    again = table.frame.duplicated(list(check.columns), keep=False).to_numpy()
    said = f"{int(again.sum())} rows of {table.name} share their {' and '.join(check.columns)} with another"
    return _outcome(check, int(again.sum()), len(again), said, _places(table, again))


def _set(check: Check, table: Table) -> Outcome:
    declared = table.positions[check.column]
    column = table.frame[check.column]
    found = set(column.dropna().unique().tolist()) if column.ndim == 1 else set()
    expected = set(range(declared))
    missing, unknown = expected - found, found - expected
    said = f"{table.name}.{check.column} must be 0 to {declared - 1}: {len(missing)} are missing{_some(missing)}, "
    said += f"{len(unknown)} are unknown{_some(unknown)}"
    return _outcome(check, len(missing) + len(unknown), declared, said, _places(table, column.isin(list(unknown))))


def _not_null(check: Check, table: Table) -> Outcome:
    missing = table.frame[check.column].isna().to_numpy()
    said = f"{int(missing.sum())} values of {table.name}.{check.column} are missing"
    if not len(missing):
        return Outcome(check, State.FAILED, f"{table.name} is empty", 0, 0)
    return _outcome(check, int(missing.sum()), len(missing), said, _places(table, missing))


def _equal(check: Check, table: Table) -> Outcome:
    bad = (table.frame[check.column] != table.frame[check.other]).to_numpy()
    rows = table.frame[bad].itertuples(index=False)
    said = "; ".join(f"{row.table}.{row.column} is {row.found} instead of {row.declared}" for row in rows)
    return _outcome(check, int(bad.sum()), len(bad), said[:600], _places(table, bad))


def _between(check: Check, table: Table) -> Outcome:
    column = table.frame[check.column]
    if column.ndim != 1 or column.dtype.kind not in "iuf":
        return Outcome(check, State.FAILED, f"{table.name}.{check.column} holds no numbers", len(column), len(column))
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if not len(values):
        return Outcome(check, State.FAILED, f"{table.name} is empty")
    low = -np.inf if check.min is None else check.min
    high = np.inf if check.max is None else check.max
    bad = ~((values >= low) & (values <= high) & np.isfinite(values))
    worst = _worst(values, low, high)
    return _outcome(
        check,
        int(bad.sum()),
        len(values),
        _said(check, bad, worst) + _noted(check, table),
        _places(table, bad, values),
        worst=worst,
    )


def _said(check: Check, bad: NDArray[np.bool_], worst: float | None) -> str:
    far = "infinite or no number" if worst is None else f"{worst:.6g} {check.unit}"
    if len(bad) == 1:
        return f"{check.column} is {far}; it must be {check.limits}"
    return f"{check.column} of {int(bad.sum())} of {len(bad)} rows is not {check.limits}; the worst is {far}"


def _noted(check: Check, table: Table) -> str:
    note = table.notes.get(check.column)
    return f" ({note})" if note else ""


def _worst(values: NDArray[np.float64], low: float, high: float) -> float | None:
    """The value farthest outside its limits, or nearest to them; None when it is not finite."""
    finite = np.isfinite(values)
    known = np.where(finite, values, 0.0)
    beyond = np.where(finite, np.maximum(low - known, known - high), np.inf)
    worst = values[int(np.argmax(beyond))]
    return float(worst) if np.isfinite(worst) else None


def _outcome(
    check: Check, count: int, of: int, said: str, places: tuple[Place, ...] = (), *, worst: float | None = None
) -> Outcome:
    state = State.FAILED if count else State.PASSED
    return Outcome(check, state, said if count else "", count, of, worst, places if count else ())


def _places(table: Table, bad: Any, values: NDArray[np.float64] | None = None) -> tuple[Place, ...]:
    if len(table.frame) == 1:
        return ()
    rows = np.flatnonzero(np.asarray(bad))
    if values is not None and len(rows) > _SHOWN:
        rows = rows[np.argsort(-np.abs(np.nan_to_num(values[rows], nan=np.inf)), kind="stable")]
    rows = rows[:_SHOWN]
    found = rows_of(table.frame, table.keys, rows)
    return tuple(
        Place(at=where, value=float(values[row]) if values is not None and np.isfinite(values[row]) else None)
        for where, row in zip(found, rows, strict=True)
    )


def _some(values: set[Any]) -> str:
    if not values:
        return ""
    shown = sorted(map(str, values), key=lambda text: (len(text), text))[:5]
    return f" ({', '.join(text[:40] for text in shown)}{', …' if len(values) > len(shown) else ''})"


def _sentence(messages: list[str]) -> str:
    said = list(dict.fromkeys(message for message in messages if message))
    more = f"; and {len(said) - _SAID} more checks" if len(said) > _SAID else ""
    return "; ".join(said[:_SAID]) + more


_KINDS: Mapping[str, Callable[[Check, Table], Outcome]] = {
    "columns": _columns,
    "rows": _rows,
    "unique": _unique,
    "set": _set,
    "not_null": _not_null,
    "equal": _equal,
    "between": _between,
}

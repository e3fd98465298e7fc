"""Attempts as columns: 600,000 of them in seconds, for whoever judges a history.

Rows go into numpy arrays suite run by suite run, so that Python objects of one run at a time are all that is held.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sqlalchemy import Text, func, select, type_coerce

from recloser.store.history.codes import FAILURES, PASSES, STATUSES
from recloser.store.history.details import batched
from recloser.store.history.tables import DetailRow, SuiteRunRow, TestAttemptRow, TestRow
from recloser.store.tables import unescaped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    Array = NDArray[Any]

_NONE = -1
"""Where there is no detail."""
_T = TestAttemptRow.__table__.c  # not the mapped class: its way of loading takes as long as the reading
_NUMBERS: dict[str, tuple[str, ColumnElement[Any]]] = {
    "test": ("int32", _T.test),
    "attempt": ("int32", _T.number),
    "status": ("int8", _T.status),
    "at": ("int64", _T.at),
    "duration_s": ("float64", _T.duration_s),
    "position": ("int32", _T.position),
    "peak_rss_mib": ("float32", _T.peak_rss_mib),
    "detail": ("int32", func.coalesce(_T.detail, _NONE)),
}
_WORDS: dict[str, ColumnElement[str]] = {
    # As stored: a converter would be called for every row, and there are a dozen different ones.
    "worker": type_coerce(_T.worker, Text),
    "probe": type_coerce(_T.probe, Text),
}
_ASKED = (*(column for _, column in _NUMBERS.values()), *_WORDS.values())


@dataclass(frozen=True, slots=True)
class _Run:
    """A suite run, as each of its attempts repeats it."""

    run: int
    place: int
    """Of its cycle, 0 for the oldest."""
    suite: str
    tier: str
    state: str


def read_outcomes(
    session: Session, target: str, cycles: Sequence[str], suites: Collection[str] | None = None
) -> pd.DataFrame:
    """The attempts of some cycles; `History.outcomes` names the columns.

    Args:
        session: An open transaction.
        target: The target.
        cycles: Ids of its cycles, the oldest first.
        suites: Of these suites only; None for all.
    """
    words: dict[str, dict[str, int]] = {name: {} for name in _WORDS}
    runs = list(_runs(session, cycles, suites))
    blocks = [_block(session, run.run, words) for run in runs]
    repeats = np.array([len(block["test"]) for block in blocks], dtype="int64")
    columns = {name: _joined(name, blocks) for name in (*_NUMBERS, *_WORDS)}
    places = np.repeat(np.array([run.place for run in runs], dtype="int32"), repeats)
    status = columns["status"]
    failed = np.isin(status, FAILURES)
    return pd.DataFrame(
        {
            "cycle": _categorical(places, cycles).as_ordered(),
            "run": places,
            "at": pd.Series(columns["at"].view("datetime64[us]")).dt.tz_localize("UTC"),
            "state": _repeated([run.state for run in runs], repeats),
            "tier": _repeated([run.tier for run in runs], repeats),
            "suite": _repeated([run.suite for run in runs], repeats),
            "test": _looked_up(columns["test"], _names(session, target)),
            "attempt": columns["attempt"],
            "status": _categorical(status, STATUSES),
            "failed": failed,
            "judged": failed | np.isin(status, PASSES),
            "duration_s": columns["duration_s"],
            "fingerprint": _looked_up(columns["detail"], _fingerprints(session, columns["detail"])),
            "position": columns["position"],
            "peak_rss_mib": columns["peak_rss_mib"],
            **{name: _categorical(columns[name], map(unescaped, known)) for name, known in words.items()},
        }
    )


def _runs(session: Session, cycles: Sequence[str], suites: Collection[str] | None) -> Iterator[_Run]:
    places = {cycle: place for place, cycle in enumerate(cycles)}
    wanted = select(SuiteRunRow).where(SuiteRunRow.cycle_id.in_(cycles))
    if suites is not None:
        wanted = wanted.where(SuiteRunRow.suite.in_(suites))
    rows = session.scalars(wanted).all()
    for row in sorted(rows, key=lambda row: (places[row.cycle_id], row.started_at, row.suite)):
        body = json.loads(row.body)
        state = f"{body['code']['tree']}|{body['environment']['environment_id']}"
        yield _Run(row.run, places[row.cycle_id], row.suite, row.tier, state)


def _block(session: Session, run: int, words: dict[str, dict[str, int]]) -> dict[str, Array]:
    """The attempts of one suite run, column by column; words as their places among the words met so far."""
    wanted = select(*_ASKED).where(_T.run == run).order_by(_T.test, _T.probe, _T.number)
    # The driver's own rows: wrapping 600,000 of them takes as long as reading them.
    rows = session.connection().execute(wanted).cursor.fetchall()
    columns = dict(zip((*_NUMBERS, *_WORDS), zip(*rows, strict=True), strict=bool(rows)))
    block = {name: np.array(columns.get(name, ()), dtype=kind) for name, (kind, _) in _NUMBERS.items()}
    for name, known in words.items():
        block[name] = np.array([known.setdefault(word, len(known)) for word in columns.get(name, ())], dtype="int32")
    return block


def _joined(name: str, blocks: Iterable[dict[str, Array]]) -> Array:
    """One column of all blocks; it is taken out of them, so that nothing is held twice."""
    kind = _NUMBERS[name][0] if name in _NUMBERS else "int32"
    return np.concatenate([np.empty(0, kind), *(block.pop(name) for block in blocks)])


def _repeated(values: Sequence[str], repeats: Array) -> pd.Categorical[str]:
    known = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return _categorical(np.repeat(np.array([known[value] for value in values], dtype="int32"), repeats), known)


def _categorical(codes: Array, words: Iterable[str]) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(
        codes.astype(np.int32), categories=pd.Index([str(word) for word in words], dtype=object)
    )


def _looked_up(keys: Array, words: dict[int, str]) -> pd.Categorical[str]:
    """What numbers point to; NA where it is nothing. Two numbers may point to one word."""
    present, inverse = np.unique(keys, return_inverse=True)
    known = {word: place for place, word in enumerate(dict.fromkeys(words[key] for key in present if key in words))}
    codes = np.array([known[words[key]] if key in words else _NONE for key in present], dtype="int32")
    return _categorical(codes[inverse] if len(keys) else codes, known)


def _names(session: Session, target: str) -> dict[int, str]:
    return {
        row[0]: row[1] for row in session.execute(select(TestRow.test, TestRow.test_id).where(TestRow.target == target))
    }


def _fingerprints(session: Session, details: Array) -> dict[int, str]:
    found = {}
    for some in batched(np.unique(details[details != _NONE]).tolist()):
        wanted = select(DetailRow.detail, DetailRow.fingerprint).where(DetailRow.detail.in_(some))
        found.update({row[0]: row[1] for row in session.execute(wanted) if row[1]})
    return found

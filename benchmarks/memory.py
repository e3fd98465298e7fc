"""How long the memory takes to answer with 10,000 incidents in the store, SQLite unless a URL is given.

Run `python benchmarks/memory.py [URL]`; it fills the store in about half a minute. The exit code is 1 when a gate is
missed. Every incident has two failed attempts with evidence and one outcome; every second failure is a kind of its own,
so that the similarity lookup has as many different texts to go through as it takes.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from recloser.diagnosis import template
from recloser.healing.memory import record_of, standings
from recloser.healing.memory.recognition import closest
from recloser.store import Store
from recloser.store.rows import columns_of, pack_evidence
from recloser.store.tables import AttemptRow, EvidenceRow, IncidentRow, LabelRow, OccurrenceRow, OutcomeRow
from recloser.values import (
    AttemptRecord,
    Cause,
    Diagnosis,
    Evidence,
    FixMode,
    Incident,
    JobSnapshot,
    JobState,
    LogLine,
    LogTail,
    Verdict,
    utc_now,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from recloser.store.tables import Base

INCIDENTS = 10_000
TARGETS = 20
REMEDIES = ("raise_memory", "lower_parallelism", "retry_same")
GATE_S = 0.1
ROUNDS = 15
NOW = utc_now()
WORDS = [f"{a}{b}" for a in ("sol", "grid", "flow", "bus", "load", "gen") for b in ("ver", "node", "map", "set", "run")]


def main() -> int:
    """Fill a store, ask, print."""
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/memory.db"
        with Store.open(url) as store:
            started = time.perf_counter()
            fill(store)
            print(
                f"{INCIDENTS:,} incidents, {2 * INCIDENTS:,} failures: filled in {time.perf_counter() - started:.0f} s"
            )
            missed = [name for name, ask in questions(store).items() if measure(name, ask) > GATE_S]
    return 1 if missed else 0


def questions(store: Store) -> dict[str, Callable[[], object]]:
    """What a healing and a person ask."""
    memory = store.memory
    mould = f"{text_of(401)} again"
    return {
        "list: newest 20": store.incidents,
        "list: 20 of a target and a cause since a month": lambda: store.incidents(
            target="target-3", cause=Cause.OOM, since=NOW - timedelta(days=30)
        ),
        "show: by the beginning of an id": lambda: store.incident("i-04000"),
        "ranking: three remedies for a signature": lambda: standings(
            REMEDIES, memory.outcomes("S020", "target-3", REMEDIES), signature="S020", target="target-3", now=NOW
        ),
        "record of a target": lambda: record_of(memory, "target-3"),
        "seen before: same fingerprint": lambda: memory.recurrence("common"),
        "seen before: most alike": lambda: closest(mould, memory.moulds()),
        "label: most alike": lambda: closest(mould, memory.moulds(labelled=True)),
    }


def measure(name: str, ask: Callable[[], object]) -> float:
    """Print the median and the slowest of some rounds, in ms; the first, which warms up, does not count."""
    ask()
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        ask()
        times.append(time.perf_counter() - started)
    median = statistics.median(times)
    verdict = "" if median <= GATE_S else f"  MISSED, gate {GATE_S * 1000:.0f} ms"
    print(f"{name:50} {median * 1000:7.1f} ms  (slowest {max(times) * 1000:.1f} ms){verdict}")
    return median


def fill(store: Store) -> None:
    """Write the rows at once: saving one by one is another measure."""
    with Session(store._engine) as session, session.begin():  # noqa: SLF001 - a benchmark may go in by the back door
        for start in range(0, INCIDENTS, 500):
            by_table: dict[type[Base], list[Base]] = {}
            for number in range(start, min(start + 500, INCIDENTS)):
                for row in rows_of(number):
                    by_table.setdefault(type(row), []).append(row)
            for rows in by_table.values():
                session.add_all(rows)
                session.flush()


def rows_of(number: int) -> Iterator[Base]:
    """One incident, whole."""
    key, target, at = f"i-{number:05}", f"target-{number % TARGETS}", NOW - timedelta(minutes=9 * number)
    incident = Incident(
        incident_id=key,
        target=target,
        fix_mode=FixMode.AUTO,
        iterations=3,
        opened_at=at,
        closed_at=at,
        verdict=Verdict.HEALED,
    )
    yield IncidentRow(**columns_of(incident, IncidentRow))
    for attempt in (1, 2):
        own = number % 2 == attempt - 1
        cause = Cause.UNKNOWN if own else Cause.OOM
        yield from failure_rows(key, at, attempt, cause, text_of(number) if own else "out of memory")
    yield OutcomeRow(
        incident_id=key,
        attempt=1,
        remedy=REMEDIES[number % 3],
        target=target,
        signature=f"S02{number % 4}",
        cause=Cause.OOM,
        worked=number % 3 > 0,
        counts=True,
        at=at,
    )
    if number % 50 == 0:
        yield LabelRow(incident_id=key, cause=Cause.TIMEOUT, note="", who="ada", at=at)


def failure_rows(key: str, at: datetime, number: int, cause: Cause, text: str) -> Iterator[Base]:
    """One failed attempt with its evidence."""
    target = f"target-{int(key[2:]) % TARGETS}"
    diagnosis = Diagnosis(cause=cause, signature="none", summary=text, confidence=0.4)
    attempt = AttemptRecord(
        number=number, job_name=key, definition=f"{target}:3", submitted_at=NOW, diagnosis=diagnosis
    )
    yield AttemptRow(incident_id=key, **columns_of(attempt, AttemptRow), succeeded=False)
    own = cause is Cause.UNKNOWN
    yield OccurrenceRow(
        incident_id=key,
        attempt=number,
        target=target,
        queue=f"queue-{target[-1]}",
        definition=f"{target}:3",
        cause=cause,
        signature="none" if own else "S020",
        fingerprint=key if own else "common",
        mould=template(text),
        seen_at=at,
    )
    lines = tuple(LogLine(at=NOW, text=f"{line} {text}") for line in range(20))
    job = JobSnapshot(job_id=key, name=key, state=JobState.FAILED, queue="q", definition_arn=f"arn:{target}:3")
    evidence = Evidence(job=job, log=LogTail(lines=lines), collected_at=NOW)
    yield EvidenceRow(incident_id=key, number=number, packed=pack_evidence(evidence))


def text_of(number: int) -> str:
    """What one kind of failure says: a sentence of its own."""
    words = random.Random(number)  # noqa: S311 - the same words for the same number
    return "error: " + " ".join(words.choice(WORDS) for _ in range(20))


if __name__ == "__main__":
    sys.exit(main())

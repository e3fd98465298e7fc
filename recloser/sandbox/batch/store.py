"""What the endpoint remembers: SQLite, answered only after the commit.

Jobs are written once for each commit, whatever they went through since the last; readers see them as they are.

`synchronous=NORMAL` under WAL survives the death of the process, not of the machine. Documents are kept as the API
shows them; columns exist only for what is searched by.
"""

from __future__ import annotations

import copy
import logging
import sqlite3
from typing import TYPE_CHECKING

import orjson

from recloser.sandbox.batch.commits import Commits
from recloser.sandbox.batch.model import TERMINAL, UNDER_WAY, Document, Job, name_in
from recloser.sandbox.errors import StaleStateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from recloser.sandbox.batch.listing import Selection

_INSERT = (
    "INSERT INTO job (id, region, queue, name, definition, share, parent, created, status, stopped, document, stop) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE = "UPDATE job SET status = ?, stopped = ?, document = ?, stop = ? WHERE id = ?"
_LOG = logging.getLogger(__name__)
_MOST_HELD = 1_000
_VERSION = 1
"""Of the schema below and of the documents in it; another one is not read."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS resource (
  region TEXT, kind TEXT, name TEXT, document TEXT NOT NULL, PRIMARY KEY (region, kind, name));
CREATE TABLE IF NOT EXISTS definition (
  region TEXT, name TEXT, revision INTEGER, status TEXT NOT NULL, document TEXT NOT NULL,
  PRIMARY KEY (region, name, revision));
CREATE TABLE IF NOT EXISTS job (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, region TEXT NOT NULL, queue TEXT NOT NULL,
  name TEXT NOT NULL, definition TEXT NOT NULL, share TEXT, parent TEXT, created INTEGER NOT NULL, stopped INTEGER,
  status TEXT NOT NULL, document TEXT NOT NULL, stop TEXT);
CREATE INDEX IF NOT EXISTS job_by_status ON job (queue, status, number) WHERE parent IS NULL;
CREATE INDEX IF NOT EXISTS child_by_status ON job (parent, status, number) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS job_by_end ON job (stopped) WHERE stopped IS NOT NULL;
CREATE TABLE IF NOT EXISTS image (
  region TEXT, repository TEXT, tag TEXT, document TEXT NOT NULL, PRIMARY KEY (region, repository, tag));
"""


class Store:
    """The database of one sandbox; used from one thread."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it.

        Raises:
            StaleStateError: It is damaged, or of another version.
        """
        self._db = sqlite3.connect(path, isolation_level=None)
        self._listeners: list[Callable[[Job], None]] = []
        self._commits = Commits(self._db, self._write)
        self._changed: dict[str, Job] = {}
        self._definitions: dict[tuple[str, str, int | None], Document | None] = {}
        try:
            _prepare(self._db)
            # Few and asked for at every placement, so they are held as well.
            rows = self._db.execute("SELECT region, kind, name, document FROM resource")
            self._resources = {(region, kind, name): orjson.loads(text) for region, kind, name, text in rows}
            self.unfinished()  # a damaged page is found now, not in the middle of the work
        except (sqlite3.DatabaseError, ValueError) as error:
            self._db.close()
            raise StaleStateError(path, error) from error

    def on_transition(self, callback: Callable[[Job], None]) -> None:
        """Have every change of a job's state told, after it is written; not the submission itself.

        The job goes on living: who needs its document later copies it now. A callback that raises is logged and
        changes nothing.
        """
        self._listeners.append(callback)

    async def settled(self) -> None:
        """Return when everything that was told to the store until now is safe."""
        await self._commits.settled()

    def close(self) -> None:
        """Close the database."""
        self._commits.commit()
        self._db.close()

    # Compute environments and queues.

    def put_resource(self, region: str, kind: str, name: str, document: Document) -> None:
        """Keep a compute environment or a queue."""
        row = (region, kind, name, _text(document))
        self._db.execute("INSERT OR REPLACE INTO resource VALUES (?, ?, ?, ?)", row)
        self._resources[region, kind, name] = document

    def resource(self, region: str, kind: str, name: str) -> Document | None:
        """Look one up by name; the caller may change what it gets."""
        return copy.deepcopy(self._resources.get((region, kind, name)))

    def resources(self, region: str, kind: str) -> list[Document]:
        """All of one kind, by name."""
        found = {
            name: document
            for (there, what, name), document in self._resources.items()
            if there == region and what == kind
        }
        return [copy.deepcopy(found[name]) for name in sorted(found)]

    def every_resource(self, kind: str) -> list[Document]:
        """All of one kind in all regions."""
        return [document for (_, what, _), document in self._resources.items() if what == kind]

    def delete_resource(self, region: str, kind: str, name: str) -> None:
        """Forget one."""
        self._db.execute("DELETE FROM resource WHERE region = ? AND kind = ? AND name = ?", (region, kind, name))
        self._resources.pop((region, kind, name), None)

    # Job definitions.

    def next_revision(self, region: str, name: str) -> int:
        """The number the next revision of this definition gets."""
        query = "SELECT coalesce(max(revision), 0) + 1 FROM definition WHERE region = ? AND name = ?"
        return int(self._db.execute(query, (region, name)).fetchone()[0])

    def put_definition(self, region: str, document: Document) -> None:
        """Keep one revision."""
        name, revision, status = (document[key] for key in ("jobDefinitionName", "revision", "status"))
        row = (region, name, revision, status, _text(document))
        self._db.execute("INSERT OR REPLACE INTO definition VALUES (?, ?, ?, ?, ?)", row)
        self._definitions.clear()

    def definition(self, region: str, name: str, revision: int | None) -> Document | None:
        """One revision, without a number the latest active one; it is held, so nobody may change it."""
        key = (region, name, revision)
        if key not in self._definitions:
            if len(self._definitions) >= _MOST_HELD:
                self._definitions.clear()
            self._definitions[key] = self._definition(*key)
        return self._definitions[key]

    def _definition(self, region: str, name: str, revision: int | None) -> Document | None:
        if revision is None:
            query = (
                "SELECT document FROM definition WHERE region = ? AND name = ? AND status = 'ACTIVE' "
                "ORDER BY revision DESC LIMIT 1"
            )
            return self._one(query, region, name)
        query = "SELECT document FROM definition WHERE region = ? AND name = ? AND revision = ?"
        return self._one(query, region, name, revision)

    def definitions(self, region: str, name: str | None, status: str | None) -> list[Document]:
        """All revisions, newest first within a name."""
        query = (
            "SELECT document FROM definition WHERE region = ?1 AND (?2 IS NULL OR name = ?2) "
            "AND (?3 IS NULL OR status = ?3) ORDER BY name, revision DESC"
        )
        return self._all(query, region, name, status)

    # Jobs.

    def add_job(self, *jobs: Job) -> None:
        """Accept a job, or an array's parent with all its children; they are safe when the store has settled."""
        with self._commits.joined(), self._commits.whole():
            self._db.executemany(_INSERT, map(_new_row, jobs))

    def save_job(self, job: Job) -> None:
        """Record what a job has become, and tell it when its state is another."""
        self.save_jobs([job])

    def save_jobs(self, jobs: Sequence[Job]) -> None:
        """Record what several jobs have become, all or none, and tell those whose state is another."""
        with self._commits.joined():
            self._changed.update((job.id, job) for job in jobs)
        for job in jobs:
            if job.status != job.recorded:
                job.recorded = job.status
                self._tell(job)

    def _write(self) -> None:
        """Write the jobs that have changed since this was last done."""
        if self._changed:
            changed, self._changed = self._changed, {}
            self._db.executemany(_UPDATE, ((*_state(job), job.id) for job in changed.values()))

    def _rows(self, query: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        self._write()
        return self._db.execute(query, values)

    def _tell(self, job: Job) -> None:
        for callback in self._listeners:
            try:
                callback(job)
            except Exception:  # noqa: BLE001 - whoever listens must not break the job
                _LOG.exception("a listener failed at job %s", job.id)

    def jobs(self, region: str, ids: Iterable[str]) -> list[Document]:
        """The jobs among these ids that this region knows."""
        query = "SELECT document FROM job WHERE region = ? AND id = ?"
        found = (self._one(query, region, job_id) for job_id in ids)
        return [document for document in found if document is not None]

    def unfinished(self) -> list[Job]:
        """Every job that has not ended, oldest first."""
        query = "SELECT region, document, stop FROM job WHERE status NOT IN (?, ?) ORDER BY number"
        rows = self._rows(query, TERMINAL)
        return [Job(region, orjson.loads(text), orjson.loads(stop or "null")) for region, text, stop in rows]

    def status_of(self, job_id: str) -> str | None:
        """The state of one job; None when it is unknown."""
        row = self._rows("SELECT status FROM job WHERE id = ?", (job_id,)).fetchone()
        return None if row is None else str(row[0])

    def child_states(self, parent_id: str) -> list[str]:
        """The states of an array's children, by index."""
        query = "SELECT status FROM job WHERE parent = ? ORDER BY number"
        return [str(status) for (status,) in self._rows(query, (parent_id,))]

    def active_shares(self, queue: str) -> set[str]:
        """The share identifiers of a queue's jobs that have not ended."""
        query = "SELECT DISTINCT share FROM job WHERE queue = ? AND parent IS NULL AND status NOT IN (?, ?)"
        return {str(share) for (share,) in self._rows(query, (queue, *TERMINAL)) if share is not None}

    def page(self, selection: Selection, after: int | None, limit: int) -> list[tuple[int, Document]]:
        """Selected jobs with their numbers, those after number `after` in the selection's order."""
        beyond, order = ("<", "DESC") if selection.newest_first else (">", "ASC")
        query = (
            f"SELECT number, document FROM job WHERE {selection.condition} "  # noqa: S608 - no value is in it
            f"AND (? IS NULL OR number {beyond} ?) ORDER BY number {order} LIMIT ?"
        )
        rows = self._rows(query, (*selection.values, after, after, limit))
        return [(number, orjson.loads(text)) for number, text in rows]

    def purge(self, before: int) -> int:
        """Forget jobs that ended before this time, children with their parent; how many."""
        with self._commits.joined(), self._commits.whole():
            gone = self._rows("DELETE FROM job WHERE stopped < ? AND parent IS NULL", (before,)).rowcount
            orphans = "DELETE FROM job WHERE stopped < ? AND parent IS NOT NULL AND parent NOT IN (SELECT id FROM job)"
            return gone + self._db.execute(orphans, (before,)).rowcount

    def count_by_status(self) -> dict[str, int]:
        """How many jobs are in each state, over all regions."""
        return dict(self._rows("SELECT status, count(*) FROM job GROUP BY status").fetchall())

    # Images.

    def put_image(self, region: str, repository: str, tag: str, document: Document) -> None:
        """Remember a push, to repeat it should ECR lose it."""
        row = (region, repository, tag, _text(document))
        self._db.execute("INSERT OR REPLACE INTO image VALUES (?, ?, ?, ?)", row)

    def images(self) -> list[Document]:
        """Every push."""
        return self._all("SELECT document FROM image")

    def _one(self, query: str, *values: object) -> Document | None:
        row = self._rows(query, values).fetchone()
        return None if row is None else dict(orjson.loads(row[0]))

    def _all(self, query: str, *values: object) -> list[Document]:
        return [orjson.loads(row[0]) for row in self._rows(query, values)]


def _prepare(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version != _VERSION and database.execute("SELECT count(*) FROM sqlite_schema").fetchone() != (0,):
        raise ValueError(f"it is of schema {version}, this version writes schema {_VERSION}")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")


def _text(document: Document) -> str:
    return orjson.dumps(document).decode()


def _new_row(job: Job) -> tuple[object, ...]:
    detail = job.detail
    definition = name_in(detail["jobDefinition"], "job-definition")
    searched = (detail["jobName"].lower(), definition, detail.get("shareIdentifier"), job.parent_id)
    return (job.id, job.region, job.queue, *searched, detail["createdAt"], *_state(job))


def _state(job: Job) -> tuple[object, ...]:
    # What a job that is being ended will say was promised to whoever ended it; it concerns this attempt only.
    stop = _text(job.stop) if job.stop is not None and job.status in UNDER_WAY else None
    return (job.status, job.detail.get("stoppedAt"), _text(job.detail), stop)

"""What is known on disk of services that run, so that the next run can tell its own from strangers and leftovers."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser import processes
from recloser.processes import Identity
from recloser.services.errors import NotStartedError
from recloser.services.group import ORPHAN_S
from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recloser.target import Service

MARK = "RECLOSER_SERVICE"
"""Variable that every process of a service has in its environment: the path of its record."""
_GUARDIAN_S = ORPHAN_S + 2.0
_GRACE_S = 0.2


class ServiceRecord(Value):
    """One running service; holds no secrets."""

    declaration: str
    """Digest of what was declared when it was started."""
    supervisor: Identity
    """The process that watches it."""
    guardian: Identity
    leader: Identity
    """The process that was started; it leads its own session."""
    listener: Identity | None = None
    """The process that listens on the port, once it answered; the leader where there is no port or nobody can tell."""
    port: int | None = None
    folder: str | None = None
    """What goes with it when it ends."""


def declaration_of(service: Service, folder: Path) -> str:
    """Digest of what is declared of a service, and where."""
    return hashlib.sha256(f"{folder}\n{service.model_dump_json()}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Records:
    """The records of the services of one target."""

    root: Path

    def create(self) -> None:
        """Make the folder, readable by its owner only.

        Raises:
            OSError: It cannot be made.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def mark(self, name: str) -> str:
        """What `MARK` says in the processes of a service."""
        return str(self._path(name))

    def names(self) -> list[str]:
        """The services that have a record."""
        return [path.stem for path in self.root.glob("*.json")]

    def read(self, name: str) -> ServiceRecord | None:
        """The record of a service; None where there is none that this version can read."""
        with contextlib.suppress(OSError, ValueError):
            return ServiceRecord.model_validate_json(self._path(name).read_bytes())
        return None

    def write(self, name: str, record: ServiceRecord) -> None:
        """Put a record in place in one step.

        Raises:
            OSError: It cannot be written.
        """
        path = self._path(name)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(record.model_dump_json())
        fresh.replace(path)

    def forget(self, name: str) -> None:
        """Remove the record of a service that is gone."""
        with contextlib.suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """Whether nobody else is starting this service right now; nobody will while this is held."""
        descriptor = os.open(self.root / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield _taken(descriptor)
        finally:
            os.close(descriptor)

    def _path(self, name: str) -> Path:
        return self.root / f"{name}.json"


def sweep(records: Records, name: str) -> None:
    """End what a run that is gone left of a service, remove its files, and forget it; others' are left alone.

    Call only while nobody else can start it.

    Raises:
        NotStartedError: Something of it does not end.
    """
    record = records.read(name)
    if record is None or processes.is_alive(record.supervisor):
        return
    if not end_members(record, records.mark(name)):
        raise NotStartedError(f"process {record.leader.pid} of an earlier run does not end: end it by hand")
    if record.folder is not None:
        shutil.rmtree(record.folder, ignore_errors=True)
    records.forget(name)


def end_members(record: ServiceRecord, mark: str) -> bool:
    """End all processes of a service: by its guardian, by its session, and by its environment.

    Returns:
        Whether nothing of it is left.
    """
    if processes.is_alive(record.guardian):
        processes.send([record.guardian.pid], signal.SIGTERM)
        processes.wait_until(lambda: not processes.is_alive(record.guardian), _GUARDIAN_S)
    return processes.end(lambda: _members(record, mark), grace_s=_GRACE_S)


def _members(record: ServiceRecord, mark: str) -> set[int]:
    marked = processes.with_variable(MARK, lambda value: value == mark)
    return {*processes.in_session(record.leader), *marked}


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

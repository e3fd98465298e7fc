"""The state folder: where everything a sandbox keeps lies, and who holds it.

It knows paths, locks and small files. It must not know AWS, jobs or processes' behaviour.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from recloser.processes import Identity
from recloser.sandbox.errors import SandboxError, StaleStateError
from recloser.values import Value

if TYPE_CHECKING:
    from pathlib import Path

V = TypeVar("V", bound=Value)


class Record(Value):
    """What a running daemon says about itself; it stays after the end so that ports are used again."""

    daemon: Identity
    ministack: Identity
    batch_port: int
    ministack_port: int
    version: str
    ministack_version: str

    @property
    def batch_url(self) -> str:
        """Where Batch is served."""
        return f"http://127.0.0.1:{self.batch_port}"

    @property
    def ministack_url(self) -> str:
        """Where everything else is served."""
        return f"http://127.0.0.1:{self.ministack_port}"


class AccessKey(Value):
    """The key of one identity."""

    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, slots=True)
class StateDir:
    """The folder of one sandbox."""

    root: Path

    @property
    def record(self) -> Path:
        """The daemon's `Record`."""
        return self.root / "sandbox.json"

    @property
    def log(self) -> Path:
        """Output of the daemon."""
        return self.root / "daemon.log"

    @property
    def ministack_log(self) -> Path:
        """Output of MiniStack."""
        return self.root / "ministack.log"

    @property
    def ministack(self) -> Path:
        """MiniStack's own state."""
        return self.root / "ministack"

    @property
    def operator(self) -> Path:
        """Access key of the user `recloser`."""
        return self.root / "operator.json"

    @property
    def token(self) -> Path:
        """Secret that opens the endpoint's own routes."""
        return self.root / "token"

    @property
    def database(self) -> Path:
        """Jobs, queues, definitions."""
        return self.root / "batch.sqlite"

    @property
    def faults(self) -> Path:
        """The faults in force."""
        return self.root / "faults.json"

    @property
    def attempts(self) -> Path:
        """One scratch folder for each running attempt."""
        return self.root / "attempts"

    @property
    def images(self) -> Path:
        """Snapshots of image contexts, by content."""
        return self.root / "images"

    @property
    def unclean(self) -> Path:
        """Present while MiniStack runs: found at start, MiniStack lost what it had not saved."""
        return self.root / "unclean"

    def create(self) -> None:
        """Make the folder, readable by its owner only."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.ministack, self.attempts, self.images):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise SandboxError(f"the state folder {self.root} cannot be made: {error}; choose another") from error

    def hold(self, name: str) -> int | None:
        """Take the lock `name` until the descriptor is closed or the process ends.

        Returns:
            The descriptor, or None while another process holds the lock.
        """
        descriptor = os.open(self.root / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def read(self, path: Path, kind: type[V]) -> V | None:
        """Read one small file; None when there is none.

        Raises:
            StaleStateError: The file is not what this version writes.
        """
        try:
            return kind.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise StaleStateError(path, "it is not what this version writes") from error

    def write(self, path: Path, value: Value) -> None:
        """Replace one small file at once, readable by its owner only."""
        replace_private(path, value.model_dump_json())

    def make_token(self) -> str:
        """Draw the secret of this run's own routes."""
        token = secrets.token_urlsafe(24)
        replace_private(self.token, token)
        return token


def replace_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 and put it in place in one step."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)

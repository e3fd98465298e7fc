"""What an attempt starts with: its folder, its environment, its program."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser.sandbox.processes import Identity
from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from recloser.sandbox.batch.model import Job
    from recloser.sandbox.images import Image

BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MARK = "RECLOSER_SANDBOX_ATTEMPT"


class NotStartableError(Exception):
    """The container could not be started; `code` is the exit code Docker reports."""

    def __init__(self, problem: str, code: int) -> None:
        super().__init__(problem)
        self.code = code


class Note(Value):
    """What must be known of a running attempt after the endpoint's death."""

    process: Identity
    token: str | None = None
    """What the job shows for the credentials of its role."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The scratch folder of an attempt, removed with it."""

    root: Path

    @property
    def work(self) -> Path:
        """The working folder and HOME: no `~/.aws` can shadow the job role."""
        return self.root / "work"

    @property
    def output(self) -> Path:
        """Where stdout and stderr go."""
        return self.root / "output"

    @property
    def exit(self) -> Path:
        """The exit code, written by the attempt's shell."""
        return self.root / "exit"

    @property
    def note(self) -> Path:
        """What a later endpoint must know of the attempt."""
        return self.root / "note.json"

    def create(self) -> None:
        """Make it."""
        self.root.mkdir()
        self.work.mkdir()

    def write_note(self, note: Note) -> None:
        """Write down what a later endpoint must know; before the command begins."""
        descriptor = os.open(self.note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, note.model_dump_json().encode())
        finally:
            os.close(descriptor)

    def read_note(self) -> Note | None:
        """What an earlier endpoint wrote; None when it did not get so far, or the folder is gone."""
        try:
            return Note.model_validate_json(self.note.read_bytes())
        except (OSError, ValueError):
            return None

    def remove(self) -> None:
        """Remove it with all the job left in it."""
        with contextlib.suppress(OSError):
            self.work.rmdir()  # most jobs leave nothing, and this is much quicker
            for file in (self.output, self.exit, self.note):
                file.unlink(missing_ok=True)
            self.root.rmdir()
            return
        shutil.rmtree(self.root, ignore_errors=True)


def job_environment(
    image: Image, job: Job, folder: Folder, base: Mapping[str, str], own: Mapping[str, str]
) -> dict[str, str]:
    """Build the environment; nothing is inherited. Later layers win: base, image, job, Batch's own."""
    asked = {item["name"]: item.get("value", "") for item in job.container["environment"]}
    return {
        **base,
        "PATH": f"{image.path}:{BASE_PATH}",
        "RECLOSER_SANDBOX_IMAGE": str(image.folder),
        **image.environment,
        **asked,
        "HOME": str(folder.work),
        MARK: str(folder.root),
        **own,
    }


def executable(words: Sequence[str], environment: Mapping[str, str], work: Path) -> str:
    """Find the program as the container runtime does.

    Raises:
        NotStartableError: There is no command, no such program, or it may not be executed.
    """
    if not words:
        raise NotStartableError("No command specified", 127)
    word = words[0]
    path = environment.get("PATH", "")
    found = shutil.which(str(work / word) if "/" in word else word, path=path)
    if found is not None:
        return found
    if "/" not in word:
        raise NotStartableError(f'exec: "{word}": executable file not found in $PATH', 127)
    if (work / word).exists():
        raise NotStartableError(f'exec: "{word}": permission denied', 126)
    raise NotStartableError(f'exec: "{word}": stat {word}: no such file or directory', 127)

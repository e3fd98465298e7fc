"""What an attempt starts with: its folder, its environment, its program."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from recloser.processes import Identity
from recloser.sandbox.batch import files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recloser.sandbox.batch.model import Job
    from recloser.sandbox.images import Image

BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MARK = "RECLOSER_SANDBOX_ATTEMPT"
_OUTPUT = ".output"
_RECORD = ".record"


class NotStartableError(Exception):
    """The container could not be started; `code` is the exit code Docker reports."""

    def __init__(self, problem: str, code: int) -> None:
        super().__init__(problem)
        self.code = code


@dataclass(frozen=True, slots=True)
class Note:
    """What must be known of a running attempt after the endpoint's death."""

    process: Identity
    group: str = ""
    """Its control group."""
    token: str | None = None
    """What the job shows for the credentials of its role."""


class Folder:
    """The scratch folder of an attempt with two files beside it, removed with it.

    Creating and removing folders is dear on most file systems, so there is one.
    """

    def __init__(self, root: Path) -> None:
        self.work = str(root)
        """The working folder and HOME: no `~/.aws` can shadow the job role."""
        self.output = f"{root}{_OUTPUT}"
        """Where stdout and stderr go."""
        self.record = f"{root}{_RECORD}"
        """The note, and the exit code that the attempt's shell appends."""

    def create(self) -> None:
        """Make it."""
        files.make_folder(self.work)

    def write_note(self, note: Note) -> None:
        """Write down what a later endpoint must know; before the command begins."""
        files.write(self.record, orjson.dumps(note) + b"\n")

    def read_note(self) -> Note | None:
        """What an earlier endpoint wrote; None when it did not get so far, or the folder is gone."""
        try:
            found = orjson.loads(files.read(self.record).partition(b"\n")[0])
            return Note(Identity(**found["process"]), found["group"], found["token"])
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def read_exit(self) -> int | None:
        """The exit code; None when the attempt's shell could not write it."""
        try:
            return int(files.read(self.record).partition(b"\n")[2])
        except (OSError, ValueError):
            return None

    @property
    def paths(self) -> tuple[str, ...]:
        """All there is to remove."""
        return (self.work, self.output, self.record)


def folders(attempts: Path) -> dict[str, Folder]:
    """The folders of attempts, whole or in part, by task id."""
    names = {path.name.removesuffix(_OUTPUT).removesuffix(_RECORD) for path in attempts.iterdir()}
    return {name: Folder(attempts / name) for name in names}


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
        "HOME": folder.work,
        MARK: folder.work,
        **own,
    }


def executable(words: Sequence[str], environment: Mapping[str, str], work: str) -> str:
    """Find the program as the container runtime does.

    Raises:
        NotStartableError: There is no command, no such program, or it may not be executed.
    """
    if not words:
        raise NotStartableError("No command specified", 127)
    word = words[0]
    place = str(Path(work, word)) if "/" in word else word
    found = shutil.which(place, path=environment.get("PATH", ""))
    if found is not None:
        return found
    if "/" not in word:
        raise NotStartableError(f'exec: "{word}": executable file not found in $PATH', 127)
    if Path(place).exists():
        raise NotStartableError(f'exec: "{word}": permission denied', 126)
    raise NotStartableError(f'exec: "{word}": stat {word}: no such file or directory', 127)

"""One attempt's process: its command, its environment, its folder, its start."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser.sandbox import processes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from recloser.sandbox.batch.model import Document, Job
    from recloser.sandbox.images import Image

BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MARK = "RECLOSER_SANDBOX_ATTEMPT"
# Enters the control group before it becomes the job, so that nothing of the job runs outside it.
_SHIM = 'if [ -n "$0" ]; then echo 0 > "$0"; fi; exec "$@"'
_SIGNALLED = 128


class NotStartableError(Exception):
    """The container could not be started; `code` is the exit code Docker reports."""

    def __init__(self, problem: str, code: int) -> None:
        super().__init__(problem)
        self.code = code


@dataclass(frozen=True, slots=True)
class Folder:
    """The scratch folder of an attempt, removed with it."""

    root: Path

    @property
    def home(self) -> Path:
        """HOME: no `~/.aws` can shadow the job role."""
        return self.root / "home"

    @property
    def work(self) -> Path:
        """The working folder."""
        return self.root / "work"

    @property
    def output(self) -> Path:
        """Where stdout and stderr go."""
        return self.root / "output"

    @property
    def process(self) -> Path:
        """Which process this is, for whoever cleans up after a crash."""
        return self.root / "process.json"

    def create(self) -> None:
        """Make it."""
        self.home.mkdir(parents=True)
        self.work.mkdir()
        self.output.touch()

    def remove(self) -> None:
        """Remove it with all the job left in it."""
        shutil.rmtree(self.root, ignore_errors=True)


def job_environment(image: Image, job: Job, folder: Folder, base: Mapping[str, str], own: Document) -> dict[str, str]:
    """Build the environment; nothing is inherited. Later layers win: base, image, job, Batch's own."""
    asked = {item["name"]: item.get("value", "") for item in job.container["environment"]}
    return {
        **base,
        "PATH": f"{image.path}:{BASE_PATH}",
        "RECLOSER_SANDBOX_IMAGE": str(image.folder),
        **image.environment,
        **asked,
        "HOME": str(folder.home),
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


@dataclass(slots=True)
class Process:
    """The running main process of an attempt, leader of its own session."""

    popen: subprocess.Popen[bytes]
    identity: processes.Identity

    @classmethod
    def start(cls, words: Sequence[str], environment: Mapping[str, str], folder: Folder, group: str) -> Process:
        """Start it with stdin closed and output to the folder's file.

        Raises:
            NotStartableError: The program is not there or cannot be executed.
        """
        program = executable(words, environment, folder.work)
        with folder.output.open("ab") as output:
            popen = subprocess.Popen(
                ["/bin/sh", "-c", _SHIM, group, program, *words[1:]],
                env=dict(environment),
                cwd=folder.work,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        identity = processes.identity(popen.pid) or processes.Identity(pid=popen.pid, started=-1)
        folder.process.write_text(identity.model_dump_json())
        return cls(popen, identity)

    async def ended(self) -> int:
        """Wait for the main process; its exit code as a shell shows it, 128 + n for signal n."""
        if not hasattr(os, "pidfd_open"):
            return _exit_code(await asyncio.to_thread(self.popen.wait))
        descriptor = os.pidfd_open(self.popen.pid)
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        loop.add_reader(descriptor, _resolve, done)
        try:
            await done
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
        return _exit_code(self.popen.wait())


def _resolve(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def _exit_code(code: int) -> int:
    return _SIGNALLED - code if code < 0 else code

"""The process of an attempt: a shell that outlives this endpoint runs the command and writes down how it ended.

The command begins only when it is told to, so whatever is recorded before that is certain: an attempt that was never
told has run nothing. The shell leads its own session, writes output and exit code to files, and is told apart by its
number and the kernel's start time; so a later endpoint can wait for it although it is not its child.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from recloser import processes
from recloser.processes import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recloser.sandbox.batch.launch import Folder

# Into the control group first, so that nothing of the job runs outside it. The end of the pipe without a word means
# that whoever starts jobs is gone. While the command runs, signals to the session are trapped, not ignored: ignoring
# would be inherited.
_SCRIPT = """\
trap 'exit 143' TERM; trap : INT HUP
{ [ -z "$0" ] || echo 0 > "$0"; } && read -r RECLOSER_SANDBOX_GO && cd "$1" && shift || exit 125
unset OLDPWD; trap : TERM; "$@" 2>&1 < /dev/null 3>&-; set -- $?; echo $1 >&3; exit $1"""
_SIGNALLED = 128
KILLED = _SIGNALLED + signal.SIGKILL
# Python ignores these two; a job must not inherit that.
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)


class Process(Protocol):
    """The main process of an attempt, leader of its own session."""

    @property
    def identity(self) -> Identity:
        """Which process it is."""

    def is_alive(self) -> bool:
        """Whether it has not ended."""

    async def ended(self) -> int | None:
        """Wait for its end; the exit code as a shell shows it, None when nobody knows it."""

    def close(self) -> None:
        """Let go of it, ended or not."""


@dataclass(slots=True)
class Started:
    """A process this endpoint started."""

    identity: Identity
    _gate: int
    _code: int | None = field(default=None)

    @classmethod
    def start(cls, command: Sequence[str], environment: Mapping[str, str], folder: Folder, group: str) -> Started:
        """Start the shell; the command waits for `begin`.

        Args:
            command: An existing program's path and its arguments.
            environment: All the job will see.
            folder: Its folder, for output and exit code.
            group: The file to enter a control group by, or nothing.
        """
        reading, gate = os.pipe()
        try:
            pid = os.posix_spawn(
                "/bin/sh",
                ["/bin/sh", "-c", _SCRIPT, group, folder.work, *command],
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, reading, 0),
                    (os.POSIX_SPAWN_OPEN, 1, folder.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 3, folder.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                ],
                setsid=True,
                setsigdef=_DEFAULT_SIGNALS,
            )
        except BaseException:
            os.close(gate)
            raise
        finally:
            os.close(reading)
        return cls(processes.identity(pid) or Identity(pid=pid, started=-1), gate)

    def begin(self) -> None:
        """Let the command run; whatever must be known of it is on disk."""
        with contextlib.suppress(BrokenPipeError):  # it was killed
            os.write(self._gate, b"\n")
        self._shut()

    def _shut(self) -> None:
        if self._gate >= 0:
            os.close(self._gate)
            self._gate = -1

    def is_alive(self) -> bool:
        """Whether it has not ended; nobody is asked once that is known."""
        return self._code is None and processes.is_alive(self.identity)

    async def ended(self) -> int:
        """Wait for its end; 128 + n for signal n."""
        await processes.child_gone(self.identity)
        _, status = os.waitpid(self.identity.pid, 0)  # noqa: ASYNC222 - it has ended
        code = os.waitstatus_to_exitcode(status)
        self._code = _SIGNALLED - code if code < 0 else code
        return self._code

    def close(self) -> None:
        """Let go of it; one that was never told to begin ends by itself."""
        self._shut()
        if self._code is None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.identity.pid, os.WNOHANG)


@dataclass(frozen=True, slots=True)
class Adopted:
    """A process an earlier endpoint started."""

    identity: Identity
    folder: Folder

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return processes.is_alive(self.identity)

    async def ended(self) -> int | None:
        """Wait for its end; None when it could not write down its exit code: it was killed, or the host with it."""
        await processes.gone(self.identity)
        return self.folder.read_exit()

    def close(self) -> None:
        """Nothing is held."""

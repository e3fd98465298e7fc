"""One run of a command, which nothing of it outlives: neither what is in its session nor what has left that."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from recloser.processes import Identity, end, has_ended, identity, in_session, own_name, send, with_variable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

_LAUNCHER = Path(__file__).with_name("launcher.py")
_MARK = "_RECLOSER_RUN"
"""Variable by which a daemon is found that a test has started: it is in no session of ours."""
_HEAD_BYTES = 64 * 1024
_TAIL_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
GRACE_S = 5.0
"""How long a run may take to clean up after itself once it is told to end."""


class Process:
    """A command that runs; leaving the context ends whatever is left of it."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        """Start it.

        Raises:
            OSError: Its folder cannot be entered, or there is no memory for another process.
        """
        self._mark = f"{own_name()}/{secrets.token_hex(8)}"
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *command],
            cwd=folder,
            env={**environment, _MARK: self._mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._leader = identity(self._process.pid) or Identity(self._process.pid, 0)
        self._over = threading.Event()
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, daemon=True).start()

    def __enter__(self) -> Self:
        """Nothing is left to be done."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Kill what the run has left behind, however it ended."""
        self.kill()
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()

    def wait(self, timeout_s: float) -> bool:
        """Whether it has ended; waits for that for at most so long."""
        return self._over.wait(timeout_s)

    @property
    def exit_code(self) -> int | None:
        """Negative of a signal that ended it; None while it runs."""
        return self._process.returncode

    def interrupt(self) -> None:
        """Tell it to end, as Ctrl-C would, and wait until it has cleaned up after itself or the grace is over."""
        send([self._process.pid] if not self._over.is_set() else [], signal.SIGINT)
        self._over.wait(GRACE_S)
        self.kill()

    def kill(self) -> None:
        """End everything that it has started."""
        end(self._members, grace_s=0)
        self._over.wait(GRACE_S)
        self._reader.join(GRACE_S)

    def _members(self) -> set[int]:
        marked = with_variable(_MARK, lambda value: value == self._mark)
        return {*in_session(self._leader), *marked}

    @property
    def output(self) -> str:
        """What it printed: the beginning and the end of it."""
        tail = b"".join(self._tail)[-_TAIL_BYTES:]
        return (bytes(self._head) + tail).decode("utf-8", "replace")

    def _wait(self) -> None:
        self._process.wait()
        self._over.set()

    def _read(self, stream: IO[bytes]) -> None:
        while chunk := stream.read1(_CHUNK_BYTES):  # type: ignore[attr-defined]  # a pipe is buffered
            room = _HEAD_BYTES - len(self._head)
            self._head += chunk[:room]
            self._keep(chunk[room:] if room > 0 else chunk)

    def _keep(self, chunk: bytes) -> None:
        self._tail.append(chunk)
        self._tail_bytes += len(chunk)
        while self._tail_bytes - len(self._tail[0]) > _TAIL_BYTES:
            self._tail_bytes -= len(self._tail.popleft())


def sweep() -> None:
    """End what the tests of a killed run have left: a daemon outlives its session, and nobody else knows of it."""
    end(lambda: with_variable(_MARK, lambda mark: has_ended(mark.partition("/")[0])), grace_s=0)

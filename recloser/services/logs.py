"""What a service prints: redacted, in a file of bounded size, and its last lines at hand."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from recloser.redaction import shown

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.redaction import Redactor

MOST_BYTES = 4 * 2**20
"""Of the file, and of the one before it; older lines are lost."""
_TAIL_LINES = 40
_TAIL_CHARACTERS = 8_000
_MOST_OF_A_LINE = 16_384


class ServiceLog:
    """The output of one service over all its starts; a full disk loses lines, never the service."""

    def __init__(self, path: Path, redact: Redactor, *, most_bytes: int = MOST_BYTES) -> None:
        """Begin anew; what an earlier run left at the path becomes `NAME.1`.

        Args:
            path: The file.
            redact: Takes secrets out.
            most_bytes: Size at which the file becomes `NAME.1` and another is begun.

        Raises:
            OSError: The file cannot be made.
        """
        self.path = path
        self._redact = redact
        self._most_bytes = most_bytes
        self._rest = b""
        self._size = 0
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._lock = threading.Lock()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._turn()

    def take(self, chunk: bytes) -> None:
        """Take in a piece of output; lines are told apart only now, and a long one is cut."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _MOST_OF_A_LINE:
            lines, self._rest = [*lines, self._rest], b""
        self._keep([shown(line.decode(errors="replace"), self._redact) for line in lines])

    def end(self) -> None:
        """One start of the service is over: its last line may lack an end."""
        rest, self._rest = self._rest, b""
        if rest:
            self.take(rest + b"\n")

    def note(self, text: str) -> None:
        """A line of our own."""
        self._keep([f"-- {text}"])

    def tail(self) -> str:
        """The last lines."""
        with self._lock:
            return "\n".join(self._tail)[-_TAIL_CHARACTERS:]

    def _keep(self, lines: list[str]) -> None:
        if not lines:
            return
        with self._lock:
            self._tail.extend(lines)
            try:
                self._write("\n".join(lines) + "\n")
            except OSError as error:
                self._tail.append(f"-- {self.path} cannot be written: {error.strerror}")

    def _write(self, text: str) -> None:
        data = text.encode()
        if self._size + len(data) > self._most_bytes:
            self._turn()
        with self.path.open("ab") as file:
            self._size += file.write(data[-self._most_bytes :])

    def _turn(self) -> None:
        if self.path.exists():
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self.path.touch(mode=0o600)
        self._size = 0

"""Events as JSON lines, one file for each process, each line one write: what was written survives any death."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 32 * 1024
TAIL = 64 * 1024
"""Characters kept of the beginning and the end of a long text; the runner, who takes secrets out, cuts further."""


class Journal:
    """One process' file of events."""

    def __init__(self, folder: Path, role: str) -> None:
        """Open it; processes do not share one."""
        self._pid = os.getpid()
        name = folder / f"events-{role}-{self._pid}.jsonl"
        self._file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._encode = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode

    def write(self, event: str, **facts: Any) -> None:
        """Append an event; a child that a test forked is not heard."""
        if os.getpid() != self._pid:
            return
        facts["e"] = event
        rest = memoryview((self._encode(facts) + "\n").encode())
        while rest:
            rest = rest[os.write(self._file, rest) :]


def bounded(text: object) -> str:
    """The text, or its head and tail in whole lines, so that no secret is cut in two."""
    text = str(text)
    if len(text) <= HEAD + TAIL:
        return text
    head, tail = text[:HEAD], text[-TAIL:]
    head = head[: head.rfind("\n") + 1] or head
    tail = tail[tail.find("\n") + 1 :] or tail
    return f"{head}\n[… {len(text) - len(head) - len(tail)} characters …]\n{tail}"

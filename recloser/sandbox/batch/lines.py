"""Bytes of a job's output to log events inside CloudWatch's limits; no input or output of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_EVENT_BYTES = 262_144 - 26
MAX_BATCH_BYTES = 1_048_576
MAX_BATCH_EVENTS = 1_000
_EVENT_OVERHEAD = 26


class Lines:
    """Cuts a stream of bytes into messages; holds no more than one unfinished line of bounded length."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def unfinished(self) -> bool:
        """Whether it holds the beginning of a line."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[str]:
        """The messages that are complete with this piece."""
        *whole, rest = (self._rest + data).split(b"\n")
        messages = [message for line in whole for message in messages_of(line)]
        while len(rest) > MAX_EVENT_BYTES:
            head, rest = rest[:MAX_EVENT_BYTES], rest[MAX_EVENT_BYTES:]
            cut = _whole_characters(head)
            messages += messages_of(head[:cut])
            rest = head[cut:] + rest
        self._rest = rest
        return messages

    def finish(self) -> list[str]:
        """What was left without a line end."""
        rest, self._rest = self._rest, b""
        return list(messages_of(rest))


def messages_of(line: bytes) -> Iterator[str]:
    """One line as messages: invalid UTF-8 replaced, too long ones split between characters, empty ones dropped."""
    data = line.decode(errors="replace").encode()
    while data:
        cut = len(data) if len(data) <= MAX_EVENT_BYTES else _whole_characters(data[:MAX_EVENT_BYTES])
        yield data[:cut].decode()
        data = data[cut:]


def _whole_characters(data: bytes) -> int:
    # a character has at most four bytes; what is no character at all is cut anywhere
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:  # noqa: PLR2004 - ASCII
            return len(data)
        if byte >= 0xC0:  # noqa: PLR2004 - first byte of a character
            length = 2 + (byte >= 0xE0) + (byte >= 0xF0)  # noqa: PLR2004
            return len(data) if length == back else len(data) - back
    return len(data)


def batches(messages: Iterable[str]) -> Iterator[list[str]]:
    """Group messages into calls of PutLogEvents."""
    batch: list[str] = []
    size = 0
    for message in messages:
        cost = len(message.encode()) + _EVENT_OVERHEAD
        if batch and (size + cost > MAX_BATCH_BYTES or len(batch) == MAX_BATCH_EVENTS):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += cost
    if batch:
        yield batch

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
        messages = [message for line in whole for message in _messages_of(line)]
        # Cut as the whole line would be: the messages must not depend on how the bytes were read.
        while len(rest) > MAX_EVENT_BYTES:
            head, rest = _split(rest)
            messages += _messages_of_piece(head)
        self._rest = rest
        return messages

    def finish(self) -> list[str]:
        """What was left without a line end."""
        rest, self._rest = self._rest, b""
        return list(_messages_of(rest))


def _messages_of(line: bytes) -> Iterator[str]:
    """One line as messages: invalid UTF-8 replaced, too long ones split between characters, empty ones dropped."""
    while len(line) > MAX_EVENT_BYTES:
        head, line = _split(line)
        yield from _messages_of_piece(head)
    yield from _messages_of_piece(line)


def _messages_of_piece(piece: bytes) -> Iterator[str]:
    data = piece.decode(errors="replace").encode()  # it may have grown
    while data:
        head, data = _split(data)
        yield head.decode()


def _split(data: bytes) -> tuple[bytes, bytes]:
    cut = len(data) if len(data) <= MAX_EVENT_BYTES else _whole_characters(data[:MAX_EVENT_BYTES])
    return data[:cut], data[cut:]


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

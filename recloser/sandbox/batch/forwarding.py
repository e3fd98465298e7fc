"""Requests handed on to MiniStack byte for byte: a signature is good only for what was signed."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIMEOUT_S: Final = 10.0
_KEPT: Final = 16
# They describe the connection, not the request.
_OWN: Final = frozenset({b"connection", b"content-length", b"transfer-encoding", b"expect", b"keep-alive"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def exchange(self, message: bytes) -> Answer:
        self._writer.write(message)
        await self._writer.drain()
        head = await self._reader.readuntil(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in lines if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        body = await self._reader.readexactly(int(headers["content-length"]))
        return Answer(int(status.split(" ", 2)[1]), headers, body)

    def close(self) -> None:
        self._writer.close()


class Forwarder:
    """Connections to one server, kept open between requests; used from the event loop."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._idle: list[_Connection] = []

    async def send(self, method: str, target: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Answer:
        """Send a request as it is and wait for the answer.

        Args:
            method: HTTP method.
            target: Raw path with query.
            headers: All of the original's; those of its connection are replaced.
            body: The whole body.

        Raises:
            OSError: The server is away or says what cannot be read.
        """
        kept = [name + b": " + value for name, value in headers if name.lower() not in _OWN]
        lines = [method.encode() + b" " + target + b" HTTP/1.1", *kept, b"content-length: %d" % len(body)]
        message = b"\r\n".join(lines) + b"\r\n\r\n" + body
        # the server may have closed an idle connection meanwhile
        with contextlib.suppress(OSError):
            if self._idle:
                return await self._exchange(self._idle.pop(), message)
        return await self._exchange(await self._open(), message)

    async def _open(self) -> _Connection:
        async with asyncio.timeout(_TIMEOUT_S):
            return _Connection(*await asyncio.open_connection(self._host, self._port))

    async def _exchange(self, connection: _Connection, message: bytes) -> Answer:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await connection.exchange(message)
        except BaseException as error:
            connection.close()
            if isinstance(error, (EOFError, ValueError, KeyError, IndexError, asyncio.LimitOverrunError)):
                raise OSError(f"no HTTP answer from {self._host}:{self._port}: {error!r}") from error
            raise
        if len(self._idle) < _KEPT and answer.headers.get("connection", "").lower() != "close":
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Close every connection."""
        while self._idle:
            self._idle.pop().close()

"""HTTP connections to MiniStack, kept open between requests: bytes out, an answer in, no thread."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_TIMEOUT_S: Final = 10.0
# Shorter than the server's patience with an idle connection.
_IDLE_S: Final = 2.0
_MAX_HEAD: Final = 65_536
_MAX_IDLE: Final = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connections:
    """Connections to one server; used from one event loop."""

    def __init__(self, endpoint: str) -> None:
        address = urlsplit(endpoint)
        self.host, self.port = str(address.hostname), int(address.port or 80)
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def exchange(self, request: bytes) -> Answer:
        """Send a request and read the answer; nothing is repeated.

        Raises:
            OSError: No answer, or none that can be read; the request may have been carried out.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._exchange(request)
        except (EOFError, ValueError, LookupError, asyncio.LimitOverrunError) as error:
            raise OSError(f"no HTTP answer: {error!r}") from error

    async def _exchange(self, request: bytes) -> Answer:
        reader, writer = await self._connection()
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            answer = Answer(int(first.split(" ")[1]), headers, await reader.readexactly(int(headers["content-length"])))
        except BaseException:
            writer.close()
            raise
        if headers.get("connection", "").lower() == "close" or len(self._idle) >= _MAX_IDLE:
            writer.close()
        else:
            self._idle.append((time.monotonic(), reader, writer))
        return answer

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            since, reader, writer = self._idle.pop()
            if time.monotonic() - since < _IDLE_S and not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self.host, self.port, limit=_MAX_HEAD)

    async def close(self) -> None:
        """Close every connection."""
        while self._idle:
            _, _, writer = self._idle.pop()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

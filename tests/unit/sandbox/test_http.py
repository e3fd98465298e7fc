"""An answer leaves whole."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from recloser.sandbox.http import Gathering


class FakeTransport:
    """Remembers what it was asked to send."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def test_what_is_written_in_one_turn_is_sent_at_once() -> None:
    """Head and body are one send; the next turn's are another; everything else is the transport's own."""
    transport = FakeTransport()

    async def write() -> None:
        gathering = Gathering(cast("Any", transport))
        gathering.write(b"head ")
        gathering.write(b"body")
        assert transport.sent == []
        await asyncio.sleep(0)
        gathering.write(b"next")
        assert transport.sent == [b"head body"]
        gathering.close()
        assert gathering.closed
        gathering.write(b"too late")
        await asyncio.sleep(0)

    asyncio.run(write())
    assert (transport.sent, transport.closed) == ([b"head body", b"next"], True)

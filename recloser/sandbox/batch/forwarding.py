"""Requests handed on to MiniStack byte for byte: a signature is good only for what was signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.requests import Request

    from recloser.sandbox.connections import Answer, Connections

# They describe the connection, not the request.
_OWN: Final = frozenset({b"connection", b"content-length", b"transfer-encoding", b"expect", b"keep-alive"})


async def hand_on(connections: Connections, request: Request) -> Answer:
    """Send a request as it came, with its original Host, and wait for the answer.

    Raises:
        OSError: No answer.
    """
    message = _message(request, await request.body())
    try:
        return await connections.exchange(message)
    except OSError:
        return await connections.exchange(message)  # the kept connection was dead; nothing is done twice by asking


def _message(request: Request, body: bytes) -> bytes:
    query = request.scope["query_string"]
    target = request.scope["raw_path"] + (b"?" + query if query else b"")
    kept = [name + b": " + value for name, value in request.headers.raw if name.lower() not in _OWN]
    first = request.method.encode() + b" " + target + b" HTTP/1.1"
    return b"\r\n".join([first, *kept, b"content-length: %d" % len(body), b"", body])

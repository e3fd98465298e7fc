"""Free ports of the loopback."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"


def listen(preferred: int | None = None) -> socket.socket:
    """Bind a socket to the preferred port, or to any free one when that is taken."""
    for port in (preferred or 0, 0):
        # asyncio sends without delay only on sockets that say they are TCP
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((LOOPBACK, port))
        except OSError:
            server.close()
        else:
            return server
    raise OSError(f"no port of {LOOPBACK} could be bound")


def free_port(preferred: int | None = None) -> int:
    """Name a port nobody listens on: the preferred one if possible."""
    with listen(preferred) as server:
        return int(server.getsockname()[1])

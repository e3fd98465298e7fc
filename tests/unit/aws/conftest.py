"""Fixtures of the AWS room's unit tests."""

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from tests.unit.aws.wire import Wire, handler_on


class QuietServer(ThreadingHTTPServer):
    """A client that hangs up early is part of some tests."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """The wire, on a free loopback port."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    wire = Wire()
    server = QuietServer(("127.0.0.1", 0), handler_on(wire))
    wire.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield wire
    server.shutdown()
    server.server_close()
    thread.join()

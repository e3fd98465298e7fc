"""What a probe makes of the answers there are, and of those that never come."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from recloser.services.probe import Answer, ask_http, ask_postgresql, ask_tcp

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_S = 0.2
PATIENCE_S = 10.0
NO_OBJECT = Answer(up=False, said="GET /up is answered with what is no JSON object")


@contextmanager
def answering(said: bytes | None) -> Iterator[int]:
    """A port that answers every connection with these bytes, or stays silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        talks: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    talk, _ = server.accept()
                except OSError:
                    return
                talks.append(talk)
                if said is not None:
                    talk.recv(65_536)
                    talk.sendall(said)
                    talk.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_S)
        for talk in talks:
            talk.close()


def http(status: str, body: str) -> bytes:
    """An answer as a server writes it."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("said", "expect", "answer"),
    [
        (http("200 OK", ""), {}, Answer(up=True)),
        (http("302 Found", ""), {}, Answer(up=True)),
        (http("503 Gone", "{}"), {}, Answer(up=False, said="GET /up is answered 503")),
        (http("200 OK", '{"status": "ok", "ready": true, "n": 3}'), {"ready": "true", "n": "3"}, Answer(up=True)),
        (
            http("200 OK", '{"status": "degraded"}'),
            {"status": "ok"},
            Answer(up=False, said="GET /up says status = degraded, expected ok"),
        ),
        (
            http("200 OK", "{}"),
            {"status": "null"},
            Answer(up=False, said="GET /up says status = null, expected null"),
        ),
        (
            http("200 OK", "[]"),
            {"status": "ok"},
            Answer(up=False, said="GET /up is answered with what is no JSON object"),
        ),
        (
            http("200 OK", "{"),
            {"status": "ok"},
            Answer(up=False, said="GET /up is answered with what is no JSON object"),
        ),
    ],
)
def test_an_answer_over_http_is_judged(said: bytes, expect: dict[str, str], answer: Answer) -> None:
    """By its status, and by the fields of its JSON where any are expected."""
    with answering(said) as port:
        assert ask_http("127.0.0.1", port, "/up", expect, PATIENCE_S) == answer


@pytest.mark.parametrize("said", [None, b"", b"SSH-2.0-what\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_what_is_no_answer_over_http_is_a_miss(said: bytes | None) -> None:
    """Silence, an end, another protocol, half an answer."""
    with answering(said) as port:
        answer = ask_http("127.0.0.1", port, "/up", {"status": "ok"}, LIMIT_S)
    assert (answer.up, answer.came) == (False, False)
    assert answer.said


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"R\0\0\0\x08\0\0\0\x0a", Answer(up=True)),
        (b"E\0\0\0\x20SFATAL\0C57P03\0\0", Answer(up=False, said="SFATAL C57P03  ")),
        (b"", Answer(up=False, said="", came=False)),
    ],
)
def test_a_database_takes_sessions_or_says_why_not(said: bytes, answer: Answer) -> None:
    """A demand for a password is enough; that it still starts is not."""
    with answering(said) as port:
        assert ask_postgresql("127.0.0.1", port, "me", PATIENCE_S) == answer


def test_a_port_that_takes_connections_is_up() -> None:
    """Until nobody listens there any more."""
    with answering(None) as port:
        assert ask_tcp("127.0.0.1", port, PATIENCE_S).up
        assert not ask_postgresql("127.0.0.1", port, "me", LIMIT_S).came
    assert ask_tcp("127.0.0.1", port, PATIENCE_S).came is False

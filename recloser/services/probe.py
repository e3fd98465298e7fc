"""Is a service up? Each probe asks once, within a time limit, and says what it saw."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser.services.errors import NotStartedError
from recloser.services.group import Group, Launch
from recloser.services.ports import takes_connections

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_BYTES = 2**20
_SHOWN = 200
_BAD = 400
_PROTOCOL_3_0 = 196_608


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question brought."""

    up: bool
    said: str = ""
    """Why it is not up; unredacted words of the service may be in it."""
    came: bool = True
    """Whether there was any answer."""


Probe = Callable[[], Answer]


def ask_http(host: str, port: int, path: str, expect: Mapping[str, str], timeout_s: float) -> Answer:
    """GET a path: a status below 400, and JSON with these fields where any are expected."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers={"Connection": "close", "Accept": "application/json, */*"})
        response = connection.getresponse()
        body = _read(response, time.monotonic() + timeout_s) if expect else b""
    except TimeoutError:
        return Answer(up=False, said=f"no answer to GET {path} within {timeout_s:g} s", came=False)
    except (OSError, http.client.HTTPException) as error:
        return Answer(up=False, said=f"GET {path}: {error or type(error).__name__}", came=False)
    finally:
        connection.close()
    if response.status >= _BAD:
        return Answer(up=False, said=f"GET {path} is answered {response.status}")
    return _judged(path, body, expect)


def ask_tcp(host: str, port: int, timeout_s: float) -> Answer:
    """Whether the port takes a connection."""
    try:
        up = takes_connections(host, port, timeout_s)
    except OSError as error:
        return Answer(up=False, said=f"port {port}: {error}", came=False)
    return Answer(up=up, came=up)


def ask_postgresql(host: str, port: int, user: str, timeout_s: float) -> Answer:
    """Whether a PostgreSQL takes sessions: the first message of its protocol, answered by a demand for a password.

    A port that takes connections is not enough: it does so while the server recovers from a crash.
    """
    words = b"".join(word.encode() + b"\0" for word in ("user", user, "database", "postgres", ""))
    try:
        with socket.create_connection((host, port), timeout_s) as talk:
            talk.sendall(struct.pack("!ii", len(words) + 8, _PROTOCOL_3_0) + words)
            answer = talk.recv(_SHOWN)
    except OSError as error:
        return Answer(up=False, said=f"port {port}: {error}", came=False)
    if answer[:1] == b"R":
        return Answer(up=True)
    return Answer(up=False, said=answer[5:].replace(b"\0", b" ").decode(errors="replace"), came=bool(answer))


def ask_command(launch: Launch, timeout_s: float) -> Answer:
    """Whether a command ends with exit code 0; what it started is gone afterwards."""
    said: list[bytes] = []
    try:
        with Group(launch, said.append) as group:
            deadline = time.monotonic() + timeout_s
            while not group.has_ended and time.monotonic() < deadline:
                group.hear(max(0.0, deadline - time.monotonic()))
    except NotStartedError as error:
        return Answer(up=False, said=str(error), came=False)
    if group.code == 0:
        return Answer(up=True)
    last = b"".join(said)[-_SHOWN:].decode(errors="replace").strip()
    if not group.has_ended or group.code is None:
        return Answer(up=False, said=f"{launch.command[0]} did not end within {timeout_s:g} s", came=False)
    return Answer(up=False, said=f"{launch.command[0]} ended with exit code {group.code}: {last}".rstrip(": "))


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    body = b""
    while chunk := response.read1(_MOST_BYTES):
        body += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
        if len(body) > _MOST_BYTES:
            return body
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    return body


def _judged(path: str, body: bytes, expect: Mapping[str, str]) -> Answer:
    if not expect:
        return Answer(up=True)
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return Answer(up=False, said=f"GET {path} is answered with what is no JSON object")
    for name, wanted in expect.items():
        found = document.get(name)
        word = found if isinstance(found, str) else json.dumps(found)
        if name not in document or word != wanted:
            return Answer(up=False, said=f"GET {path} says {name} = {word[:_SHOWN]}, expected {wanted}")
    return Answer(up=True)

"""An HTTP server on loopback whose answers can be spoilt, one request after the other."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    """JSON or form fields; None without a body."""


@dataclass(frozen=True)
class Answer:
    """What it is told."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """How one request is spoilt: `before` the server does what was asked, or after."""

    kind: str
    """`answer`, `close`, `hang`, `call`."""
    before: bool = True
    answer: Answer = Answer()
    call: Callable[[], object] = lambda: None
    """What else happens at this moment; with `call`, the request goes on."""


class FakeServer:
    """Keeps what it was asked; a subclass says what it answers."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.faults: deque[Fault | None] = deque()
        """One for each request to come; None leaves it alone."""
        self.down: Fault | None = None
        """Spoils every request as long as it is set."""
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: Request) -> Answer:
        """What a well-behaved server of its kind says."""
        raise NotImplementedError

    def handle(self, request: Request) -> Answer | None:
        """Answer, or None to close the connection."""
        with self._lock:
            self.requests.append(request)
            fault = self.down or (self.faults.popleft() if self.faults else None)
            if fault is None:
                return self.answer(request)
            if fault.before:
                return self._spoilt(fault, None, request)
            return self._spoilt(fault, self.answer(request), request)

    def _spoilt(self, fault: Fault, answer: Answer | None, request: Request) -> Answer | None:
        fault.call()
        match fault.kind:
            case "answer":
                return fault.answer
            case "call":
                return answer or self.answer(request)
            case "hang":
                self._lock.release()
                self._over.wait()
                self._lock.acquire()
        return None


class _Server(ThreadingHTTPServer):
    disable_nagle_algorithm = True
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error of the server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    fake: ClassVar[FakeServer]

    def do_any(self) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = _read(raw, headers.get("content-type", ""))
        request = Request(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
        answer = self.fake.handle(request)
        if answer is None:
            self.close_connection = True
            self.connection.close()
            return
        said = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        kind = "text/html" if isinstance(answer.body, bytes) else "application/json"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(said)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)
        self.wfile.flush()

    do_GET = do_POST = do_PATCH = do_PUT = do_any  # noqa: N815 - names the base class asks for

    def log_message(self, *_: object) -> None:
        """Be quiet."""


def _read(raw: bytes, kind: str) -> Any:
    if not raw:
        return None
    if "json" in kind:
        return json.loads(raw)
    return dict(parse_qsl(raw.decode()))

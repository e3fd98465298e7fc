"""A wire that answers what a test tells it to: real boto3 clients, no AWS, no patched methods."""

import functools
import json
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import boto3
from botocore.config import Config

_session = functools.cache(boto3.session.Session)  # loading the service models anew takes a third of a second


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    method: str
    path: str
    target: str
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass
class Wire:
    """Answers in the order given, the last one again and again, and keeps what was asked."""

    requests: list[Request] = field(default_factory=list)
    answers: deque[tuple[int, bytes, dict[str, str]]] = field(default_factory=deque)
    url: str = ""

    def answer(self, body: object = None, *, status: int = 200, **headers: str) -> None:
        """Queue an answer: text and bytes as they are, anything else as JSON."""
        raw = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, raw, {name.replace("_", "-"): value for name, value in headers.items()}))

    def refuse(self, code: str, message: str = "", *, status: int = 400) -> None:
        """Queue an error in the form JSON services use."""
        self.answer({"__type": code, "message": message}, status=status, x_amzn_errortype=code)

    def next_answer(self, request: Request) -> tuple[int, bytes, dict[str, str]]:
        """Note a request and take its answer."""
        self.requests.append(request)
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]

    def client(self, service: str) -> Any:
        """A boto3 client on this wire that asks once."""
        return _session().client(  # type: ignore[call-overload]
            service,
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=5),
        )


def handler_on(wire: Wire) -> type[BaseHTTPRequestHandler]:
    """The HTTP side of a wire."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet per answer

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            target = self.headers.get("X-Amz-Target", "")
            status, answer, headers = wire.next_answer(Request(self.command, self.path, target, body))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler

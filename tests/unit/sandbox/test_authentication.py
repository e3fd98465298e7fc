"""A signed request is handed on unchanged, and the answer tells who signed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.requests import Request

from recloser.sandbox.batch.authentication import Authentication, Signature, signature_of
from recloser.sandbox.batch.model import BatchError
from recloser.sandbox.connections import Answer

USER = "arn:aws:iam::000000000000:user/people/ann"
SCOPE = "AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/batch/aws4_request, SignedHeaders=host, Signature=0"
UNSERVED = Answer(400, {}, b'{"error": "Unsupported service: batch"}')


class FakeConnections:
    """Answers what it is told to, in order."""

    def __init__(self, *answers: Answer | OSError) -> None:
        self.messages: list[bytes] = []
        self._answers = list(answers)

    async def exchange(self, message: bytes) -> Answer:
        """The next answer."""
        self.messages.append(message)
        answer = self._answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer


class FakeCredentials:
    """Gave out one session."""

    def principal(self, key: str) -> str | None:
        """Whose it is."""
        return "arn:aws:sts::000000000000:assumed-role/job/task" if key == "ASIAOWN" else None


def refused(code: str, message: str, status: int = 403) -> Answer:
    """An error of MiniStack's."""
    return Answer(status, {"x-amzn-errortype": code}, json.dumps({"message": message}).encode())


def ask(connections: FakeConnections, key: str = "ASIAX", body: bytes = b"{}") -> str | None:
    """Who signed a request."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/tags/arn:aws",
        "raw_path": b"/v1/tags/arn%3Aaws",
        "query_string": b"tagKeys=a%20b",
        "headers": [(b"host", b"127.0.0.1:1"), (b"connection", b"close"), (b"x-amz-date", b"now")],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    parts: Any = (connections, None, FakeCredentials())
    return asyncio.run(Authentication(*parts).caller(Request(scope, receive), Signature(key, "us-east-1")))


def test_the_request_goes_on_byte_for_byte() -> None:
    """Raw path, query, headers and body are as they came; only the connection is another."""
    connections = FakeConnections(UNSERVED)
    ask(connections, body=b'{"a": 1}')
    expected = (
        b"POST /v1/tags/arn%3Aaws?tagKeys=a%20b HTTP/1.1\r\nhost: 127.0.0.1:1\r\nx-amz-date: now\r\n"
        b'content-length: 8\r\n\r\n{"a": 1}'
    )
    assert connections.messages == [expected]


def test_the_answer_tells_who_it_is() -> None:
    """A refusal names the caller; else our own sessions are known, and others are not."""
    denied = refused("AccessDeniedException", f"User: {USER} is not authorized to perform: batch:DescribeJobs")
    assert ask(FakeConnections(denied)) == USER
    assert ask(FakeConnections(UNSERVED), "ASIAOWN") == "arn:aws:sts::000000000000:assumed-role/job/task"
    assert ask(FakeConnections(UNSERVED)) is None


def test_a_dead_connection_is_tried_once_more() -> None:
    """A kept connection may have died; a server that is away is said to be away."""
    assert ask(FakeConnections(OSError("reset"), UNSERVED)) is None
    with pytest.raises(BatchError, match="away") as caught:
        ask(FakeConnections(OSError("reset"), OSError("refused")))
    assert (caught.value.code, caught.value.status) == ("ServerException", 500)


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        (refused("InvalidSignatureException", "no"), "InvalidSignatureException", 403),
        (refused("AccessDeniedException", "names nobody"), "AccessDeniedException", 403),
        (Answer(200, {}, b"{}"), "ServerException", 500),
        (Answer(503, {}, b"<html>"), "ServerException", 500),
    ],
)
def test_anything_else_is_not_the_caller(answer: Answer, code: str, status: int) -> None:
    """Signature errors are handed back; what is not understood never counts as a good signature."""
    with pytest.raises(BatchError) as caught:
        ask(FakeConnections(answer))
    assert (caught.value.code, caught.value.status) == (code, status)


@pytest.mark.parametrize(
    ("key", "is_root"), [("test", True), ("111111111111", True), ("AKIA1", False), ("1111", False)]
)
def test_root_keys_are_known_by_their_form(key: str, *, is_root: bool) -> None:
    """MiniStack's own key and account numbers."""
    headers = [(b"authorization", SCOPE.format(key=key).encode())]
    signature = signature_of(Request({"type": "http", "headers": headers}))
    assert (signature.is_root, signature.region) == (is_root, "us-east-1")

"""A fifth of all calls to AWS fails, before or after it has done its work: no outcome changes."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from tests.e2e.healer import main

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.line import Line

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(400)]

RATE = 0.2


class Body:
    """The body of an answer that was made up."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._data

    def read(self, *_: Any) -> bytes:
        return self._data


class FaultyWire:
    """Stands below boto3: what it injects, boto3's own retries see first."""

    def __init__(self, chance: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self._chance = chance
        self._send: Callable[..., AWSResponse] = URLLib3Session.send

    def send(self, session: URLLib3Session, request: Any) -> AWSResponse:
        """Send a request, or let it fail in one of four ways."""
        self.counts["attempted"] += 1
        if self._chance.random() >= RATE:
            return self._send(session, request)
        fault = self._chance.choice([self._throttled, self._failed, self._no_connection, self._no_answer])
        self.counts["injected"] += 1
        self.counts[fault.__name__] += 1
        return fault(session, request)

    def _throttled(self, session: URLLib3Session, request: Any) -> AWSResponse:
        return _answer(request, 429, "TooManyRequestsException")

    def _failed(self, session: URLLib3Session, request: Any) -> AWSResponse:
        return _answer(request, 503, "ServiceUnavailable")

    def _no_connection(self, session: URLLib3Session, request: Any) -> AWSResponse:
        raise ConnectTimeoutError(endpoint_url=request.url)

    def _no_answer(self, session: URLLib3Session, request: Any) -> AWSResponse:
        self._send(session, request).content  # noqa: B018 - it was done, only the answer is lost
        raise ReadTimeoutError(endpoint_url=request.url)


def _answer(request: Any, status: int, code: str) -> AWSResponse:
    signed = str(request.headers.get("Authorization", ""))
    is_xml = any(f"/{service}/aws4_request" in signed for service in ("s3", "iam", "sts"))
    body = f"<Error><Code>{code}</Code></Error>" if is_xml else f'{{"__type": "{code}", "message": "injected"}}'
    return AWSResponse(request.url, status, {"x-amzn-errortype": code}, Body(body.encode()))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fifth_of_all_calls_may_fail(line: Line, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Throttled, failed, not reached, or done without an answer: the job is healed by the same changes."""
    for name, value in line.environment.items():
        monkeypatch.setenv(name, value)
    wire = FaultyWire(random.Random(seed))  # noqa: S311 - a seed makes a failure repeatable
    monkeypatch.setattr(URLLib3Session, "send", lambda session, request: wire.send(session, request))  # noqa: PLW0108
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff._MAX_BACKOFF", 0.2, raising=False)
    main(str(line.target))
    monkeypatch.undo()
    print(dict(wire.counts))  # noqa: T201 - attempted, injected; what the caller saw is the outcome below
    assert wire.counts["injected"] > 10
    line.reset()
    line.assert_sound()

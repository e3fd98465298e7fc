"""One HTTP call to a receiver: what came back, or whether and when to try again."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx

from recloser.notify.channels import CALL_TIMEOUT_S
from recloser.notify.errors import Postponed, Refused

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from datetime import datetime

    from recloser.notify.clock import Clock

_DEFAULT_PATIENCE_S = 60.0
_FORBIDDEN, _TOO_MANY, _REDIRECT, _ERROR, _SERVER_ERROR = 403, 429, 300, 400, 500
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust, read once: it takes longer than most calls."""
    return httpx.create_ssl_context()


@dataclass(frozen=True)
class Api:
    """A receiver that speaks JSON over HTTP."""

    name: str
    """As a person knows it."""
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = CALL_TIMEOUT_S

    def call(self, clock: Clock, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Ask once.

        Returns:
            A response below 400.

        Raises:
            Postponed: It could not be reached, is busy or failed.
            Refused: It said no.
        """
        try:
            with httpx.Client(
                base_url=self.url, headers=dict(self.headers), timeout=self.timeout_s, verify=_certificates()
            ) as client:
                response = client.request(method, path, **arguments)
        except _NEVER_SENT as error:
            raise Postponed(f"{self.name} cannot be reached: {error}") from None
        except httpx.HTTPError as error:
            said = f"{self.name} did not answer: {type(error).__name__}: {error}"
            raise Postponed(said, uncertain=True) from None
        self._check(response, clock.now())
        return response

    def _check(self, response: httpx.Response, now: datetime) -> None:
        status = response.status_code
        if status < _REDIRECT:
            return
        said = f"{self.name} answers {status}: {_message(response)}"
        if (patience := _patience(response, now)) is not None:
            raise Postponed(said, retry_after_s=patience)
        if status >= _SERVER_ERROR:
            raise Postponed(said, uncertain=True)
        if status < _ERROR:
            raise Refused(f"{said}; it has moved, name its new place")
        raise Gone(said) if status in {404, 410} else Refused(said)


class Gone(Refused):
    """There is no such thing, or the token may not see it."""


def json_of(response: httpx.Response, name: str) -> Any:
    """What a response says; a page of a proxy that says 200 is no answer."""
    try:
        return response.json()
    except ValueError:
        raise Postponed(f"{name} answers with no JSON", uncertain=True) from None


def _message(response: httpx.Response) -> str:
    try:
        told = response.json()
    except ValueError:
        return response.reason_phrase
    said = told.get("message") or told.get("errors") if isinstance(told, dict) else told
    return str(said)[:200]


def _patience(response: httpx.Response, now: datetime) -> float | None:
    """For how long the receiver asks to be left alone; None where it does not."""
    headers, status = response.headers, response.status_code
    if status not in {_FORBIDDEN, _TOO_MANY} and status < _SERVER_ERROR:
        return None
    if "retry-after" in headers:
        return _seconds(headers["retry-after"], now)
    if status >= _SERVER_ERROR:
        return None
    if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdecimal():
        return max(float(headers["x-ratelimit-reset"]) - now.timestamp(), 1.0)
    is_limit = status == _TOO_MANY or "rate limit" in _message(response).lower()
    return _DEFAULT_PATIENCE_S if is_limit else None


def _seconds(value: str, now: datetime) -> float:
    if value.isdecimal():
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return _DEFAULT_PATIENCE_S

"""Slack, by its Web API: one thread for each fingerprint, and nothing posted twice where that can be seen.

Slack has no key that makes posting safe to repeat. Each message carries ours in its metadata; after an attempt whose
outcome is unknown the channel's history is searched for it before anything is posted again. What remains: a message
that Slack accepts only after that search is there twice, and a bot that may not read the history cannot search.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPException
from socket import gaierror
from typing import TYPE_CHECKING, Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from recloser.notify.channels import CALL_TIMEOUT_S
from recloser.notify.channels.blocks import blocks, fallback
from recloser.notify.errors import Postponed, Refused
from recloser.redaction import clean
from recloser.values import Change, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable

    from slack_sdk.web import SlackResponse

    from recloser.notify.clock import Clock
    from recloser.store import Claim
    from recloser.values import Delivery

EVENT = "recloser_notice"
_SILENT = logging.getLogger("recloser.notify.slack_sdk")
_SILENT.setLevel(logging.CRITICAL + 1)  # it logs whole answers, and what matters of them is in the outbox
_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_FAILING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
"""Answers after which it is unknown whether the message was posted."""
_A_CODE = re.compile("[a-z][a-z0-9_]{1,80}")
"""What Slack's own refusals look like; anything else was said by something in between."""
_MAY_NOT_READ = frozenset({"missing_scope", "not_allowed_token_type", "not_in_channel", "no_permission"})
_THREAD_GONE = frozenset({"thread_not_found", "message_not_found"})
_SKEW = timedelta(minutes=5)
_PAGES = 10
_LOUD = frozenset({Change.AGAIN, Change.WORSE})
"""A reply in an old thread that nobody would see there."""
_TOO_MANY, _SERVER_ERROR = 429, 500


@dataclass(frozen=True)
class Slack:
    """One channel of a workspace."""

    channel: str
    token: str = field(repr=False)
    url: str = "https://slack.com/api"
    timeout_s: float = CALL_TIMEOUT_S

    @property
    def place(self) -> str:
        """Where its threads are."""
        return f"slack:{self.channel}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The token."""
        return (self.token,)

    def send(self, claim: Claim, clock: Clock) -> Receipt:  # noqa: ARG002 - a receiver may need the time
        """Post, or find that it was posted already."""
        thread = claim.links[-1].reference if claim.links else ""
        if claim.delivery.uncertain and (posted := self._find(claim.delivery, thread)):
            return _receipt(posted, thread, "found in the channel")
        try:
            return _receipt(self._post(claim.delivery, thread), thread, "posted")
        except _ThreadGone:
            return _receipt(self._post(claim.delivery, ""), "", "posted; the thread is gone")

    def _post(self, delivery: Delivery, thread: str) -> str:
        notice = delivery.notice
        reply = {"thread_ts": thread, "reply_broadcast": any(line.change in _LOUD for line in notice.lines)}
        answer = self._call(
            self._client().chat_postMessage,
            channel=self.channel,
            text=fallback(notice),
            blocks=blocks(notice),
            metadata={"event_type": EVENT, "event_payload": {"key": delivery.key}},
            unfurl_links=False,
            unfurl_media=False,
            **(reply if thread else {}),
        )
        return _ts(answer)

    def _find(self, delivery: Delivery, thread: str) -> str | None:
        since = (delivery.first_tried_at or delivery.created_at) - _SKEW
        search: dict[str, Any] = {
            "channel": self.channel,
            "oldest": f"{since.timestamp():.6f}",
            "include_all_metadata": True,
            "limit": 200,
        }
        client = self._client()
        ask = client.conversations_replies if thread else client.conversations_history
        for _ in range(_PAGES):
            try:
                page = self._call(ask, **search, **({"ts": thread} if thread else {}))
            except Refused as error:
                if str(error).removeprefix(_SAID) in _MAY_NOT_READ | _THREAD_GONE:
                    return None
                raise
            for message in page.get("messages") or ():
                if _key_of(message) == delivery.key:
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
            search["cursor"] = cursor
        return None

    def _client(self) -> WebClient:
        # No retries below us: each attempt is one row's one attempt, and an unknown outcome is looked into first.
        return WebClient(
            token=self.token,
            base_url=f"{self.url}/",
            timeout=max(int(self.timeout_s), 1),
            retry_handlers=[],
            logger=_SILENT,
        )

    def _call(self, method: Callable[..., SlackResponse], **arguments: Any) -> SlackResponse:
        try:
            return method(**arguments)
        except SlackApiError as error:
            raise _judged(error) from None
        except (OSError, HTTPException, SlackClientError, ValueError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ConnectionRefusedError | gaierror):
                raise Postponed(f"Slack cannot be reached: {reason}") from None
            raise Postponed(f"Slack did not answer: {type(reason).__name__}: {reason}", uncertain=True) from None


_SAID = "Slack says "


class _ThreadGone(Refused):
    """The message that is answered was deleted."""


def _judged(error: SlackApiError) -> Postponed | Refused:
    response = error.response
    status = getattr(response, "status_code", 0)
    said = str(response.get("error") or "") if isinstance(getattr(response, "data", None), dict) else ""
    if status == _TOO_MANY or said in _BUSY:
        return Postponed("Slack asks for patience", retry_after_s=_retry_after(dict(response.headers or {})))
    if status >= _SERVER_ERROR or said in _FAILING or not _A_CODE.fullmatch(said):
        return Postponed(f"Slack fails: {clean(said, 100) or f'HTTP {status}'}", uncertain=True)
    return (_ThreadGone if said in _THREAD_GONE else Refused)(f"{_SAID}{said}")


def _retry_after(headers: dict[str, Any]) -> float:
    for name, value in headers.items():
        if name.lower() == "retry-after":
            first = value[0] if isinstance(value, list) else value
            return float(first) if str(first).isdecimal() else 30.0
    return 30.0


def _ts(answer: SlackResponse) -> str:
    ts = answer.get("ts")
    if not answer.get("ok") or not isinstance(ts, str):
        raise Postponed("Slack's answer names no message", uncertain=True)
    return ts


def _key_of(message: dict[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    key = (metadata.get("event_payload") or {}).get("key")
    return str(key) if metadata.get("event_type") == EVENT and key else None


def _receipt(ts: str, thread: str, how: str) -> Receipt:
    return Receipt(text=f"ts {ts}, {how}", reference=thread or ts)

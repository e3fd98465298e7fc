"""Slack's Web API, as far as a bot that posts needs it; the limits are Slack's own."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.fakes.wire import Answer, FakeServer, Fault, Request

RATE_LIMITED = Fault("answer", answer=Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "2"}))
INTERNAL = Fault("answer", answer=Answer(500, b"<html>Server Error</html>"))
CLOSED = Fault("close")
CLOSED_AFTER = Fault("close", before=False)
HANGS = Fault("hang")
HANGS_AFTER = Fault("hang", before=False)


def not_ok(error: str) -> Fault:
    """Slack's way to refuse: status 200, and `ok` is false."""
    return Fault("answer", answer=Answer(200, {"ok": False, "error": error}))


class FakeSlack(FakeServer):
    """One workspace with one bot."""

    token = "xoxb-made-up-token"
    channel = "C0123"

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        self.may_read = True
        self.page = 50

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _no("invalid_auth")
        asked = {**request.query, **(request.body or {})}
        if asked.get("channel") != self.channel:
            return _no("channel_not_found")
        answers = {
            "/chat.postMessage": self._post,
            "/conversations.history": self._history,
            "/conversations.replies": self._replies,
        }
        return answers.get(request.path, lambda _: _no("unknown_method"))(asked)

    def _history(self, asked: dict[str, Any]) -> Answer:
        return self._read(asked, [one for one in self.messages if one.get("thread_ts") in {None, one["ts"]}])

    def _replies(self, asked: dict[str, Any]) -> Answer:
        mine = [one for one in self.messages if asked["ts"] in {one["ts"], one.get("thread_ts")}]
        return self._read(asked, mine) if mine else _no("thread_not_found")

    def _post(self, asked: dict[str, Any]) -> Answer:
        if wrong := _wrong(asked.get("blocks") or []):
            return Answer(200, {"ok": False, "error": "invalid_blocks", "errors": [wrong]})
        ts = f"{time.time():.0f}.{len(self.messages):06d}"
        self.messages.append({**asked, "ts": ts})
        return Answer(200, {"ok": True, "channel": self.channel, "ts": ts, "message": {"ts": ts}})

    def _read(self, asked: dict[str, Any], found: list[dict[str, Any]]) -> Answer:
        if not self.may_read:
            return _no("missing_scope")
        newest = [one for one in reversed(found) if float(one["ts"]) >= float(asked.get("oldest", 0))]
        start = int(asked.get("cursor") or 0)
        shown = [
            {name: one.get(name) for name in ("ts", "text", "metadata")} for one in newest[start : start + self.page]
        ]
        more = start + self.page < len(newest)
        cursor = {"response_metadata": {"next_cursor": str(start + self.page)}} if more else {}
        return Answer(200, {"ok": True, "messages": shown, "has_more": more, **cursor})

    @property
    def texts(self) -> list[str]:
        """Everything a reader sees of each message."""
        return [json.dumps(one["blocks"], ensure_ascii=False) for one in self.messages]

    @property
    def keys(self) -> list[str]:
        """Our key of each message."""
        return [one["metadata"]["event_payload"]["key"] for one in self.messages]


def _no(error: str) -> Answer:
    return Answer(200, {"ok": False, "error": error})


def _wrong(blocks: list[dict[str, Any]]) -> str:
    """What Slack refuses: https://docs.slack.dev/reference/block-kit/blocks."""
    if len(blocks) > 50:
        return "more than 50 blocks"
    limits = {"header": 150, "section": 3_000}
    for block in blocks:
        text = block["text"]["text"] if "text" in block else ""
        if block["type"] in limits and not 0 < len(text) <= limits[block["type"]]:
            return f"a {block['type']} of {len(text)} characters"
    return ""

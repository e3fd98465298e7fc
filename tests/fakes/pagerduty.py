"""PagerDuty's Events API v2: https://developer.pagerduty.com/docs/send-alert-event."""

from __future__ import annotations

from typing import Any

from tests.fakes.wire import Answer, FakeServer, Request

ACTIONS = frozenset({"trigger", "acknowledge", "resolve"})


class FakePagerDuty(FakeServer):
    """One integration; an event for an incident that is open already pages nobody."""

    routing_key = "R0UT1NGKEYMADEUP0000000000000000"

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.open: set[str] = set()
        self.pages: list[str] = []
        """Each time somebody's telephone rang."""

    def answer(self, request: Request) -> Answer:
        if (request.method, request.path) != ("POST", "/v2/enqueue"):
            return Answer(404, {"message": "Not Found"})
        event = request.body
        if event.get("routing_key") != self.routing_key:
            return Answer(400, {"status": "invalid event", "errors": ["Invalid routing key"]})
        key, action = event.get("dedup_key"), event.get("event_action")
        lacks = action == "trigger" and not {"summary", "source", "severity"} <= (event.get("payload") or {}).keys()
        if action not in ACTIONS or not key or lacks:
            return Answer(400, {"status": "invalid event", "errors": ["fields are missing"]})
        self.events.append(event)
        if action == "trigger" and key not in self.open:
            self.open.add(key)
            self.pages.append(key)
        elif action == "resolve":
            self.open.discard(key)
        return Answer(202, {"status": "success", "message": "Event processed", "dedup_key": key})

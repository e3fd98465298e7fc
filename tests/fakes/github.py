"""Issues of GitHub's REST API: pages, a search index that lags, and limits."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.fakes.wire import Answer, FakeServer, Fault, Request

SECONDARY_LIMIT = Fault(
    "answer",
    answer=Answer(403, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "3"}),
)
HTML_AT_200 = Fault("answer", answer=Answer(200, b"<html>Log in to the proxy</html>"))


class FakeGitHub(FakeServer):
    """One repository."""

    token = "ghp_madeupmadeupmadeupmadeup"
    repository = "example/grid"

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self.now = now
        self.issues: list[dict[str, Any]] = []
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.lag = 0
        """How many of the newest issues the search does not find yet."""

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(401, {"message": "Bad credentials"})
        if (request.method, request.path) == ("GET", "/search/issues"):
            return self._search(request)
        base = re.escape(f"/repos/{self.repository}")
        routes = {
            rf"GET {base}": lambda: Answer(200, {"full_name": self.repository}),
            rf"GET {base}/issues": lambda: self._list(request),
            rf"POST {base}/issues": lambda: self._open(request),
            rf"GET {base}/issues/(\d+)": self._one,
            rf"PATCH {base}/issues/(\d+)": lambda number: self._patch(number, request),
            rf"GET {base}/issues/(\d+)/comments": lambda number: self._paged(self.comments[int(number)], request),
            rf"POST {base}/issues/(\d+)/comments": lambda number: self._comment(number, request),
        }
        for pattern, route in routes.items():
            if found := re.fullmatch(pattern, f"{request.method} {request.path}"):
                return route(*found.groups())
        return Answer(404, {"message": "Not Found"})

    def plant(self, body: str, *, state: str = "open", closed_at: datetime | None = None) -> int:
        """An issue somebody else opened."""
        number = len(self.issues) + 1
        stamp = self._stamp()
        self.issues.append(
            {
                "number": number,
                "title": "planted",
                "body": body,
                "state": state,
                "created_at": stamp,
                "updated_at": stamp,
                "closed_at": None if closed_at is None else f"{closed_at:%Y-%m-%dT%H:%M:%SZ}",
                "html_url": f"https://github.com/{self.repository}/issues/{number}",
            }
        )
        self.comments[number] = []
        return number

    def _stamp(self) -> str:
        return f"{self.now():%Y-%m-%dT%H:%M:%SZ}"

    def _open(self, request: Request) -> Answer:
        number = self.plant(request.body["body"])
        self.issues[-1] |= {"title": request.body["title"], "labels": request.body.get("labels", [])}
        return Answer(201, self.issues[number - 1])

    def _one(self, number: str) -> Answer:
        mine = [issue for issue in self.issues if issue["number"] == int(number)]
        return Answer(200, mine[0]) if mine else Answer(404, {"message": "Not Found"})

    def _patch(self, number: str, request: Request) -> Answer:
        issue = self.issues[int(number) - 1]
        closes = request.body.get("state") == "closed"
        issue |= request.body | {"closed_at": self._stamp() if closes else None, "updated_at": self._stamp()}
        return Answer(200, issue)

    def _comment(self, number: str, request: Request) -> Answer:
        made = {"body": request.body["body"], "created_at": self._stamp()}
        self.comments[int(number)].append(made)
        return Answer(201, made)

    def _list(self, request: Request) -> Answer:
        state, since = request.query.get("state", "open"), request.query.get("since", "")
        found = [one for one in reversed(self.issues) if state in {"all", one["state"]} and one["updated_at"] >= since]
        return self._paged(found, request)

    def _search(self, request: Request) -> Answer:
        asked = re.match(r'"(.+?)" repo:(\S+) is:issue in:body', request.query["q"])
        if asked is None or asked[2] != self.repository:
            return Answer(422, {"message": "Validation Failed"})
        words = re.findall(r"\w+", asked[1])  # the real one does not look at punctuation either
        indexed = self.issues[: len(self.issues) - self.lag]
        found = [one for one in indexed if all(word in (one["body"] or "") for word in words)]
        page = self._paged(found, request)
        return Answer(200, {"total_count": len(found), "incomplete_results": False, "items": page.body})

    def _paged(self, found: list[dict[str, Any]], request: Request) -> Answer:
        size = min(int(request.query.get("per_page", 30)), 100)
        start = (int(request.query.get("page", 1)) - 1) * size
        return Answer(200, found[start : start + size])

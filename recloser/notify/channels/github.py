"""Issues on GitHub: one for each fingerprint, found again by a visible line, among open and closed.

The store says what we opened; GitHub is asked because people open, close and delete as well. The search index lags
behind writes, so after an attempt whose outcome is unknown the newest issues are listed too, which is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from recloser.notify.channels import CALL_TIMEOUT_S
from recloser.notify.channels.issue_text import body, comment, cycle_line, has_line, id_line, title
from recloser.notify.channels.web import Api, Gone, json_of
from recloser.notify.errors import Postponed
from recloser.values import Purpose, Receipt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.notify.clock import Clock
    from recloser.store import Claim
    from recloser.values import Delivery

_NAME = "GitHub"
_PAGE, _PAGES = 100, 10
_SKEW = timedelta(hours=1)
PACE_S = 1.0
"""GitHub asks for at most one write a second."""


@dataclass(frozen=True)
class Issue:
    """One issue, as far as it matters here."""

    number: int
    url: str
    body: str
    closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it is."""
        return self.closed_at is None


@dataclass
class GitHub:
    """The issues of one repository."""

    repository: str
    token: str = field(repr=False)
    url: str = "https://api.github.com"
    labels: tuple[str, ...] = ()
    reopen_days: float = 10.0
    timeout_s: float = CALL_TIMEOUT_S
    _written_at: datetime | None = None

    @property
    def place(self) -> str:
        """Where the issues are."""
        return f"github:{self.repository}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The token."""
        return (self.token,)

    def check(self, clock: Clock) -> str:
        """Ask whether issues can be read; nothing is written."""
        told = self._ask(clock, "GET", f"/repos/{self.repository}")
        return f"{told.get('full_name', self.repository)} can be read"

    def send(self, claim: Claim, clock: Clock) -> Receipt:
        """Open, reopen, comment on or close the issue of a fingerprint, whatever is right by what GitHub says now."""
        delivery = claim.delivery
        number = next((link.reference for link in reversed(claim.links) if link.open and link.reference), "")
        issue = self._known(number, clock) or self._find(delivery, clock)
        if delivery.notice.purpose is Purpose.ISSUE_GREEN:
            return self._close(issue, delivery, clock)
        return self._failing(issue, delivery, clock)

    def _failing(self, issue: Issue | None, delivery: Delivery, clock: Clock) -> Receipt:
        notice = delivery.notice
        if issue is None:
            return self._create(delivery, "", clock)
        if issue.closed_at is not None and issue.closed_at >= notice.at:
            return _receipt(issue, "was closed after this failure", is_open=False)
        if issue.closed_at is not None and clock.now() - issue.closed_at > timedelta(days=self.reopen_days):
            return self._create(delivery, f"#{issue.number}", clock)
        if has_line(issue.body, cycle_line(notice)):
            return _receipt(issue, "was opened by this night")
        if not issue.is_open:
            self._write(clock, "PATCH", self._issue(issue.number), json={"state": "open"})
        self._comment(issue, delivery, clock)
        return _receipt(issue, "commented" if issue.is_open else "reopened")

    def _create(self, delivery: Delivery, previous: str, clock: Clock) -> Receipt:
        asked = {
            "title": title(delivery.notice),
            "body": body(delivery.notice, previous),
            "labels": list(self.labels),
        }
        made = _issue_of(self._write(clock, "POST", f"/repos/{self.repository}/issues", json=asked))
        return _receipt(made, "opened")

    def _close(self, issue: Issue | None, delivery: Delivery, clock: Clock) -> Receipt:
        if issue is None:
            return Receipt(text="there is no such issue any more", reference="0", open=False)
        if issue.is_open:
            self._comment(issue, delivery, clock)
            closing = {"state": "closed", "state_reason": "completed"}
            self._write(clock, "PATCH", self._issue(issue.number), json=closing)
        return _receipt(issue, "closed", is_open=False)

    def _comment(self, issue: Issue, delivery: Delivery, clock: Clock) -> None:
        place = f"{self._issue(issue.number)}/comments"
        since = {"since": _stamp(_first_try(delivery) - _SKEW)}
        mine = cycle_line(delivery.notice)
        if delivery.uncertain and any(has_line(one.get("body"), mine) for one in self._pages(clock, place, since)):
            return
        self._write(clock, "POST", place, json={"body": comment(delivery.notice)})

    def _known(self, number: str, clock: Clock) -> Issue | None:
        if not number:
            return None
        try:
            return _issue_of(self._ask(clock, "GET", self._issue(number)))
        except Gone:
            return None

    def _find(self, delivery: Delivery, clock: Clock) -> Issue | None:
        """The issue with our line: an open one if there is one, else the one that was closed last."""
        line = id_line(delivery.thread)
        found = self._search(clock, line)
        if delivery.uncertain:
            newest = {"state": "all", "since": _stamp(_first_try(delivery) - _SKEW)}
            found = [*found, *self._pages(clock, f"/repos/{self.repository}/issues", newest)]
        mine = [_issue_of(one) for one in found if "pull_request" not in one and has_line(one.get("body"), line)]
        return max(mine, key=lambda issue: (issue.is_open, issue.closed_at or _EVER, issue.number), default=None)

    def _search(self, clock: Clock, line: str) -> list[dict[str, Any]]:
        query = {"q": f'"{line}" repo:{self.repository} is:issue in:body'}
        return list(self._pages(clock, "/search/issues", query, within="items"))

    def _pages(self, clock: Clock, path: str, query: dict[str, str], within: str = "") -> Iterator[dict[str, Any]]:
        for page in range(1, _PAGES + 1):
            told = self._ask(clock, "GET", path, params={**query, "per_page": str(_PAGE), "page": str(page)})
            items = told.get(within) if within and isinstance(told, dict) else told
            if not isinstance(items, list):
                raise Postponed(f"{_NAME}'s answer is no list")
            yield from items
            if len(items) < _PAGE:
                return

    def _issue(self, number: int | str) -> str:
        return f"/repos/{self.repository}/issues/{number}"

    def _write(self, clock: Clock, method: str, path: str, **arguments: Any) -> Any:
        since_s = PACE_S if self._written_at is None else (clock.now() - self._written_at).total_seconds()
        if 0 <= since_s < PACE_S:
            clock.sleep(PACE_S - since_s)
        try:
            return self._ask(clock, method, path, **arguments)
        finally:
            self._written_at = clock.now()

    def _ask(self, clock: Clock, method: str, path: str, **arguments: Any) -> Any:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "recloser",
        }
        return json_of(Api(_NAME, self.url, headers, self.timeout_s).call(clock, method, path, **arguments), _NAME)


_EVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _issue_of(told: Any) -> Issue:
    try:
        closed = told.get("closed_at") if told["state"] == "closed" else None
        moment = None if told["state"] != "closed" else datetime.fromisoformat(closed) if closed else _EVER
        return Issue(int(told["number"]), str(told.get("html_url") or ""), str(told.get("body") or ""), moment)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Postponed(f"{_NAME}'s answer is no issue", uncertain=True) from None


def _receipt(issue: Issue, what: str, *, is_open: bool = True) -> Receipt:
    return Receipt(text=f"#{issue.number} {what}", reference=str(issue.number), url=issue.url, open=is_open)


def _first_try(delivery: Delivery) -> datetime:
    return delivery.first_tried_at or delivery.created_at


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"

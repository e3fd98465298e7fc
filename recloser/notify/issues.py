"""Which issues a cycle opens, comments on and closes; what is on GitHub already is looked at when it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from recloser.notify.lifecycle import severity_of
from recloser.notify.mailbag import OVER
from recloser.notify.rules import is_verified
from recloser.values import Change, FindingKind, Line, Link, Notice, Outgoing, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from recloser.notify.plan import Situation
    from recloser.store import Desk
    from recloser.target import Issues
    from recloser.values import Alert, Delivery

CHANNEL = "issues"
"""Name of the channel in the outbox."""
_NO_ISSUE = frozenset({FindingKind.FAILURE_RATE, FindingKind.MANY_NEW, FindingKind.HEARTBEAT})
"""They sum up what has issues of its own, or have no cause in the code."""


@dataclass(frozen=True)
class IssueDesk:
    """The issues of one tracker, for one cycle."""

    desk: Desk
    place: str
    rules: Issues
    situation: Situation
    unsent: dict[str, Delivery]
    """Notices for the tracker that it cannot have seen, by fingerprint."""

    def plan(self) -> int:
        """Queue what has to be written.

        Returns:
            How many findings get no issue yet, because the cap was reached.
        """
        alerts = self.situation.after
        links = self.desk.links(self.place, alerts.keys())
        is_open = {link.name: link for link in links if link.open}
        closed = {link.name: link for link in links if not link.open}
        for alert in alerts.values():
            if not alert.firing and alert.fingerprint in is_open:
                self._over(alert, is_open[alert.fingerprint])
        wanted = sorted(self._failing(alerts.values()), key=self._urgency)
        without = [alert for alert in wanted if alert.fingerprint not in is_open]
        new = [alert for alert in without if not self._reopened(alert, closed.get(alert.fingerprint))]
        for alert in new[: self.rules.max_new]:
            self._open(alert)
        for alert in wanted:
            if alert.fingerprint in is_open and self._is_another_day(is_open[alert.fingerprint]):
                self._write(alert, Purpose.ISSUE_FAILING)
        return len(new[self.rules.max_new :])

    def _failing(self, alerts: Iterable[Alert]) -> Iterator[Alert]:
        cycle_id, least = self.situation.facts.cycle_id, self.rules.min_severity.rank
        for alert in alerts:
            seen = alert.firing and not alert.held and alert.seen_in == cycle_id
            urgent = severity_of(alert, self.situation.rules).rank >= least
            if seen and urgent and alert.finding.kind not in _NO_ISSUE and not self._is_covered(alert):
                yield alert

    def _is_covered(self, alert: Alert) -> bool:
        """Silenced, or explained by a finding that has an issue itself."""
        cause = self.situation.after.get(alert.finding.cause)
        explained = cause is not None and cause.firing and cause.finding.kind not in _NO_ISSUE
        return explained or alert.fingerprint in self.situation.silenced

    def _urgency(self, alert: Alert) -> tuple[int, str]:
        return -severity_of(alert, self.situation.rules).rank, alert.fingerprint

    def _reopened(self, alert: Alert, closed: Link | None) -> bool:
        at = self.situation.facts.at
        if closed is None or closed.closed_at is None or at - closed.closed_at > timedelta(days=self.rules.reopen_days):
            return False
        self.desk.reopen(closed)
        self._write(alert, Purpose.ISSUE_FAILING)
        return True

    def _open(self, alert: Alert) -> None:
        at = self.situation.facts.at
        self.desk.reserve(Link(place=self.place, name=alert.fingerprint, opened_at=at, touched_at=at))
        self._write(alert, Purpose.ISSUE_FAILING)

    def _is_another_day(self, link: Link) -> bool:
        return link.touched_at.date() < self.situation.facts.at.date()

    def _over(self, alert: Alert, link: Link) -> None:
        waiting = self.unsent.get(alert.fingerprint)
        facts = self.situation.facts
        if waiting is not None and waiting.notice.purpose is Purpose.ISSUE_FAILING:
            self.desk.cancel(waiting.key, OVER, facts.at)
            if not link.reference:
                self.desk.drop(link, facts.at)
        calm = facts.at - alert.changed_at >= timedelta(days=self.rules.close_after_days)
        if link.reference and calm and is_verified(alert.finding, facts):
            self._write(alert, Purpose.ISSUE_GREEN, f"{alert.changed_at:%Y%m%d%H%M%S}")

    def _write(self, alert: Alert, purpose: Purpose, occasion: str = "") -> None:
        facts = self.situation.facts
        severity = severity_of(alert, self.situation.rules)
        change = Change.RESOLVED if purpose is Purpose.ISSUE_GREEN else Change.NEW
        line = Line(
            finding=alert.finding.model_copy(update={"members": ()}),
            change=change,
            severity=severity,
            nights=alert.nights,
            cycle_id=alert.opened_in,
            at=alert.opened_at if change is Change.NEW else alert.changed_at,
        )
        notice = Notice(
            target=facts.target,
            purpose=purpose,
            severity=severity,
            owner=alert.finding.owner,
            cycle_id=facts.cycle_id,
            at=facts.at,
            lines=(line,),
            report=facts.report,
        )
        self.desk.touch(self.place, alert.fingerprint, facts.at)
        waiting = self.unsent.get(alert.fingerprint)
        if waiting is not None and waiting.notice.purpose is purpose:
            self.desk.rewrite(waiting.key, notice)
            return
        key = f"{facts.target}/{CHANNEL}/{purpose}/{alert.fingerprint}/{occasion or facts.cycle_id}"
        outgoing = Outgoing(
            key=key,
            target=facts.target,
            channel=CHANNEL,
            group=alert.fingerprint,
            thread=alert.fingerprint,
            notice=notice,
        )
        self.desk.enqueue(outgoing, facts.at)

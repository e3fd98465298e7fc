"""A cycle's facts become alerts and notices, in the transaction that holds its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser.notify.issues import CHANNEL, IssueDesk
from recloser.notify.lifecycle import advance
from recloser.notify.mailbag import Mailbag
from recloser.notify.plan import Channel, Situation, tell
from recloser.notify.rules import HEARTBEAT, findings_of
from recloser.redaction import Redactor, shown

if TYPE_CHECKING:
    from recloser.store import Desk
    from recloser.target import System
    from recloser.values import Alert, CycleFacts, Delivery, Finding

_LINES_KEPT = 5
_MANY = 200
"""More findings than this are not read line by line, and each shows a few lines of its evidence only."""
_TITLE, _TEXT, _LINE, _LINES = 200, 1_000, 500, 40


@dataclass(frozen=True, slots=True)
class Announcement:
    """What was written for the senders."""

    alerts: tuple[Alert, ...] = ()
    """Everything the cycle touched."""
    queued: int = 0
    """Notices that were added for channels of persons."""
    without_issue: int = 0
    """Findings that get their issue in a later cycle, because of the cap."""


def announce(desk: Desk, facts: CycleFacts, system: System, redact: Redactor, *, tracker: str) -> Announcement:
    """Write down who has to be told what; nothing is sent, and the same cycle a second time changes nothing.

    Args:
        desk: Of the transaction that holds the verdict.
        facts: What the cycle found.
        system: The target with its rules and channels.
        redact: Takes out secrets before anything is kept.
        tracker: Where issues are kept: what `place` the channel of issues has.
    """
    facts = _redacted(facts, redact)
    with_issue = [link.name for link in desk.links(tracker) if link.open]
    before = desk.alerts(facts.target, [*with_issue, *(finding.fingerprint for finding in facts.findings)])
    if any(alert.last_cycle == facts.cycle_id for alert in before.values()):
        return Announcement()
    found = {finding.fingerprint: finding for finding in findings_of(facts, system.alerts, before)}
    after = {
        name: advance(before.get(name), found.get(name), facts, system.alerts) for name in sorted({*before, *found})
    }
    situation = Situation(facts, system.alerts, before, after, desk.silences(facts.at).keys())
    unsent = desk.unsent(facts.target)
    alerts, queued = _tell_all(desk, system, situation, unsent)
    desk.keep_alerts(map(_slim, alerts))
    return Announcement(alerts, queued, _plan_issues(desk, system, situation, unsent, tracker))


def _slim(alert: Alert) -> Alert:
    """What is kept from night to night: evidence is given with the first notice, and each night has its own."""
    finding = alert.finding.model_copy(update={"evidence": alert.finding.evidence[:_LINES_KEPT]})
    return alert.model_copy(update={"finding": finding})


def _tell_all(
    desk: Desk, system: System, situation: Situation, unsent: tuple[Delivery, ...]
) -> tuple[tuple[Alert, ...], int]:
    alerts, queued = tuple(situation.after.values()), 0
    under_way = desk.under_way(situation.facts.target)
    for name, table in system.notify.effective().items():
        bag = Mailbag.of(name, situation.facts, unsent, under_way)
        alerts = tell(Channel(name, table), bag, situation, alerts)
        queued += len(bag.added)
        _write(desk, bag)
    return alerts, queued


def _write(desk: Desk, bag: Mailbag) -> None:
    for key, why in bag.cancelled.items():
        desk.cancel(key, why, bag.facts.at)
    for key, outgoing in bag.waiting.items():
        if key in bag.added:
            desk.enqueue(outgoing, bag.facts.at)
        elif key in bag.rewritten:
            desk.rewrite(key, outgoing.notice)


def _plan_issues(desk: Desk, system: System, situation: Situation, unsent: tuple[Delivery, ...], tracker: str) -> int:
    if not system.issues.enabled:
        return 0
    waiting = {one.group: one for one in unsent if one.channel == CHANNEL}
    return IssueDesk(desk, tracker, system.issues, situation, waiting).plan()


def _redacted(facts: CycleFacts, redact: Redactor) -> CycleFacts:
    lines = _LINES if len(facts.findings) <= _MANY else _LINES_KEPT
    findings = tuple(_fit_to_keep(finding, redact, lines) for finding in facts.findings)
    verified = facts.verified | {HEARTBEAT}  # whoever announces anything is alive
    news: dict[str, object] = {
        "verified": verified,
        "findings": findings,
        "storm": shown(facts.storm, redact),
        "report": shown(facts.report, redact),
    }
    return facts.model_copy(update=news)


def _fit_to_keep(finding: Finding, redact: Redactor, most: int) -> Finding:
    def lines(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(shown(text, redact, limit=_LINE) for text in texts[:most])

    return finding.model_copy(
        update={
            "title": shown(finding.title, redact, limit=_TITLE),
            "text": shown(finding.text, redact, limit=_TEXT),
            "owner": shown(finding.owner, redact, limit=_TITLE),
            "since": shown(finding.since, redact, limit=_TITLE),
            "reproduce": shown(finding.reproduce, redact, limit=_TEXT),
            "environment": shown(finding.environment, redact, limit=_TEXT),
            "suspects": lines(finding.suspects),
            "evidence": lines(finding.evidence),
        }
    )

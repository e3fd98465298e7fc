"""What each channel is told of a cycle: the difference between what is so and what its readers take for so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser.notify.lifecycle import severity_of
from recloser.target import PagerChannel
from recloser.values import Alert, Change, Line, Purpose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from recloser.notify.mailbag import Mailbag
    from recloser.target import Alerts, ChannelTable
    from recloser.values import CycleFacts, Severity

_UNHEARD = frozenset({Change.NEW, Change.AGAIN})
"""A reader who did not get such a line does not know of the finding."""
_EVIDENCE_SHOWN = 11


@dataclass(frozen=True)
class Channel:
    """One channel as planning sees it."""

    name: str
    table: ChannelTable

    @property
    def is_pager(self) -> bool:
        """It has one incident for each fingerprint: no digests, and nothing but beginning and end."""
        return isinstance(self.table, PagerChannel)

    def wants(self, alert: Alert, severity: Severity) -> bool:
        """Whether its readers are to be told."""
        mine = not self.table.owners or alert.finding.owner in self.table.owners
        return mine and severity.rank >= self.table.min_severity.rank


@dataclass(frozen=True)
class Situation:
    """What all channels have in common."""

    facts: CycleFacts
    rules: Alerts
    before: Mapping[str, Alert]
    after: Mapping[str, Alert]
    silenced: Collection[str]

    def is_quiet(self, alert: Alert) -> bool:
        """Whether somebody asked for silence, or another finding explains this one."""
        cause = self.after.get(alert.finding.cause)
        return alert.fingerprint in self.silenced or (cause is not None and cause.firing)

    def began_to_flap(self, alert: Alert) -> bool:
        """Whether this cycle was one change too many."""
        before = self.before.get(alert.fingerprint)
        return alert.held and not (before is not None and before.held)


def tell(channel: Channel, bag: Mailbag, situation: Situation, alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """Put what the channel has to be told into its bag.

    Args:
        channel: The channel.
        bag: Its notices that nobody can have seen.
        situation: The cycle.
        alerts: As they are now; those the channel has not been told of included.

    Returns:
        The alerts, each with what the channel's readers now take for so.
    """
    told = tuple(_Teller(channel, bag, situation).tell(alert) for alert in alerts)
    _digest(channel, bag, situation, told)
    return told


@dataclass(frozen=True)
class _Teller:
    channel: Channel
    bag: Mailbag
    situation: Situation

    def tell(self, alert: Alert) -> Alert:
        severity = severity_of(alert, self.situation.rules)
        if alert.held:
            return self._flapping(alert, severity)
        if alert.firing:
            wanted = self.channel.wants(alert, severity) and not self.situation.is_quiet(alert)
            return self._firing(alert, severity) if wanted else alert
        return self._resolved(alert, severity) if self._known(alert) else alert

    def _known(self, alert: Alert) -> Severity | None:
        return alert.told.get(self.channel.name)

    def _firing(self, alert: Alert, severity: Severity) -> Alert:
        known = self._known(alert)
        if known is None:
            return self._begun(alert, severity)
        if severity.rank <= known.rank:
            return alert
        unheard = _UNHEARD & self.bag.withdraw(alert.fingerprint).keys()
        return self._say(alert, min(unheard, default=Change.WORSE), severity)

    def _begun(self, alert: Alert, severity: Severity) -> Alert:
        overtaken = self.bag.withdraw(alert.fingerprint).get(Change.RESOLVED)
        if overtaken is not None and overtaken.severity.rank >= severity.rank:
            return self._taken_for(alert, overtaken.severity)  # its end was not told yet: to the reader it never ended
        if overtaken is not None:
            return self._say(alert, Change.WORSE, severity)
        seen_before = self.channel.name in alert.threads
        return self._say(alert, Change.AGAIN if seen_before else Change.NEW, severity)

    def _resolved(self, alert: Alert, severity: Severity) -> Alert:
        unheard = _UNHEARD & self.bag.withdraw(alert.fingerprint).keys()
        if not unheard:
            self._say(alert, Change.RESOLVED, self._known(alert) or severity)
        return self._forgotten(alert)

    def _flapping(self, alert: Alert, severity: Severity) -> Alert:
        hears = self._known(alert) or (self.channel.wants(alert, severity) and not self.situation.is_quiet(alert))
        if not hears or self.channel.is_pager or not self.situation.began_to_flap(alert):
            return alert
        alert = self._as_heard(alert, self.bag.withdraw(alert.fingerprint))
        said = self._say(alert, Change.FLAPPING, severity)
        return alert.model_copy(update={"threads": said.threads})

    def _as_heard(self, alert: Alert, withdrawn: Mapping[Change, Line]) -> Alert:
        """The alert as its readers take it, who will not hear what was withdrawn."""
        if overtaken := withdrawn.get(Change.RESOLVED):
            return self._taken_for(alert, overtaken.severity)
        return self._forgotten(alert) if _UNHEARD & withdrawn.keys() else alert

    def _forgotten(self, alert: Alert) -> Alert:
        told = {name: known for name, known in alert.told.items() if name != self.channel.name}
        return alert.model_copy(update={"told": told})

    def _say(self, alert: Alert, change: Change, severity: Severity) -> Alert:
        purpose = Purpose.RESOLVED if change is Change.RESOLVED else Purpose.ALERT
        line = line_of(alert, change, severity)
        if self.channel.is_pager:
            thread = self.bag.add(line, purpose, group=alert.fingerprint, thread=alert.fingerprint)
        else:
            known = alert.threads.get(self.channel.name, "")
            thread = self.bag.add(line, purpose, group="", owner=alert.finding.owner, thread=known)
        return self._taken_for(alert, severity, thread)

    def _taken_for(self, alert: Alert, severity: Severity, thread: str = "") -> Alert:
        threads = alert.threads | ({self.channel.name: thread} if thread else {})
        return alert.model_copy(update={"told": alert.told | {self.channel.name: severity}, "threads": threads})


def line_of(alert: Alert, change: Change, severity: Severity) -> Line:
    """What a notice says of an alert; the digest goes without evidence, which was given before."""
    shown = () if change in {Change.STILL, Change.RESOLVED} else alert.finding.evidence[:_EVIDENCE_SHOWN]
    finding = alert.finding.model_copy(update={"evidence": shown, "members": ()})
    cycle_id = alert.opened_in
    return Line(
        finding=finding, change=change, severity=severity, nights=alert.nights, cycle_id=cycle_id, at=alert.opened_at
    )


def _digest(channel: Channel, bag: Mailbag, situation: Situation, alerts: Iterable[Alert]) -> None:
    """Name what lasts, of what the channel was told in earlier cycles."""
    if channel.is_pager:
        return
    lasting = [alert for alert in alerts if _lasts(channel, bag, situation, alert)]
    if lasting:
        bag.supersede_digests()
    for alert in lasting:
        line = line_of(alert, Change.STILL, severity_of(alert, situation.rules))
        bag.add(line, Purpose.DIGEST, group="")


def _lasts(channel: Channel, bag: Mailbag, situation: Situation, alert: Alert) -> bool:
    if not alert.firing or alert.held or channel.name not in alert.told or situation.is_quiet(alert):
        return False
    if alert.seen_in != situation.facts.cycle_id or (alert.nights - 1) % situation.rules.repeat_every_nights:
        return False
    return alert.nights > 1 and not bag.will_tell(alert.fingerprint)

"""One alert from cycle to cycle: it begins, lasts, ends, flaps; a cycle that could not judge it changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from recloser.notify.rules import is_verified
from recloser.values import Alert, Severity

if TYPE_CHECKING:
    from datetime import datetime

    from recloser.target import Alerts
    from recloser.values import CycleFacts, Finding


def advance(alert: Alert | None, finding: Finding | None, facts: CycleFacts, rules: Alerts) -> Alert:
    """The alert after a cycle.

    Args:
        alert: As it was; None at first sight.
        finding: What the cycle found of it; None where it did not.
        facts: The cycle.
        rules: The target's.
    """
    if alert is None:
        assert finding is not None, "an alert begins with a finding"  # noqa: S101
        return _first(finding, facts)
    if finding is not None:
        moved = _seen(alert, finding, facts)
    elif alert.firing and is_verified(alert.finding, facts):
        moved = _changed(alert, facts, firing=False)
    else:
        moved = alert
    return _flap_checked(moved, facts, rules)


def severity_of(alert: Alert, rules: Alerts) -> Severity:
    """How urgent an alert is by now."""
    base = alert.finding.severity or Severity.INFO
    lasted_too_long = 0 < rules.escalate_after_nights < alert.nights
    return base.worse() if lasted_too_long else base


def _first(finding: Finding, facts: CycleFacts) -> Alert:
    return Alert(
        target=facts.target,
        fingerprint=finding.fingerprint,
        finding=finding,
        firing=True,
        opened_at=facts.at,
        opened_in=facts.cycle_id,
        changed_at=facts.at,
        last_cycle=facts.cycle_id,
        seen_in=facts.cycle_id,
        changes=(facts.at,),
    )


def _seen(alert: Alert, finding: Finding, facts: CycleFacts) -> Alert:
    seen = {"finding": finding, "seen_in": facts.cycle_id}
    if alert.firing:
        return alert.model_copy(update=seen | {"nights": alert.nights + 1})
    anew = {"opened_at": facts.at, "opened_in": facts.cycle_id, "nights": 1}
    return _changed(alert, facts, firing=True).model_copy(update=seen | anew)


def _changed(alert: Alert, facts: CycleFacts, *, firing: bool) -> Alert:
    return alert.model_copy(
        update={"firing": firing, "changed_at": facts.at, "changes": (*alert.changes, facts.at)},
    )


def _flap_checked(alert: Alert, facts: CycleFacts, rules: Alerts) -> Alert:
    recent = _within(alert.changes, facts.at, timedelta(days=rules.flap_window_days))
    held = len(recent) >= rules.flap_changes
    return alert.model_copy(update={"changes": recent, "held": held, "last_cycle": facts.cycle_id})


def _within(moments: tuple[datetime, ...], now: datetime, window: timedelta) -> tuple[datetime, ...]:
    return tuple(moment for moment in moments if now - moment < window)

"""PagerDuty, Events API v2: trigger and resolve share the fingerprint as key, so that repeating one changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from recloser.notify.channels import CALL_TIMEOUT_S
from recloser.notify.channels.web import Api, json_of
from recloser.notify.errors import Postponed
from recloser.notify.words import details, headline, standing
from recloser.values import Purpose, Receipt

if TYPE_CHECKING:
    from recloser.notify.clock import Clock
    from recloser.store import Claim
    from recloser.values import Notice

_SUMMARY_LIMIT = 1_024
_NAME = "PagerDuty"


@dataclass(frozen=True)
class PagerDuty:
    """One service's integration."""

    routing_key: str = field(repr=False)
    url: str = "https://events.pagerduty.com"
    timeout_s: float = CALL_TIMEOUT_S

    place = "pagerduty"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The routing key."""
        return (self.routing_key,)

    def send(self, claim: Claim, clock: Clock) -> Receipt:
        """Trigger or resolve."""
        notice, key = claim.delivery.notice, claim.delivery.thread
        action = "resolve" if notice.purpose is Purpose.RESOLVED else "trigger"
        event: dict[str, Any] = {"routing_key": self.routing_key, "event_action": action, "dedup_key": key}
        if action == "trigger":
            event |= {"payload": _payload(notice), "client": "Recloser"}
        answer = json_of(Api(_NAME, self.url, {}, self.timeout_s).call(clock, "POST", "/v2/enqueue", json=event), _NAME)
        if not isinstance(answer, dict) or answer.get("status") != "success" or answer.get("dedup_key") != key:
            raise Postponed(f"{_NAME}'s answer does not name the event", uncertain=True)
        return Receipt(text=f"{action} accepted, dedup_key {key}")


def _payload(notice: Notice) -> dict[str, Any]:
    lines = notice.lines
    summary = f"{notice.target}: {lines[0].finding.title}" if lines else headline(notice)
    told: dict[str, Any] = {
        "summary": summary[:_SUMMARY_LIMIT],
        "source": notice.target,
        "severity": notice.severity.value,
        "timestamp": notice.at.isoformat(),
    }
    if lines:
        told["class"] = lines[0].finding.kind.value
        told["custom_details"] = {
            "standing": standing(lines[0]),
            "details": list(details(lines[0])),
            "evidence": list(lines[0].finding.evidence),
            "cycle": notice.cycle_id,
            "report": notice.report,
        }
    return told

"""One incident, kept in step with its rows in the store: whatever is known here has been written there first."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from recloser.healing.memory import learn
from recloser.healing.metrics import measure
from recloser.healing.remedies import Change, Proposal, remedy_facts, restore_change
from recloser.values import AttemptRecord, ChangeRecord, ChangeState, Incident, Value, Verdict, utc_now

if TYPE_CHECKING:
    from recloser.healing.site import Site
    from recloser.store import Store
    from recloser.values import Diagnosis, Fleet

APPROVED = "; approved by "
"""In the note of a change: before it why it lies outside the guardrails, behind it who approved it, and why."""
LIVE = frozenset({ChangeState.APPLIED, ChangeState.VERIFIED})
_UNSETTLED = frozenset({ChangeState.PLANNED, ChangeState.APPLIED})
_SPENT = frozenset({ChangeState.REVERTED, ChangeState.FAILED, ChangeState.DECLINED})


class PlannedChange(Value):
    """A change and its record; the record's state tells how far it has come."""

    record: ChangeRecord
    payload: dict[str, Any]
    outside: str = ""
    """Why it lies outside what the target declares; such a change needs a person's consent."""

    @property
    def change(self) -> Change:
        """The change itself."""
        return restore_change(self.payload)


def new_incident_id() -> str:
    """Sorts by time, fits into job, policy and object names, and is hard to meet twice."""
    return f"{utc_now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class Casebook:
    """The incident of one healing."""

    def __init__(self, store: Store, incident: Incident) -> None:
        """Open the book of a new incident, or of one that was left open; `incident` is written at once."""
        self._store = store
        self.incident = incident
        self.manual_interventions = 0
        store.save_incident(incident)
        self._planned = [
            PlannedChange(record=record, payload=payload)
            for record, payload in store.change_payloads(incident.incident_id)
        ]

    @property
    def attempt(self) -> AttemptRecord:
        """The latest attempt."""
        return self.incident.attempts[-1]

    def write_attempt(self, attempt: AttemptRecord) -> AttemptRecord:
        """Add or replace an attempt by its number."""
        self._store.save_attempt(self.incident.incident_id, attempt)
        others = tuple(known for known in self.incident.attempts if known.number != attempt.number)
        self.incident = self.incident.model_copy(update={"attempts": (*others, attempt)})
        return attempt

    def write_fleet(self, fleet: Fleet) -> None:
        """Write down how far the jobs of a fleet have come."""
        self.incident = self.incident.model_copy(update={"fleet": fleet})
        self._store.save_incident(self.incident)

    def amend_attempt(self, **facts: Any) -> AttemptRecord:
        """Add facts to the latest attempt."""
        return self.write_attempt(self.attempt.model_copy(update=facts))

    def plan(self, change: Change, site: Site, diagnosis: Diagnosis, *, outside: str = "") -> PlannedChange:
        """Write a change down before anything is written to the account."""
        attempt = self.attempt.number if self.incident.attempts else 0
        facts = remedy_facts().get(change.kind)
        record = ChangeRecord(
            change_id=f"{self.incident.incident_id}-{len(self.incident.changes) + 1}",
            attempt=attempt,
            remedy=change.remedy if isinstance(change, Proposal) else change.kind,
            level=change.level,
            cause=diagnosis.cause,
            state=ChangeState.PLANNED,
            planned_at=utc_now(),
            note=site.redact(outside),
            cost=facts.cost if facts else "",
            blast_radius=facts.blast_radius if facts else "",
            **change.wording(site).model_dump(),
        )
        planned = PlannedChange(record=record, payload=change.model_dump(mode="json"), outside=outside)
        self._store.plan_change(self.incident.incident_id, record, planned.payload)
        self._planned.append(planned)
        self._show_changes()
        return planned

    def settle(self, planned: PlannedChange, state: ChangeState, note: str = "") -> ChangeRecord:
        """Write down how far a change has come; who approved it outside the guardrails stays written beside it."""
        change_id = planned.record.change_id
        known_as = next((one.record.note for one in self._planned if one.record.change_id == change_id), "")
        if note and APPROVED in known_as:
            note = f"{known_as}; {note}"
        record = self._store.settle_change(planned.record.change_id, state, note)
        self._planned = [
            known.model_copy(update={"record": record}) if known.record.change_id == record.change_id else known
            for known in self._planned
        ]
        self._show_changes()
        return record

    def _show_changes(self) -> None:
        self.incident = self.incident.model_copy(update={"changes": tuple(known.record for known in self._planned)})

    def in_state(self, *states: ChangeState) -> tuple[PlannedChange, ...]:
        """Changes that stand so, oldest first."""
        return tuple(known for known in self._planned if known.record.state in states)

    def unsettled(self) -> tuple[PlannedChange, ...]:
        """Changes that a killed process left between being planned and being verified."""
        return tuple(known for known in self._planned if known.record.state in _UNSETTLED)

    @property
    def is_answered(self) -> bool:
        """Whether a change in force answers the latest attempt, so that the next one is due."""
        return any(known.record.attempt == self.attempt.number for known in self.live())

    def live(self) -> tuple[PlannedChange, ...]:
        """Changes in force, oldest first."""
        return tuple(known for known in self._planned if known.record.state in LIVE)

    def answers(self, diagnosis: Diagnosis) -> tuple[PlannedChange, ...]:
        """Changes in force that were meant to cure the same problem."""
        return tuple(known for known in self.live() if self._problem(known.record) == diagnosis.problem)

    def spent(self, diagnosis: Diagnosis) -> frozenset[str]:
        """Remedies that were tried or declined for the same problem."""
        return frozenset(
            known.record.remedy
            for known in self._planned
            if known.record.state in _SPENT and self._problem(known.record) == diagnosis.problem
        )

    def place_of(self, planned: PlannedChange, site: Site) -> Site:
        """Where a change is made: in the region of the attempt it answers."""
        answered = (attempt for attempt in self.incident.attempts if attempt.number == planned.record.attempt)
        return site.at(next((attempt.region for attempt in answered), None))

    def _problem(self, record: ChangeRecord) -> object:
        answered = next((attempt for attempt in self.incident.attempts if attempt.number == record.attempt), None)
        return answered.diagnosis.problem if answered and answered.diagnosis else None

    def close(self, verdict: Verdict, reason: str, **facts: Any) -> Incident:
        """End the incident; the first verdict stands.

        Args:
            verdict: How it ended.
            reason: Why, for the person who must act.
            facts: Other fields of the incident that are known only now.
        """
        if self.incident.verdict is Verdict.OPEN:
            ending = {"verdict": verdict, "reason": reason, "closed_at": utc_now(), **facts}
            closed = self.incident.model_copy(update=ending)
            metrics = measure(closed, manual_interventions=self.manual_interventions)
            self.incident = closed.model_copy(update={"metrics": metrics})
            self._store.save_incident(self.incident)
            learn(self._store.memory, self.incident)
        return self.incident

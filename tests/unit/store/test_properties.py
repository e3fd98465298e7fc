"""Any sequence of saves reads back exactly, and no illegal step is ever taken."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import create_engine

from recloser.store import Store, StoreError
from recloser.store.tables import Base
from recloser.store.transitions import MAY_FOLLOW
from recloser.values import AttemptRecord, ChangeRecord, ChangeState, Incident
from tests.unit.store.strategies import any_text, attempts, bare_incidents, encodable_text, payloads, planned_changes

ids = st.text("0123456789abcdef-", min_size=1, max_size=6)


class StoreMachine(RuleBasedStateMachine):
    """A store beside a plain dictionary that does the same."""

    incident_ids = Bundle("incident_ids")
    change_ids = Bundle("change_ids")

    def __init__(self, url: str) -> None:
        super().__init__()
        self.store = Store.open(url)
        empty(url)
        self.own: dict[str, Incident] = {}
        self.attempts: dict[str, dict[int, AttemptRecord]] = {}
        self.changes: dict[str, tuple[str, ChangeRecord, dict[str, Any]]] = {}

    @initialize(target=incident_ids, incident=bare_incidents(incident_id=ids))
    def first_incident(self, incident: Incident) -> str:
        """There is always an incident to work on."""
        return self.save_incident(incident)

    @rule(target=incident_ids, incident=bare_incidents(incident_id=ids))
    def another_incident(self, incident: Incident) -> str:
        """Save an incident, perhaps one that is there already."""
        return self.save_incident(incident)

    @rule(incident_id=incident_ids, attempt=attempts(number=st.integers(1, 3)))
    def save_attempt(self, incident_id: str, attempt: AttemptRecord) -> None:
        """Save an attempt, perhaps one that is there already."""
        self.store.save_attempt(incident_id, attempt)
        self.attempts[incident_id][attempt.number] = attempt

    @rule(
        target=change_ids, incident_id=incident_ids, record=planned_changes(), payload=payloads(), name=encodable_text
    )
    def plan_change(self, incident_id: str, record: ChangeRecord, payload: dict[str, Any], name: str) -> str:
        """Plan a change."""
        fresh = record.model_copy(update={"change_id": f"{len(self.changes)}{name}"})
        self.store.plan_change(incident_id, fresh, payload)
        self.changes[fresh.change_id] = (incident_id, fresh, payload)
        return fresh.change_id

    @rule(change_id=change_ids, state=st.sampled_from(ChangeState), note=any_text)
    def settle_change(self, change_id: str, state: ChangeState, note: str) -> None:
        """Take a step, or see it refused."""
        incident_id, present, payload = self.changes[change_id]
        if state is not present.state and state not in MAY_FOLLOW[present.state]:
            with pytest.raises(StoreError):
                self.store.settle_change(change_id, state, note)
            return
        settled = self.store.settle_change(change_id, state, note)
        expected = present.model_copy(update={"state": state, "note": note or present.note})
        if state is not present.state:
            expected = expected.model_copy(update={"settled_at": settled.settled_at})
        else:
            expected = present
        assert settled == expected
        self.changes[change_id] = (incident_id, settled, payload)

    @rule(incident_id=consumes(incident_ids))
    def read(self, incident_id: str) -> None:
        """Whatever was saved, in whatever order, is read as it was given."""
        changes = tuple((record, payload) for owner, record, payload in self.changes.values() if owner == incident_id)
        by_number = tuple(attempt for _, attempt in sorted(self.attempts[incident_id].items()))
        parts = {"attempts": by_number, "changes": tuple(record for record, _ in changes)}
        assert self.store.incident(incident_id) == self.own[incident_id].model_copy(update=parts)
        assert self.store.change_payloads(incident_id) == changes

    def teardown(self) -> None:
        """Read everything once more."""
        try:
            for incident_id in self.own:
                self.read(incident_id)
        finally:
            self.store.close()

    def save_incident(self, incident: Incident) -> str:
        """Save an incident in both places."""
        self.store.save_incident(incident)
        self.own[incident.incident_id] = incident
        self.attempts.setdefault(incident.incident_id, {})
        return incident.incident_id


def empty(url: str) -> None:
    """Forget what the last example saved."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()


def test_any_sequence_of_saves_reads_back_exactly(url: str) -> None:
    """On both databases, whatever is saved in whatever order."""
    steps = settings(
        max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(lambda: StoreMachine(url), settings=steps)

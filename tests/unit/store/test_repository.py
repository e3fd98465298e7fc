"""What is saved is what is read."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta, timezone

import pytest
from pydantic import SecretStr

from recloser.store import Store, StoreError
from recloser.values import AttemptRecord, ChangeRecord, ChangeState, Incident, JobState, OutputCheck, Verdict


class TestIncident:
    """One incident."""

    def test_comes_back_with_attempts_by_number_and_changes_as_planned(
        self, store: Store, incident: Incident, attempt: AttemptRecord, change: ChangeRecord
    ) -> None:
        """An incident is read whole, whatever the order its parts were saved in."""
        second, earlier = attempt.model_copy(update={"number": 2}), change.model_copy(update={"change_id": "a-0"})
        store.save_incident(incident)
        for saved in (second, attempt):
            store.save_attempt(incident.incident_id, saved)
        for planned in (change, earlier):
            store.plan_change(incident.incident_id, planned, {})
        whole = {"attempts": (attempt, second), "changes": (change, earlier)}
        assert store.incident(incident.incident_id) == incident.model_copy(update=whole)

    def test_saving_again_updates_its_own_fields_only(
        self, store: Store, incident: Incident, attempt: AttemptRecord
    ) -> None:
        """An incident saved without its attempts keeps the attempts saved before."""
        store.save_incident(incident)
        store.save_attempt(incident.incident_id, attempt)
        closed = incident.model_copy(update={"verdict": Verdict.LOCKED_OUT, "reason": "a defect in the code"})
        store.save_incident(closed)
        assert store.incident(incident.incident_id) == closed.model_copy(update={"attempts": (attempt,)})

    def test_is_found_by_a_beginning_of_its_id_that_no_other_shares(self, store: Store, incident: Incident) -> None:
        """A person may give the beginning of an id; a whole id is never taken for a beginning."""
        for name in ("ab", "abc", "b_1", "bX1"):
            store.save_incident(incident.model_copy(update={"incident_id": name}))
        assert store.incident("ab").incident_id == "ab"
        assert store.incident("abc").incident_id == "abc"
        assert store.incident("b_").incident_id == "b_1"

    @pytest.mark.parametrize("asked", ["", "a", "AB", "x", "%"])
    def test_is_refused_when_none_or_several_fit(self, store: Store, incident: Incident, asked: str) -> None:
        """An id that fits none, or more than one, is an error that names it."""
        for name in ("ab1", "ab2"):
            store.save_incident(incident.model_copy(update={"incident_id": name}))
        with pytest.raises(StoreError, match=f"'{asked}'"):
            store.incident(asked)

    def test_times_come_back_in_utc(self, store: Store, incident: Incident) -> None:
        """A moment given in another zone is the same moment, in UTC, on the way out."""
        india = incident.opened_at.astimezone(timezone(timedelta(hours=5, minutes=30)))
        store.save_incident(incident.model_copy(update={"opened_at": india}))
        read = store.incident(incident.incident_id).opened_at
        assert read == incident.opened_at
        assert read.tzinfo == UTC


class TestIncidents:
    """Incidents as they are searched for."""

    def test_are_newest_first_and_limited(self, store: Store, incident: Incident) -> None:
        """A list shows the newest incidents, of one target where it is given."""
        for hour, target in enumerate(["optimo", "grid", "optimo"]):
            later = incident.opened_at + timedelta(hours=hour)
            store.save_incident(
                incident.model_copy(update={"incident_id": f"i{hour}", "target": target, "opened_at": later})
            )
        assert [found.incident_id for found in store.incidents()] == ["i2", "i1", "i0"]
        assert [found.incident_id for found in store.incidents(target="optimo")] == ["i2", "i0"]
        assert [found.incident_id for found in store.incidents(limit=1)] == ["i2"]
        assert store.incidents(limit=0) == store.incidents(limit=-1) == store.incidents(target="unknown") == ()

    def test_unfinished_is_the_newest_open_one_of_the_target(self, store: Store, incident: Incident) -> None:
        """An interrupted run is found again; one with a verdict is not."""
        states = [
            ("optimo", Verdict.OPEN),
            ("optimo", Verdict.OPEN),
            ("optimo", Verdict.HEALED),
            ("grid", Verdict.OPEN),
        ]
        for hour, (target, verdict) in enumerate(states):
            at = incident.opened_at + timedelta(hours=hour)
            fields = {"incident_id": f"i{hour}", "target": target, "verdict": verdict, "opened_at": at}
            store.save_incident(incident.model_copy(update=fields))
        found = store.unfinished("optimo")
        assert found is not None
        assert found.incident_id == "i1"
        assert store.unfinished("unknown") is None

    def test_last_success_left_its_outputs(self, store: Store, incident: Incident, attempt: AttemptRecord) -> None:
        """The newest success counts, a later failure or one without its outputs does not."""
        bad = OutputCheck(uri="s3://b/schedule.csv", ok=False, detail="missing")
        good = attempt.model_copy(update={"state": JobState.SUCCEEDED})
        store.save_incident(incident)
        assert store.last_success("optimo") is None
        for number, fields in enumerate([{}, {}, {"outputs": (bad,)}, {"state": JobState.FAILED}], start=1):
            at = attempt.submitted_at + timedelta(minutes=number)
            store.save_attempt(
                incident.incident_id, good.model_copy(update={"number": number, "submitted_at": at, **fields})
            )
        found = store.last_success("optimo")
        assert found is not None
        assert found.number == 2
        assert store.last_success("grid") is None


class TestAttempt:
    """Attempts are kept by number."""

    def test_of_the_same_number_is_updated(self, store: Store, incident: Incident, attempt: AttemptRecord) -> None:
        """An intended submission becomes a submitted one in place."""
        store.save_incident(incident)
        store.save_attempt(incident.incident_id, attempt.model_copy(update={"job_id": None, "state": None}))
        store.save_attempt(incident.incident_id, attempt)
        assert store.incident(incident.incident_id).attempts == (attempt,)

    def test_needs_its_incident(self, store: Store, attempt: AttemptRecord) -> None:
        """An attempt of an unknown incident is refused."""
        with pytest.raises(StoreError, match="no incident 'i-0'"):
            store.save_attempt("i-0", attempt)

    def test_whose_name_no_database_can_hold_is_an_error_of_the_store(
        self, store: Store, incident: Incident, attempt: AttemptRecord
    ) -> None:
        """Half a character in a column is refused with one clear message."""
        store.save_incident(incident)
        with pytest.raises(StoreError, match="surrogates not allowed"):
            store.save_attempt(incident.incident_id, attempt.model_copy(update={"job_id": "\ud800"}))

    def test_may_be_saved_from_many_threads(self, store: Store, incident: Incident, attempt: AttemptRecord) -> None:
        """No attempt is lost when several threads write at once."""
        store.save_incident(incident)
        numbered = [attempt.model_copy(update={"number": number}) for number in range(1, 41)]
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda one: store.save_attempt(incident.incident_id, one), numbered))
        assert store.incident(incident.incident_id).attempts == tuple(numbered)


class TestPlannedChange:
    """The write-ahead of a change."""

    def test_is_written_with_its_payload(self, store: Store, incident: Incident, change: ChangeRecord) -> None:
        """What is needed to apply or revert a change after a kill is read as it was written."""
        store.save_incident(incident)
        store.plan_change(incident.incident_id, change, {"before": None, "after": ["ü", 1.5]})
        assert store.change_payloads(incident.incident_id) == ((change, {"before": None, "after": ["ü", 1.5]}),)
        assert store.change_payloads("unknown") == ()

    def test_may_be_planned_again_unchanged(self, store: Store, incident: Incident, change: ChangeRecord) -> None:
        """A retried write-ahead leaves one change."""
        store.save_incident(incident)
        store.plan_change(incident.incident_id, change, {"a": 1})
        store.plan_change(incident.incident_id, change, {"a": 1})
        assert len(store.change_payloads(incident.incident_id)) == 1

    def test_is_never_replaced(self, store: Store, incident: Incident, change: ChangeRecord) -> None:
        """Another payload under the same id is refused, and so is a change that is under way."""
        store.save_incident(incident)
        store.plan_change(incident.incident_id, change, {"a": 1})
        with pytest.raises(StoreError, match="another change"):
            store.plan_change(incident.incident_id, change, {"a": 2})
        store.settle_change(change.change_id, ChangeState.APPLIED)
        with pytest.raises(StoreError, match="another change"):
            store.plan_change(incident.incident_id, change, {"a": 1})

    def test_must_be_planned(self, store: Store, incident: Incident, change: ChangeRecord) -> None:
        """A change that claims to be applied already was not written ahead."""
        store.save_incident(incident)
        with pytest.raises(StoreError, match="is applied: only a planned"):
            store.plan_change(incident.incident_id, change.model_copy(update={"state": ChangeState.APPLIED}), {})

    def test_needs_its_incident(self, store: Store, change: ChangeRecord) -> None:
        """A change of an unknown incident is refused."""
        with pytest.raises(StoreError, match="no incident 'i-0'"):
            store.plan_change("i-0", change, {})

    @pytest.mark.parametrize("value", [SecretStr("hunter2"), float("nan"), object()])
    def test_holds_json_only(self, store: Store, incident: Incident, change: ChangeRecord, value: object) -> None:
        """A payload that is not JSON is refused without repeating it; a secret never is JSON."""
        store.save_incident(incident)
        with pytest.raises(StoreError, match="is not JSON") as refused:
            store.plan_change(incident.incident_id, change, {"value": value})
        assert "hunter2" not in str(refused.value)
        assert store.change_payloads(incident.incident_id) == ()


class TestSettledChange:
    """What became of a change."""

    def test_says_when_and_why(self, store: Store, incident: Incident, change: ChangeRecord) -> None:
        """A step is kept with its note and its time, and returned as it is kept."""
        store.save_incident(incident)
        store.plan_change(incident.incident_id, change, {})
        settled = store.settle_change(change.change_id, ChangeState.APPLIED, "by hand")
        assert (settled.state, settled.note) == (ChangeState.APPLIED, "by hand")
        assert settled.settled_at is not None
        assert store.incident(incident.incident_id).changes == (settled,)

    def test_keeps_its_note_when_no_other_is_given(
        self, store: Store, incident: Incident, change: ChangeRecord
    ) -> None:
        """Who approved a change is not forgotten when it is applied."""
        store.save_incident(incident)
        store.plan_change(incident.incident_id, change, {})
        assert store.settle_change(change.change_id, ChangeState.APPLIED).note == "approved by Ada"

    def test_settling_it_again_changes_nothing(self, store: Store, incident: Incident, change: ChangeRecord) -> None:
        """The same state again keeps the first note and time."""
        store.save_incident(incident)
        store.plan_change(incident.incident_id, change, {})
        first = store.settle_change(change.change_id, ChangeState.DECLINED, "no")
        assert store.settle_change(change.change_id, ChangeState.DECLINED, "still no") == first

    def test_must_be_written_down(self, store: Store) -> None:
        """An unknown change cannot be settled."""
        with pytest.raises(StoreError, match="no change c-9"):
            store.settle_change("c-9", ChangeState.APPLIED)

"""What is learned from incidents, kept and asked for on both databases."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import create_engine, func, select

from recloser.store import Store, StoreError
from recloser.store.tables import Base
from recloser.values import (
    AttemptRecord,
    Cause,
    ChangeRecord,
    Evidence,
    Incident,
    JobState,
    Label,
    Occurrence,
    Outcome,
    Verdict,
)
from tests.postgresql_fixture import run_sql


def saved(store: Store, incident: Incident, *names: str) -> None:
    """Incidents of these ids, an hour apart."""
    for hour, name in enumerate(names):
        at = incident.opened_at + timedelta(hours=hour)
        store.save_incident(incident.model_copy(update={"incident_id": name, "opened_at": at}))


def outcome(name: str, at: datetime, *, worked: bool = True, **fields: object) -> Outcome:
    """What came of raising the memory limit for S020 on optimo."""
    facts = {"target": "optimo", "signature": "S020", "cause": Cause.OOM, "remedy": "raise_memory", "attempt": 1}
    return Outcome.model_validate(facts | {"incident_id": name, "at": at, "worked": worked} | fields)


def label(name: str, cause: Cause, at: datetime, note: str = "") -> Label:
    """Ada's word."""
    return Label(incident_id=name, cause=cause, who="ada", at=at, note=note)


class TestEvidence:
    """What was seen of a failed attempt."""

    def test_comes_back_without_environment_values(
        self, store: Store, url: str, incident: Incident, occurrence: Occurrence, evidence: Evidence
    ) -> None:
        """Every text is exact, NUL included; a variable keeps its name and loses its value, in the file as well."""
        store.save_incident(incident)
        store.memory.remember(occurrence, evidence)
        (read,) = store.memory.evidence(incident.incident_id).values()
        assert read.log == evidence.log
        assert read.job.environment["DB_PASSWORD"].get_secret_value() == "**********"
        assert store.memory.occurrences(incident.incident_id) == (occurrence,)

    def test_of_the_same_attempt_is_replaced(
        self, store: Store, incident: Incident, occurrence: Occurrence, evidence: Evidence
    ) -> None:
        """A step that is repeated after a crash counts once."""
        store.save_incident(incident)
        store.memory.remember(occurrence, evidence)
        store.memory.remember(occurrence.model_copy(update={"cause": Cause.OOM}), evidence)
        assert [kept.cause for kept in store.memory.occurrences(incident.incident_id)] == [Cause.OOM]

    def test_needs_its_incident(self, store: Store, occurrence: Occurrence, evidence: Evidence) -> None:
        """Nothing is learned of an incident that is not there."""
        with pytest.raises(StoreError, match="no incident 'i-2026'"):
            store.memory.remember(occurrence, evidence)

    def test_that_is_damaged_is_an_error_of_the_store(
        self, store: Store, url: str, incident: Incident, occurrence: Occurrence, evidence: Evidence
    ) -> None:
        """Bytes that are no evidence are reported, not raised as they come."""
        store.save_incident(incident)
        store.memory.remember(occurrence, evidence)
        damage = "UPDATE evidence SET packed = {}'abcdef'"  # a literal of bytes is written in two ways
        run_sql(url, damage.format("X" if url.startswith("sqlite") else ""))
        with pytest.raises(StoreError, match="unreadable evidence"):
            store.memory.evidence(incident.incident_id)


class TestRecurrence:
    """How often a kind of failure was seen."""

    def test_counts_other_incidents_and_names_the_places(
        self, store: Store, incident: Incident, occurrence: Occurrence, evidence: Evidence
    ) -> None:
        """Two attempts of one incident are one time; the present incident does not count."""
        saved(store, incident, "a", "b", "c")
        for day, (name, attempt, definition) in enumerate(
            [("a", 1, "optimo:3"), ("a", 2, "optimo:3"), ("b", 1, "x:1")]
        ):
            fields = {"incident_id": name, "attempt": attempt, "definition": definition}
            at = occurrence.seen_at + timedelta(days=day)
            store.memory.remember(occurrence.model_copy(update=fields | {"seen_at": at}), evidence)
        found = store.memory.recurrence("f0f0", besides="c")
        assert found is not None
        assert (found.times, found.since, found.last) == (2, occurrence.seen_at, at)
        assert (found.queues, found.definitions) == (("night",), ("optimo:3", "x:1"))
        without = store.memory.recurrence("f0f0", besides="b")
        assert without is not None
        assert without.said == "seen once on Mon 2026-05-04, always queue night, always definition optimo:3"
        assert store.memory.recurrence("f1f1") is None
        assert store.memory.moulds(besides="c") == {"f0f0": occurrence.mould}


class TestOutcomes:
    """What came of remedies."""

    def test_are_replaced_whole_and_found_at_their_level(self, store: Store, incident: Incident) -> None:
        """Here, for the signature elsewhere, for other signatures: each outcome once, newest first."""
        saved(store, incident, "a", "b", "c", "d")
        at = incident.opened_at
        here = [outcome("a", at), outcome("b", at + timedelta(hours=1), worked=False)]
        elsewhere, otherwise = outcome("c", at, target="grid"), outcome("d", at, signature="S021")
        store.memory.save_outcomes("a", [outcome("a", at, remedy="retry_same")])
        for one in (*here, elsewhere, otherwise):
            store.memory.save_outcomes(one.incident_id, [one])
        assert store.memory.outcomes("S020", "optimo", ["raise_memory"]) == (*here[::-1], elsewhere, otherwise)
        assert store.memory.outcomes("S020", "optimo", ["retry_same"]) == ()
        assert store.memory.record("grid") == (elsewhere,)

    def test_do_not_count_where_a_person_names_another_cause(self, store: Store, incident: Incident) -> None:
        """A remedy is not blamed for a diagnosis that was wrong; a label that agrees brings it back."""
        saved(store, incident, "a")
        store.memory.save_outcomes("a", [outcome("a", incident.opened_at)])
        store.memory.label(label("a", Cause.TIMEOUT, incident.opened_at))
        assert store.memory.record("optimo") == ()
        store.memory.label(label("a", Cause.OOM, incident.opened_at))
        assert len(store.memory.record("optimo")) == 1
        store.memory.label(label("a", Cause.TIMEOUT, incident.opened_at))
        store.memory.save_outcomes("a", [outcome("a", incident.opened_at)])
        assert store.memory.outcomes("S020", "optimo", ["raise_memory"]) == ()


class TestLabel:
    """What a person says of an incident."""

    def test_is_kept_with_its_history_and_the_newest_counts(
        self, store: Store, incident: Incident, occurrence: Occurrence, evidence: Evidence
    ) -> None:
        """Who said what, and when; the last word is in force."""
        saved(store, incident, "i-2026", "other")
        store.memory.remember(occurrence, evidence)
        first = label("i-2026", Cause.OOM, incident.opened_at, note="see the dashboard")
        second = label("i-2026", Cause.TIMEOUT, incident.opened_at + timedelta(minutes=1))
        store.memory.label(first)
        store.memory.label(second)
        assert store.memory.labels("i-2026") == (first, second)
        assert store.memory.labels_for("f0f0") == (second,)
        assert store.memory.labels_for("f0f0", besides="i-2026") == ()
        assert store.memory.moulds(labelled=True) == {"f0f0": occurrence.mould}
        assert [found.incident_id for found in store.incidents(cause=Cause.TIMEOUT)] == ["i-2026"]
        assert store.incidents(cause=Cause.OOM) == ()
        assert [found.incident_id for found in store.incidents(cause=Cause.UNKNOWN)] == ["i-2026"]

    def test_needs_its_incident(self, store: Store, incident: Incident) -> None:
        """A label of nothing is refused."""
        with pytest.raises(StoreError, match="no incident 'a'"):
            store.memory.label(label("a", Cause.OOM, incident.opened_at))


def test_incidents_are_found_from_a_moment_on(store: Store, incident: Incident) -> None:
    """`since` takes the moment itself, in whatever zone it is given."""
    saved(store, incident, "a", "b", "c")
    since = incident.opened_at + timedelta(hours=1)
    assert [found.incident_id for found in store.incidents(since=since)] == ["c", "b"]


class TestForgetting:
    """Old incidents and all that belongs to them."""

    def test_leaves_nothing_of_an_old_incident(
        self,
        *,
        store: Store,
        url: str,
        incident: Incident,
        attempt: AttemptRecord,
        change: ChangeRecord,
        occurrence: Occurrence,
        evidence: Evidence,
    ) -> None:
        """Every table is empty after its only incident was forgotten."""
        closed = incident.opened_at + timedelta(hours=1)
        store.save_incident(incident.model_copy(update={"verdict": Verdict.LOCKED_OUT, "closed_at": closed}))
        store.save_attempt("i-2026", attempt)
        store.plan_change("i-2026", change, {})
        store.memory.remember(occurrence, evidence)
        store.memory.save_outcomes("i-2026", [outcome("i-2026", closed)])
        store.memory.label(label("i-2026", Cause.OOM, closed))
        assert store.memory.forget(closed) == 0
        assert store.memory.forget(closed + timedelta(seconds=1)) == 1
        engine = create_engine(url)
        with engine.connect() as connection:
            left = {t.name: connection.scalar(select(func.count()).select_from(t)) for t in Base.metadata.sorted_tables}
        engine.dispose()
        assert set(left.values()) == {0}, left

    def test_keeps_what_is_open_and_each_targets_newest_success(
        self, store: Store, incident: Incident, attempt: AttemptRecord
    ) -> None:
        """A remedy restores from the last success, however old it is."""
        closed = {"verdict": Verdict.HEALED, "closed_at": incident.opened_at}
        for day, (name, fields) in enumerate([("old", closed), ("best", closed), ("open", {}), ("failed", closed)]):
            store.save_incident(incident.model_copy(update=fields | {"incident_id": name}))
            state = JobState.FAILED if name == "failed" else JobState.SUCCEEDED
            at = attempt.submitted_at + timedelta(days=-day if name == "open" else day)
            store.save_attempt(name, attempt.model_copy(update={"state": state, "submitted_at": at}))
        assert store.memory.forget(incident.opened_at + timedelta(days=400)) == 2
        assert {found.incident_id for found in store.incidents()} == {"best", "open"}

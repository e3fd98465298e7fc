"""Two processes at once, hostile text, and databases that are gone, locked or wrong: one clear error, nothing lost."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from recloser.store import Store, StoreError, engine
from recloser.values import AttemptRecord, ChangeRecord, ChangeState, Diagnosis, Incident
from tests.postgresql_fixture import run_sql

HOLD_WHEN_TOLD = """
import sys
from recloser.store import Store
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    print(store.hold("optimo", sys.argv[2], is_gone=lambda owner, seen: False), flush=True)
    sys.stdin.readline()
"""
SAVE_WHEN_TOLD = """
import sys
from recloser.store import Store
from recloser.values import AttemptRecord, ChangeRecord
attempt, change = AttemptRecord.model_validate_json(sys.argv[2]), ChangeRecord.model_validate_json(sys.argv[3])
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(20):
        store.save_attempt("i-2026", attempt)
        store.plan_change("i-2026", change, {"a": 1})
"""
END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE starts_with(datname, 'recloser') AND pid <> pg_backend_pid()
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    """A process of its own that waits to be told."""
    command = [sys.executable, "-W", "error", "-c", program, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def tell(process: subprocess.Popen[str]) -> None:
    """Let it go on."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line it prints."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


class TestTwoProcesses:
    """Whoever else works on the store."""

    def test_only_one_takes_hold_of_a_target(self, url: str) -> None:
        """Of two that reach for it at the same moment one gets it, and the other is told who has it."""
        both = {name: start(HOLD_WHEN_TOLD, url, name) for name in ("ada", "ben")}
        assert [line_of(process) for process in both.values()] == ["ready"] * 2
        for process in both.values():
            tell(process)
        told = {name: line_of(process) for name, process in both.items()}
        for process in both.values():
            tell(process)
        assert [process.communicate()[1] for process in both.values()] == ["", ""]
        assert told in ({"ada": "None", "ben": "ada"}, {"ada": "ben", "ben": "None"})

    def test_may_save_the_same_incident(
        self, url: str, incident: Incident, attempt: AttemptRecord, change: ChangeRecord
    ) -> None:
        """The same attempt and change from two sides are one attempt and one change."""
        with Store.open(url) as store:
            store.save_incident(incident)
            arguments = (url, attempt.model_dump_json(), change.model_dump_json())
            both = [start(SAVE_WHEN_TOLD, *arguments) for _ in range(2)]
            assert [line_of(process) for process in both] == ["ready"] * 2
            for process in both:
                tell(process)
            assert [process.communicate()[1] for process in both] == ["", ""]
            whole = incident.model_copy(update={"attempts": (attempt,), "changes": (change,)})
            assert store.incident(incident.incident_id) == whole

    def test_who_lets_go_makes_room(self, store: Store) -> None:
        """A release by another is none; after the holder's own, the next one gets it."""

        def lives(owner: str, seen: object) -> bool:
            return False

        assert store.hold("optimo", "ada", is_gone=lives) is None
        assert store.hold("optimo", "ada", is_gone=lives) is None
        store.release("optimo", "ben")
        assert store.hold("optimo", "ben", is_gone=lives) == "ada"
        store.release("optimo", "ada")
        assert store.hold("optimo", "ben", is_gone=lives) is None

    def test_who_is_dead_is_followed(self, store: Store) -> None:
        """A holder that is seen to be gone holds nothing."""
        store.hold("optimo", "ada", is_gone=lambda owner, seen: False)
        assert store.hold("optimo", "ben", is_gone=lambda owner, seen: owner == "ada") is None


class TestHostileText:
    """What a job may print."""

    @pytest.mark.parametrize("text", ["a\0b", "\ud800 half", "x" * 1_000_000, "'); DROP TABLE attempts; --", "\\u0000"])
    def test_is_kept_as_it_is(self, store: Store, incident: Incident, attempt: AttemptRecord, text: str) -> None:
        """NUL, halves of characters, a megabyte and SQL come back exactly, on both databases."""
        diagnosis = Diagnosis(cause="unknown", signature="none", summary=text, confidence=0, subject=text)
        hostile = attempt.model_copy(update={"log_excerpt": (text,), "diagnosis": diagnosis, "container_reason": text})
        store.save_incident(incident)
        store.save_attempt(incident.incident_id, hostile)
        assert store.incident(incident.incident_id).attempts == (hostile,)

    @pytest.mark.parametrize("name", ["a\0b", "a\ud800"])
    def test_is_refused_as_a_name(self, store: Store, incident: Incident, name: str) -> None:
        """What one database cannot look up, neither keeps."""
        with pytest.raises(StoreError, match="NUL|surrogates"):
            store.save_incident(incident.model_copy(update={"target": name}))
        with pytest.raises(StoreError, match="NUL|surrogates|no incident"):
            store.incident(name)
        assert store.incidents() == ()


class TestAbsentServer:
    """A database server that does not answer."""

    def test_is_named_without_the_password(self, tmp_path: Path) -> None:
        """No server at the place the URL names."""
        with pytest.raises(StoreError, match=r"postgresql\+psycopg://me:\*\*\*@.* failed: ") as refused:
            Store.open(f"postgresql://me:hunter22@/recloser?host={tmp_path}")
        assert "hunter22" not in str(refused.value)

    def test_wants_a_database_that_exists(self, postgresql_url: str) -> None:
        """A server without the database that the URL names."""
        absent = make_url(postgresql_url).set(database="nowhere", password="hunter22")
        with pytest.raises(StoreError, match='database "nowhere" does not exist') as refused:
            Store.open(absent.render_as_string(hide_password=False))
        assert "hunter22" not in str(refused.value)

    def test_may_come_back(self, postgresql_url: str, incident: Incident, change: ChangeRecord) -> None:
        """Gone in the middle of a run: a clear error, nothing half written; back again: the same store goes on."""
        url = make_url(postgresql_url)
        admin = url.set(database="postgres").render_as_string(hide_password=False)
        with Store.open(postgresql_url) as store:
            store.save_incident(incident)
            store.plan_change(incident.incident_id, change, {})
            run_sql(admin, f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false")
            run_sql(admin, END_OTHERS)
            with pytest.raises(StoreError, match="not currently accepting connections"):
                store.settle_change(change.change_id, ChangeState.APPLIED)
            run_sql(admin, f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true")
            assert store.incident(incident.incident_id).changes == (change,)

    def test_of_another_make_is_refused(self) -> None:
        """Recloser promises two databases, and says so."""
        with pytest.raises(StoreError, match=r"no driver|neither SQLite nor PostgreSQL"):
            Store.open("mysql://me:hunter22@localhost/recloser")


class TestLockedDatabase:
    """Another program that does not let go."""

    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.2)

    @pytest.fixture
    def locked(self, url: str, incident: Incident) -> Iterator[Store]:
        """A store with one incident, whose tables somebody else holds."""
        lock = "BEGIN IMMEDIATE" if url.startswith("sqlite") else "LOCK TABLE incidents IN ACCESS EXCLUSIVE MODE"
        somebody = create_engine(url)
        with Store.open(url) as store:
            store.save_incident(incident)
            with somebody.connect() as other:
                other.exec_driver_sql(lock)
                yield store
        somebody.dispose()

    def test_is_waited_for_and_then_named(self, locked: Store, incident: Incident) -> None:
        """A write that gets no turn within the time allowed is an error that changes nothing."""
        with pytest.raises(StoreError, match="locked|lock timeout"):
            locked.save_incident(incident.model_copy(update={"reason": "later"}))

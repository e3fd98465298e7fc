"""Opening a store: fresh, twice at once, and on what is no store."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import TextClause, bindparam, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from recloser.store import Store, StoreError, schema
from recloser.store.tables import Base, UtcTime
from recloser.values import AttemptRecord, Cause, Diagnosis, Incident
from tests.postgresql_fixture import run_sql

OPEN_WHEN_TOLD = """
import sys
from recloser.store import Store
print("ready", flush=True)
sys.stdin.readline()
Store.open(sys.argv[1]).close()
"""
OLD_INCIDENT = "INSERT INTO incidents VALUES ('i-2026', 'optimo', 'auto', 'open', :at, NULL, :body)"
OLD_ATTEMPT = "INSERT INTO attempts VALUES ('i-2026', :number, 'j', 'FAILED', FALSE, :at, :body)"
OLD_UNDIAGNOSED = '{"job_name": "optimo-2", "definition": "optimo:3"}'
OLD_DIAGNOSED = (
    '{"job_name": "optimo-1", "definition": "optimo:3", '
    '"diagnosis": {"cause": "oom", "signature": "S020", "summary": "o", "confidence": 0.9}}'
)


def dated(statement: str) -> TextClause:
    """A statement whose `:at` is a moment, as each database writes it."""
    return text(statement).bindparams(bindparam("at", type_=UtcTime()))


def database_of(url: str) -> Path:
    """The file of a store."""
    return Path(url.removeprefix("sqlite:///"))


def tables(url: str) -> set[str]:
    """The names of the tables in a database; none in one that does not exist."""
    if url.startswith("sqlite") and not database_of(url).exists():
        return set()
    engine = create_engine(url)
    names = inspect(engine).get_table_names()
    engine.dispose()
    return set(names)


class TestFreshPath:
    """A place where nothing is yet."""

    def test_gets_the_folder_and_the_tables(self, url: str) -> None:
        """Opening makes everything that is missing."""
        Store.open(url).close()
        assert {"incidents", "attempts", "changes", "recloser_schema"} <= tables(url)

    def test_of_sqlite_is_written_ahead(self, sqlite_url: str) -> None:
        """Readers and one writer do not wait for each other."""
        Store.open(sqlite_url).close()
        assert run_sql(sqlite_url, "PRAGMA journal_mode") == [("wal",)]

    def test_gets_the_tables_that_the_code_declares(self, url: str) -> None:
        """The migrations and the mapped tables describe the same schema."""
        Store.open(url).close()
        engine = create_engine(url)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE})
            differences = compare_metadata(context, Base.metadata)
        engine.dispose()
        assert differences == []

    def test_may_be_opened_by_several_processes_at_once(self, url: str) -> None:
        """Processes that open a store at the same moment all succeed, and leave one schema."""
        openers = [
            subprocess.Popen(
                [sys.executable, "-W", "error", "-c", OPEN_WHEN_TOLD, url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        for opener in openers:
            assert opener.stdout is not None
            assert opener.stdout.readline() == "ready\n"
        for opener in openers:
            assert opener.stdin is not None
            opener.stdin.write("\n")
            opener.stdin.flush()
        errors = [opener.communicate()[1] for opener in openers]
        assert errors == [""] * 4
        assert [opener.returncode for opener in openers] == [0] * 4
        assert run_sql(url, "SELECT count(*) FROM recloser_schema") == [(1,)]

    def test_is_opened_by_one_at_a_time(self, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """While one opens a store, the folder is locked for every other opener."""
        upgrade = command.upgrade

        def upgrade_while_watched(*args: object) -> None:
            folder = os.open(database_of(sqlite_url).parent, os.O_RDONLY)
            with pytest.raises(BlockingIOError):
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(folder)
            upgrade(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(command, "upgrade", upgrade_while_watched)
        Store.open(sqlite_url).close()
        assert "incidents" in tables(sqlite_url)

    def test_is_left_empty_by_a_migration_that_dies(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A schema is there whole or not at all, and the next opening makes it."""
        upgrade = command.upgrade

        def upgrade_and_die(*args: object) -> None:
            upgrade(*args)  # type: ignore[arg-type]
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(command, "upgrade", upgrade_and_die)
            with pytest.raises(KeyboardInterrupt):
                Store.open(url)
        assert tables(url) == set()
        Store.open(url).close()
        assert "incidents" in tables(url)


class TestKnownPath:
    """A place where something is."""

    def test_keeps_what_was_saved(self, url: str, incident: Incident) -> None:
        """What one process saved, the next one reads."""
        with Store.open(url) as store:
            store.save_incident(incident)
        with Store.open(url) as store:
            assert store.incidents() == (incident,)

    def test_of_a_newer_version_is_refused(self, url: str) -> None:
        """An old Recloser leaves a newer one's store alone."""
        Store.open(url).close()
        run_sql(url, "UPDATE recloser_schema SET version_num = '9999'")
        with pytest.raises(StoreError, match="schema 9999, of a newer Recloser"):
            Store.open(url)

    def test_with_another_program_in_it_is_refused(self, url: str) -> None:
        """A database whose tables are not ours is not touched."""
        if url.startswith("sqlite"):
            database_of(url).parent.mkdir()
        run_sql(url, "CREATE TABLE incidents (mine TEXT)")
        with pytest.raises(StoreError, match="incidents.* already exists"):
            Store.open(url)
        assert tables(url) == {"incidents"}

    @pytest.mark.parametrize("older", ["0001", "0002"])
    def test_of_an_older_version_is_brought_up_with_its_data(self, url: str, older: str, incident: Incident) -> None:
        """What an older Recloser saved is read by this one; its diagnosed failures are counted from then on."""
        if url.startswith("sqlite"):
            database_of(url).parent.mkdir()
        engine = create_engine(url)
        with engine.begin() as connection:
            command.upgrade(schema.alembic_config(connection), older)
            connection.execute(dated(OLD_INCIDENT), {"at": incident.opened_at, "body": '{"iterations": 10}'})
            for number, body in enumerate([OLD_DIAGNOSED, OLD_UNDIAGNOSED], start=1):
                connection.execute(dated(OLD_ATTEMPT), {"number": number, "at": incident.opened_at, "body": body})
        engine.dispose()
        with Store.open(url) as store:
            read = store.incident(incident.incident_id)
            assert (read.target, read.opened_at, len(read.attempts)) == ("optimo", incident.opened_at, 2)
            assert read.attempts[0].diagnosis == Diagnosis(
                cause=Cause.OOM, signature="S020", summary="o", confidence=0.9
            )
            (counted,) = store.memory.occurrences(incident.incident_id)
            assert (counted.cause, counted.signature, counted.definition) == (Cause.OOM, "S020", "optimo:3")
            assert (counted.fingerprint, counted.seen_at) == ("", incident.opened_at)
            assert store.incidents(cause=Cause.OOM) == (read,)
            assert store.memory.evidence(incident.incident_id) == {}

    def test_goes_down_and_up_again(self, url: str) -> None:
        """Every revision can be taken back."""
        Store.open(url).close()
        engine = create_engine(url)
        with engine.begin() as connection:
            command.downgrade(schema.alembic_config(connection), "base")
        engine.dispose()
        assert tables(url) == {"recloser_schema"}
        Store.open(url).close()
        assert "changes" in tables(url)


class TestUnusablePlace:
    """A place where no store can be."""

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("recloser.db", "cannot be read; expected one like sqlite:///"),
            ("sqlite://", "in memory forgets"),
            ("sqlite:///:memory:", "in memory forgets"),
            ("sqlite+aiosqlite:////tmp/r.db", "asynchronous driver"),
            ("oracle+nodriver://u:hunter2@host/db", "no driver for the store oracle\\+nodriver://u:\\*\\*\\*@host/db"),
        ],
    )
    def test_is_named(self, url: str, said: str) -> None:
        """A URL that no store can live at is one clear message without a password."""
        with pytest.raises(StoreError, match=said) as refused:
            Store.open(url)
        assert "hunter2" not in str(refused.value)

    def test_that_is_no_database_is_refused(self, tmp_path: Path) -> None:
        """A file of something else is not overwritten."""
        file = tmp_path / "letters.db"
        file.write_text("Dear Ada, " * 500)
        with pytest.raises(StoreError, match="file is not a database"):
            Store.open(f"sqlite:///{file}")
        assert file.read_text().startswith("Dear Ada")

    def test_below_a_file_is_refused(self, tmp_path: Path) -> None:
        """A folder that cannot be made is named."""
        (tmp_path / "file").touch()
        with pytest.raises(StoreError, match="no folder for the store"):
            Store.open(f"sqlite:///{tmp_path}/file/deep/recloser.db")

    def test_that_is_a_folder_is_refused(self, tmp_path: Path) -> None:
        """A folder is no database."""
        with pytest.raises(StoreError, match="unable to open"):
            Store.open(f"sqlite:///{tmp_path}")


class TestDamagedRow:
    """A store that something else wrote into."""

    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            ('UPDATE attempts SET body = \'{"job_name": "hunter2", "exit_code": "x"}\'', "unreadable AttemptRecord"),
            ("UPDATE attempts SET body = 'hunter2'", "Expecting value"),
            ("UPDATE attempts SET body = '[\"hunter2\"]'", "unreadable"),
            ("UPDATE attempts SET state = 'DREAMING'", "DREAMING"),
            ("DROP TABLE attempts", "no such table|does not exist"),
        ],
    )
    def test_is_an_error_that_shows_nothing_stored(
        self, url: str, incident: Incident, attempt: AttemptRecord, damage: str, said: str
    ) -> None:
        """What cannot be read is reported as such, without the text that is stored."""
        with Store.open(url) as store:
            store.save_incident(incident)
            store.save_attempt(incident.incident_id, attempt)
            run_sql(url, damage)
            with pytest.raises(StoreError, match=said) as refused:
                store.incident(incident.incident_id)
        assert "hunter2" not in str(refused.value)

    def test_of_a_lost_incident_cannot_be_made(self, store: Store) -> None:
        """The database itself refuses an attempt without an incident on a store's connections."""
        orphan = "INSERT INTO attempts VALUES ('i-0', 1, 'j', 'FAILED', FALSE, '2026-01-01', '{}')"
        with store._engine.connect() as connection, pytest.raises(IntegrityError, match="(?i)foreign key"):  # noqa: SLF001
            connection.exec_driver_sql(orphan)

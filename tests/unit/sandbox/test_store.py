"""What the store keeps, and whom it tells."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from recloser.sandbox.batch.model import Job
from recloser.sandbox.batch.store import Store
from recloser.sandbox.errors import StaleStateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    made = Store(tmp_path / "batch.sqlite")
    yield made
    made.close()


def job_named(name: str, **detail: Any) -> Job:
    """A job just submitted."""
    container = {"vcpus": 1, "memory": 10}
    return Job(
        "r",
        {
            "jobId": name,
            "jobName": name,
            "jobQueue": "q",
            "status": "SUBMITTED",
            "container": container,
            "jobDefinition": "d:1",
            "createdAt": 1,
            **detail,
        },
    )


def test_transitions_are_told_once_each(store: Store) -> None:
    """A listener hears of each change of state after it is written, not of the submission, not of other changes."""
    heard: list[tuple[str, str]] = []

    def listen(job: Job) -> None:
        heard.append((job.status, store.jobs("r", [job.id])[0]["status"]))

    store.on_transition(listen)
    job = job_named("one")
    store.add_job(job)
    for status in ("RUNNABLE", "RUNNABLE", "STARTING"):
        job.detail["status"] = status
        store.save_job(job)
    assert heard == [("RUNNABLE", "RUNNABLE"), ("STARTING", "STARTING")]


def test_a_failing_listener_breaks_nothing(store: Store) -> None:
    """What a listener raises is logged; the others hear, and the change stands."""
    heard: list[str] = []

    def fail(job: Job) -> None:
        raise ValueError(job.id)

    store.on_transition(fail)
    store.on_transition(lambda job: heard.append(job.status))
    job = job_named("one")
    store.add_job(job)
    job.detail["status"] = "RUNNABLE"
    store.save_job(job)
    assert heard == ["RUNNABLE"]
    assert store.jobs("r", ["one"])[0]["status"] == "RUNNABLE"


def test_jobs_are_purged_after_their_time(store: Store) -> None:
    """Jobs that ended before the time go, children not before their parent; what has not ended stays."""

    def keep(name: str, status: str, stopped: int | None, **detail: Any) -> None:
        job = job_named(name, **detail)
        store.add_job(job)
        job.detail.update({"status": status, **({} if stopped is None else {"stoppedAt": stopped})})
        store.save_job(job)

    keep("old", "SUCCEEDED", 10)
    keep("young", "FAILED", 20)
    keep("running", "RUNNING", None)
    for parent, status, stopped in (("open", "PENDING", None), ("closed", "FAILED", 10)):
        keep(parent, status, stopped, arrayProperties={"size": 2})
        keep(f"{parent}:0", "SUCCEEDED", 5, arrayProperties={"index": 0})
    assert store.purge(before=20) == 3
    left = store.jobs("r", ["old", "young", "running", "open", "open:0", "closed", "closed:0"])
    assert [job["jobId"] for job in left] == ["young", "running", "open", "open:0"]


def test_array_is_accepted_whole_or_not_at_all(store: Store) -> None:
    """A child that cannot be written takes its parent with it."""
    with pytest.raises(sqlite3.IntegrityError):
        store.add_job(job_named("p"), job_named("p:0"), job_named("p:0"))
    assert store.jobs("r", ["p", "p:0"]) == []


def test_a_database_of_another_version_is_not_read(tmp_path: Path) -> None:
    """An older or a newer one is refused with its version, and stays as it was."""
    path = tmp_path / "batch.sqlite"
    Store(path).close()
    for version in (0, 99):
        with closing(sqlite3.connect(path)) as database:
            database.execute(f"PRAGMA user_version={version}")
        before = path.read_bytes()
        with pytest.raises(StaleStateError, match=f"schema {version}.*sandbox reset"):
            Store(path)
        assert path.read_bytes() == before


def test_a_damaged_database_is_not_read(tmp_path: Path) -> None:
    """Damage in the middle is found when it is opened."""
    path = tmp_path / "batch.sqlite"
    store = Store(path)
    store.add_job(*(job_named(f"job {number}", note="x" * 3000) for number in range(50)))
    store.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StaleStateError, match="cannot be used"):
        Store(path)

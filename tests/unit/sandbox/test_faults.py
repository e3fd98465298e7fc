"""Faults are off until they are set, keep what they are, and count down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.sandbox.batch.distortions import Bucket, Distortions
from recloser.sandbox.batch.faults import Faults, Switches
from recloser.sandbox.batch.model import BatchError, Document, now_ms
from recloser.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pathlib import Path


def test_every_default_means_off() -> None:
    """Nothing is in force unless it is set, and every switch says what it does."""
    assert Faults().in_force() == {}
    assert all(field.description for field in Faults.model_fields.values())


def test_a_restart_finds_them_as_they_were(tmp_path: Path) -> None:
    """What is set, counted down and cleared is on disk."""
    path = tmp_path / "faults.json"
    switches = Switches(path)
    switches.set({"host_loss": 2, "time_scale": 60})
    assert switches.take("host_loss")
    assert Switches(path).now.in_force() == {"host_loss": 1, "time_scale": 60}
    switches.set({"event_delay_s": 1}, clear=True)
    assert Switches(path).now.in_force() == {"event_delay_s": 1}
    path.write_text('{"host_lost": 1}')
    with pytest.raises(SandboxError, match="stale state"):
        Switches(path)


@pytest.mark.parametrize(
    "change", [{"host_los": 1}, {"host_loss": -1}, {"host_loss": 1.5}, {"api_error_percent": 101}, {"time_scale": 0}]
)
def test_bad_values_change_nothing(change: dict[str, float]) -> None:
    """A misspelt or impossible fault is refused by name, and the others stay."""
    switches = Switches()
    switches.set({"host_loss": 1})
    with pytest.raises(SandboxError, match=next(iter(change))):
        switches.set(change)
    assert switches.now.in_force() == {"host_loss": 1}


@given(st.integers(0, 20), st.integers(0, 30))
def test_counted_faults_happen_as_often_as_asked(asked: int, attempts: int) -> None:
    """N means the next N."""
    switches = Switches()
    switches.set({"image_pull_failure": asked})
    assert sum(switches.take("image_pull_failure") for _ in range(attempts)) == min(asked, attempts)


def test_time_scale_shortens() -> None:
    """At 60 a minute takes a second; without it times are AWS's."""
    switches = Switches()
    assert switches.scaled(30) == 30
    switches.set({"time_scale": 60})
    assert switches.scaled(30) == 0.5


def test_lingering_ends_with_the_attempt() -> None:
    """A delayed attempt that is stopped does not wait its delay out."""
    switches = Switches()
    switches.set({"state_delay_s": 86_400})
    looks = iter([False, False, True])
    asyncio.run(switches.linger(lambda: next(looks)))
    assert next(looks, "all looked at") == "all looked at"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200), st.integers(1, 50))
def test_bucket_never_gives_more_than_its_rate(gaps: list[float], rate: int) -> None:
    """Over any time no more calls pass than the bucket holds and the time brings."""
    bucket, now, taken = Bucket(), 100.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(rate, now)
    assert taken <= rate + (now - 100.0) * rate + 1e-6
    assert taken >= min(len(gaps), rate)


def refused(distortions: Distortions) -> str:
    """How the next call is refused."""
    try:
        asyncio.run(distortions.before())
    except BatchError as error:
        return f"{error.status} {error.code}"
    return ""


def test_calls_over_the_rate_and_the_unlucky_are_refused() -> None:
    """429 when the bucket is empty, 500 for the share that is to fail."""
    switches = Switches()
    distortions = Distortions(switches)
    assert refused(distortions) == ""
    switches.set({"throttle_tps": 0.001})
    assert [refused(distortions) for _ in range(2)] == ["", "429 TooManyRequestsException"]
    switches.set({"api_error_percent": 100}, clear=True)
    assert refused(distortions) == "500 ServerException"


def test_answers_lag_and_forget() -> None:
    """Young jobs are not known yet, jobs that ended long ago not any more; other answers stay as they are."""
    now = now_ms()
    jobs: list[Document] = [
        {"jobId": "young", "status": "RUNNING", "createdAt": now},
        {"jobId": "running", "status": "RUNNING", "createdAt": now - 9_000},
        {"jobId": "old", "status": "FAILED", "createdAt": now - 9_000, "stoppedAt": now - 8_000},
    ]
    switches = Switches()
    distortions = Distortions(switches)

    def seen(operation: str, member: str) -> list[str]:
        return [job["jobId"] for job in distortions.after(operation, {member: jobs})[member]]

    assert seen("DescribeJobs", "jobs") == ["young", "running", "old"]
    switches.set({"describe_lag_s": 5})
    assert seen("DescribeJobs", "jobs") == ["running", "old"]
    assert seen("ListJobs", "jobSummaryList") == ["young", "running", "old"]
    switches.set({"list_lag_s": 5, "forget_after_s": 5}, clear=True)
    assert seen("DescribeJobs", "jobs") == ["young", "running"]
    assert seen("ListJobs", "jobSummaryList") == ["running"]
    assert distortions.after("DescribeJobQueues", {"jobQueues": [{}]}) == {"jobQueues": [{}]}

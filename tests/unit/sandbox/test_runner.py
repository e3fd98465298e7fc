"""One attempt, with real processes but neither MiniStack nor HTTP: limits, last words, a log service that fails."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from recloser.sandbox.batch import logs as logs_module
from recloser.sandbox.batch.faults import Switches
from recloser.sandbox.batch.model import Job
from recloser.sandbox.batch.poller import PollingGuard
from recloser.sandbox.batch.runner import Runner, Surroundings
from recloser.sandbox.images import Image
from recloser.sandbox.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class FakeLogs:
    """CloudWatch Logs that refuses `failures` deliveries, then takes `unanswered` without an answer."""

    failures: float = 0
    unanswered: int = 0
    lines: list[str] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    life: int = 0

    async def create(self, region: str, stream: str, group: str, *, make_group: bool) -> None:
        """Keep the name."""
        self.streams.append(stream)

    async def put(self, region: str, stream: str, messages: list[str], group: str) -> None:
        """Keep the messages, or fail."""
        if self.failures > 0:
            self.failures -= 1
            raise WireError("nobody there")
        self.lines += messages
        if self.unanswered > 0:
            self.unanswered -= 1
            raise WireError("the answer was lost")

    async def count(self, region: str, stream: str, group: str) -> int:
        """How many there are."""
        return len(self.lines)


class FakeStore:
    """Remembers the states it saw."""

    def __init__(self) -> None:
        self.states: list[str] = []

    def save_job(self, job: Job) -> None:
        """Keep the state."""
        self.states.append(job.status)

    async def settled(self) -> None:
        """Be safe at once."""


class FakeImages:
    """One image for every name."""

    async def find(self, name: str) -> Image:
        """Find it at once."""
        return Image(Path("/"), {}, (), str(Path(sys.executable).parent))


class FakeCredentials:
    """No role is ever asked for."""

    def revoke(self, task_id: str) -> None:
        """Nothing to revoke."""


class FakePulls:
    """Whoever pulls may."""

    async def check(self, job: Job, task_id: str) -> None:
        """Say nothing."""


@dataclass
class Outcome:
    """What was seen of one job."""

    detail: dict[str, Any]
    states: list[str]
    logs: FakeLogs
    attempts: Path


async def _at_once() -> None:
    """MiniStack serves."""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Outcome]:
    """Run a shell script as a job; keyword arguments go into the job, `logs` is the log service."""

    def run_job(script: str, *, logs: FakeLogs | None = None, **more: Any) -> Outcome:
        store, logs = FakeStore(), logs or FakeLogs()
        surroundings: dict[str, Any] = {
            "store": store,
            "logs": logs,
            "ready": _at_once,
            "images": FakeImages(),
            "credentials": FakeCredentials(),
            "pulls": FakePulls(),
            "guard": PollingGuard(),
            "faults": Switches(),
            "ministack_url": "http://127.0.0.1:1",
            "batch_url": "http://127.0.0.1:2",
            "attempts": tmp_path,
            "stop_grace_s": 0.3,
        }
        container = {"image": "i", "command": ["sh", "-c", script], "environment": [], "vcpus": 1, "memory": 100}
        detail = {"jobId": "job", "jobQueue": "q", "jobDefinition": "arn:aws:batch:r:0:job-definition/d:1"}
        job = Job("us-east-1", {**detail, "attempts": [], "container": container, "status": "STARTING", **more})

        async def to_the_end() -> None:
            runner = Runner(Surroundings(**surroundings))
            await runner.run(job, "ce")
            await runner.close()

        asyncio.run(to_the_end())
        return Outcome(job.detail, store.states, logs, tmp_path)

    return run_job


def test_every_state_is_recorded_once(run: Callable[..., Outcome]) -> None:
    """An attempt is written when it runs and when it has ended, after its stream was made; its folder is gone."""
    seen = run("echo done")
    assert seen.states == ["RUNNING", "SUCCEEDED"]
    assert seen.logs.streams == [seen.detail["container"]["logStreamName"]]
    assert seen.logs.lines == ["done"]
    assert list(seen.attempts.iterdir()) == []


@pytest.mark.parametrize(("script", "code"), [("exec sleep 60", 143), ("trap '' TERM; sleep 60; sleep 60", 137)])
def test_time_limit(run: Callable[..., Outcome], script: str, code: int) -> None:
    """At the limit comes SIGTERM, after the grace SIGKILL, and Batch's words."""
    seen = run(script, timeout={"attemptDurationSeconds": 0.2})
    assert seen.detail["status"] == "FAILED"
    assert seen.detail["statusReason"] == "Job attempt duration exceeded timeout"
    assert seen.detail["container"]["exitCode"] == code


def test_job_that_ends_in_time_does_not_time_out(run: Callable[..., Outcome]) -> None:
    """A limit that is not reached changes nothing."""
    assert run("true", timeout={"attemptDurationSeconds": 60}).detail["status"] == "SUCCEEDED"


def test_undelivered_output_is_sent_again(run: Callable[..., Outcome]) -> None:
    """Lines the log service refused arrive, once and in order, when it is back."""
    seen = run("for i in 1 2 3; do echo $i; sleep 0.15; done", logs=FakeLogs(failures=3))
    assert seen.logs.lines == ["1", "2", "3"]


def test_output_taken_without_an_answer_is_not_doubled(run: Callable[..., Outcome]) -> None:
    """Lines whose delivery nobody confirmed are looked up before more is sent."""
    seen = run("for i in 1 2 3; do echo $i; sleep 0.15; done; printf end", logs=FakeLogs(unanswered=3))
    assert seen.logs.lines == ["1", "2", "3", "end"]


def test_absent_log_service_fails_no_job(run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    """When lines cannot be delivered at all, the job ends as its process did, after a bounded wait."""
    monkeypatch.setattr(logs_module, "_LAST_WORDS_S", 0.3)
    seen = run("echo lost", logs=FakeLogs(failures=float("inf")))
    assert (seen.detail["status"], seen.logs.lines) == ("SUCCEEDED", [])


def test_job_may_remove_its_output(run: Callable[..., Outcome]) -> None:
    """A job that removes its own folder still ends by its exit code."""
    seen = run('echo before; rm -rf "$RECLOSER_SANDBOX_ATTEMPT"*; exit 4')
    assert (seen.detail["container"]["exitCode"], seen.logs.lines) == (4, ["before"])


def test_much_output_arrives_whole(run: Callable[..., Outcome]) -> None:
    """More than a batch of lines keeps its order."""
    seen = run("seq 1 5000")
    assert seen.logs.lines == [str(number) for number in range(1, 5001)]


def test_file_without_right_to_execute(run: Callable[..., Outcome]) -> None:
    """A path that is there but not executable, and one that is not there, are told apart."""
    container = {"image": "i", "environment": [], "vcpus": 1, "memory": 100}
    denied = run("", container={**container, "command": ["/etc/passwd"]}).detail["container"]
    absent = run("", container={**container, "command": ["/none"]}).detail["container"]
    nothing = run("", container={**container, "command": []}).detail["container"]
    assert (denied["exitCode"], 'exec: "/etc/passwd": permission denied' in denied["reason"]) == (126, True)
    assert (absent["exitCode"], "no such file or directory" in absent["reason"]) == (127, True)
    assert "No command specified" in nothing["reason"]

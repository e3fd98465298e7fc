"""Killed at any moment: no accepted job is lost or runs twice, no line is lost or doubled, nothing is left."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from recloser import processes
from recloser.sandbox.batch.launch import Folder
from tests.integration.sandbox.conftest import Batch, until
from tests.integration.sandbox.test_lifecycle import Fresh, context, fresh, left_behind

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sandbox
__all__ = ["context", "fresh"]

KILLS = 12
CHILDREN = 3
LOST = "Host EC2 (instance i-0123456789abcdef0) terminated."
TALKATIVE = 'echo "$AWS_BATCH_JOB_ID" >> "$LEDGER"; echo "begin $AWS_BATCH_JOB_ID"; sleep "$NAP"; printf end'
ROLE_SCRIPT = (
    "import boto3, pathlib, time, sys\n"
    "flag = pathlib.Path(sys.argv[1])\n"
    "while not flag.exists(): time.sleep(0.02)\n"
    "print(boto3.client('sts').get_caller_identity()['Arn'])\n"
)


def kill_daemon(fresh: Fresh) -> Any:
    """Kill the daemon without warning; what it said of itself."""
    record = fresh.sandbox.status().record
    assert record is not None
    os.kill(record.daemon.pid, signal.SIGKILL)
    assert processes.wait_until(lambda: not processes.is_alive(record.daemon), 10)
    return record


def kill_ministack(fresh: Fresh) -> None:
    """Kill MiniStack without warning; the daemon starts it again."""
    record = fresh.sandbox.status().record
    assert record is not None
    with contextlib.suppress(ProcessLookupError):  # the one before was just killed
        os.kill(record.ministack.pid, signal.SIGKILL)


def restart(fresh: Fresh, batch: Batch) -> Batch:
    """Start the sandbox again and connect anew."""
    fresh.forget()
    assert fresh.sandbox.up()
    return Batch(fresh.client("batch"), fresh.client("logs"), batch.image)


@dataclass
class Submitter:
    """Submits jobs, arrays and jobs that wait for others all the time, and remembers what was accepted."""

    batch: Batch
    ledger: Path
    jobs: list[str] = field(default_factory=list)
    """All that run: jobs and the children of arrays."""
    arrays: list[str] = field(default_factory=list)
    after: dict[str, str] = field(default_factory=dict)
    """Which of them waits for which."""
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread = threading.Thread(target=self._submit)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _submit(self) -> None:
        draw = random.Random(7)  # noqa: S311 - moments, not secrets
        while not self._over.wait(0.02):
            environment = {"LEDGER": str(self.ledger), "NAP": f"{draw.uniform(0, 0.3):.3f}"}
            kind = draw.choice(["job", "job", "job", "array", "dependent"])
            # the sandbox may be down just now
            with contextlib.suppress(BotoCoreError, ClientError):
                self._submit_one(kind, environment)

    def _submit_one(self, kind: str, environment: dict[str, str]) -> None:
        more: dict[str, Any] = {}
        if kind == "array":
            more["arrayProperties"] = {"size": CHILDREN}
        if kind == "dependent" and self.jobs:
            more["dependsOn"] = [{"jobId": self.jobs[-1]}]
        job_id = self.batch.submit("sh", "-c", TALKATIVE, environment=environment, **more)
        if kind == "array":
            self.arrays.append(job_id)
            self.jobs += [f"{job_id}:{index}" for index in range(CHILDREN)]
        else:
            if "dependsOn" in more:
                self.after[job_id] = more["dependsOn"][0]["jobId"]
            self.jobs.append(job_id)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("victims", [("daemon",), ("daemon", "ministack")], ids="-and-".join)
def test_killed_at_any_moment(fresh: Fresh, context: Path, tmp_path: Path, victims: tuple[str, ...]) -> None:
    """With jobs being submitted, waiting, starting, running and ending, a killed sandbox takes all of them up again."""
    kills = int(os.environ.get("RECLOSER_TEST_KILLS", KILLS))
    draw = random.Random(11)  # noqa: S311 - moments, not secrets
    batch, ledger = fresh.batch(context), tmp_path / "ledger"
    ledger.touch()
    with Submitter(batch, ledger) as submitted:
        for _ in range(kills):
            time.sleep(draw.uniform(0, 0.4))
            if draw.choice(victims) == "daemon":
                kill_daemon(fresh)
                assert fresh.sandbox.up()
            else:
                kill_ministack(fresh)
    ended = {job_id: batch.wait(job_id) for job_id in (*submitted.jobs, *submitted.arrays)}
    ran = Counter(ledger.read_text().split())
    assert max(ran.values()) == 1  # also of those whose acceptance was never heard of
    for job_id in submitted.jobs:
        job, first = ended[job_id], ended.get(submitted.after.get(job_id, ""))
        if job["statusReason"] == LOST:  # killed between the record and the permission to begin
            assert ran[job_id] <= 1
        elif first is not None and first["status"] == "FAILED":
            assert (job["status"], job["statusReason"]) == ("FAILED", "Dependent Job failed")
            assert ran[job_id] == 0
        else:
            assert (job["status"], len(job["attempts"])) == ("SUCCEEDED", 1), job
            assert ran[job_id] == 1
            assert first is None or job["startedAt"] >= first["stoppedAt"]
            # MiniStack keeps what was logged before its death only if it was let save
            assert "ministack" in victims or batch.lines(job) == [f"begin {job_id}", "end"]
    for job_id in submitted.arrays:
        children = {ended[f"{job_id}:{index}"]["status"] for index in range(CHILDREN)}
        assert ended[job_id]["status"] == ("SUCCEEDED" if children == {"SUCCEEDED"} else "FAILED")
    assert len(submitted.jobs) > kills
    assert submitted.arrays
    assert submitted.after
    until(lambda: list(fresh.sandbox.state.attempts.iterdir()), lambda left: not left)
    fresh.close()
    fresh.sandbox.down()
    assert left_behind(fresh.state_dir) == []


def test_running_job_is_attached_to_again(fresh: Fresh, context: Path, tmp_path: Path) -> None:
    """A job that runs on while the daemon is dead keeps its attempt, its place and its log; the next one waits."""
    batch = fresh.batch(context)
    flag = tmp_path / "flag"
    script = f'i=0; while [ ! -e {flag} ]; do i=$((i+1)); echo $i; sleep 0.01; done; echo "last $i"; exit 3'
    batch.define("whole-host", vcpus=16)
    running = batch.submit("sh", "-c", script, definition="whole-host")
    before = batch.wait(running, "RUNNING")
    until(lambda: batch.lines(before), lambda lines: len(lines) > 3)
    waiting = batch.submit("true", definition="whole-host")
    record = kill_daemon(fresh)
    batch = restart(fresh, batch)
    after = fresh.sandbox.status().record
    assert after is not None
    assert (after.batch_port, after.ministack_port) == (record.batch_port, record.ministack_port)
    assert batch.describe(running) == before
    assert batch.wait(waiting, "RUNNABLE")
    flag.touch()
    job = batch.wait(running)
    assert (job["status"], job["container"]["exitCode"], len(job["attempts"])) == ("FAILED", 3, 1)
    assert job["container"]["taskArn"] == before["container"]["taskArn"]
    *numbers, last = batch.lines(job)
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert last == f"last {len(numbers)}"
    assert batch.wait(waiting)["status"] == "SUCCEEDED"


def test_end_without_a_daemon_is_found(fresh: Fresh, context: Path, tmp_path: Path) -> None:
    """A job that ends while the daemon is dead ends as it did; one whose processes were killed lost its host."""
    batch = fresh.batch(context)
    flag = tmp_path / "flag"
    ends = batch.submit("sh", "-c", f"while [ ! -e {flag} ]; do sleep 0.01; done; echo said; exit 7")
    lost = batch.submit("sh", "-c", "echo $PPID; exec sleep 1000")
    ending = batch.wait(ends, "RUNNING")
    (shell,) = until(lambda: batch.lines(batch.wait(lost, "RUNNING")), lambda lines: len(lines) == 1)
    kill_daemon(fresh)
    processes.send(processes.in_session(processes.Identity(pid=int(shell), started=_started(shell))), signal.SIGKILL)
    flag.touch()
    folder = Folder(fresh.sandbox.state.attempts / ending["container"]["taskArn"].rsplit("/", 1)[-1])
    until(folder.read_exit, lambda code: code is not None)
    batch = restart(fresh, batch)
    job = batch.wait(ends)
    assert (job["status"], job["container"]["exitCode"], batch.lines(job)) == ("FAILED", 7, ["said"])
    job = batch.wait(lost)
    assert (job["status"], job["statusReason"], "exitCode" in job["container"]) == ("FAILED", LOST, False)


def _started(pid: str) -> int:
    found = processes.identity(int(pid))
    assert found is not None
    return found.started


def test_limits_hold_after_a_restart(fresh: Fresh, context: Path, tmp_path: Path) -> None:
    """What is attached to again still has its memory limit, its time limit and the end it was promised."""
    batch = fresh.batch(context)
    flag = tmp_path / "flag"
    batch.define("small", memory=64)
    eat = f"import os, time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.01)\nx = bytearray(300 << 20)"
    eats = batch.submit("python", "-c", eat, definition="small")
    stays = batch.submit("sleep", "1000", timeout={"attemptDurationSeconds": 60})
    ended = batch.submit("sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.05; done")
    deaf = batch.wait(ended, "RUNNING")
    until(lambda: batch.lines(deaf), lambda lines: lines == ["deaf"])
    for job_id in (eats, stays):
        batch.wait(job_id, "RUNNING")
    batch.client.terminate_job(jobId=ended, reason="enough")
    kill_daemon(fresh)
    flag.touch()
    _begin_earlier(fresh, stays, 3600)
    batch = restart(fresh, batch)
    job = batch.wait(eats)
    assert job["container"].get("reason") == "OutOfMemoryError: Container killed due to memory usage"
    assert job["container"]["exitCode"] == 137
    job = batch.wait(stays)
    assert (job["statusReason"], job["container"]["exitCode"]) == ("Job attempt duration exceeded timeout", 143)
    job = batch.wait(ended)
    assert (job["statusReason"], job["isTerminated"], job["container"]["exitCode"]) == ("enough", True, 137)


def _begin_earlier(fresh: Fresh, job_id: str, seconds: int) -> None:
    """Make a running job look as if it had begun earlier, while nothing uses the database."""
    import sqlite3  # noqa: PLC0415 - for this alone

    with sqlite3.connect(fresh.sandbox.state.database) as database:
        update = "json_set(document, '$.startedAt', json_extract(document, '$.startedAt') - ?)"
        database.execute(f"UPDATE job SET document = {update} WHERE id = ?", (seconds * 1000, job_id))  # noqa: S608
    database.close()


def test_role_outlives_the_daemon(fresh: Fresh, context: Path, tmp_path: Path) -> None:
    """A job gets credentials of its role from the next daemon as it did from the last."""
    batch = fresh.batch(context)
    trust = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
        '"Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}'
    )
    role = fresh.client("iam").create_role(RoleName="job", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    batch.define("with-role", memory=512, jobRoleArn=role)
    flag = tmp_path / "flag"
    job_id = batch.submit("python", "-c", ROLE_SCRIPT, str(flag), definition="with-role")
    batch.wait(job_id, "RUNNING")
    kill_daemon(fresh)
    batch = restart(fresh, batch)
    flag.touch()
    job = batch.wait(job_id)
    assert job["status"] == "SUCCEEDED", batch.lines(job)
    assert batch.lines(job)[0].startswith("arn:aws:sts::000000000000:assumed-role/job/")


def test_killed_ministack_comes_back(fresh: Fresh, context: Path, tmp_path: Path) -> None:
    """MiniStack alone killed: same port, images pushed again, running jobs and their logs whole, later jobs run."""
    batch = fresh.batch(context)
    flag = tmp_path / "flag"
    script = f'i=0; while [ ! -e {flag} ]; do i=$((i+1)); echo $i; sleep 0.01; done; echo "last $i"'
    running = batch.submit("sh", "-c", script)
    shown = batch.wait(running, "RUNNING")
    until(lambda: batch.lines(shown), lambda lines: len(lines) > 3)
    for _ in range(2):
        before = fresh.sandbox.status().record
        assert before is not None
        os.kill(before.ministack.pid, signal.SIGKILL)
        batch.submit("true")
        after = until(
            lambda: fresh.sandbox.status().record, lambda record, old=before.ministack: record.ministack != old
        )
        assert after.ministack_port == before.ministack_port
        assert batch.run("true")["status"] == "SUCCEEDED"
    flag.touch()
    job = batch.wait(running)
    *numbers, last = batch.lines(job)
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert (job["status"], last) == ("SUCCEEDED", f"last {len(numbers)}")
    assert fresh.client("ecr").describe_repositories()["repositories"]
    assert fresh.client("iam").get_user(UserName="recloser")

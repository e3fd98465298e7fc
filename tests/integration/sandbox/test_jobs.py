"""Jobs are real processes, and end as jobs on AWS end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recloser import processes
from tests.integration.sandbox.conftest import until

if TYPE_CHECKING:
    from tests.integration.sandbox.conftest import Batch
    from tests.sandbox_fixture import SandboxUnderTest

pytestmark = pytest.mark.sandbox
EXITED = "Essential container in task exited"


def test_success_shows_its_attempt(batch: Batch) -> None:
    """A job that exits 0 is SUCCEEDED, with one attempt that says the same as the job."""
    job = batch.run("true")
    assert (job["status"], job["statusReason"], job["container"]["exitCode"]) == ("SUCCEEDED", EXITED, 0)
    (attempt,) = job["attempts"]
    assert attempt["container"]["exitCode"] == 0
    assert attempt["container"]["taskArn"] == job["container"]["taskArn"]
    assert attempt["container"]["logStreamName"] == job["container"]["logStreamName"]
    assert job["createdAt"] <= attempt["startedAt"] <= attempt["stoppedAt"] == job["stoppedAt"]


@pytest.mark.parametrize(("command", "code"), [("exit 3", 3), ("kill -SEGV $$", 139), ("kill -TERM $$", 143)])
def test_exit_code_is_kept(batch: Batch, command: str, code: int) -> None:
    """The exit code of the main process is the container's, 128 + n for signal n."""
    job = batch.run("sh", "-c", command)
    assert (job["status"], job["statusReason"], job["container"]["exitCode"]) == ("FAILED", EXITED, code)
    assert "reason" not in job["container"]


def test_output_is_delivered_before_the_end_is_shown(batch: Batch) -> None:
    """Both stdout and stderr are in the attempt's own stream, in order, without empty lines, when the job has ended."""
    job = batch.run("sh", "-c", "echo one; echo; echo two >&2; printf 'three\\377'")
    assert batch.lines(job) == ["one", "two", "three\N{REPLACEMENT CHARACTER}"]
    assert job["container"]["logStreamName"].startswith("plain/default/")


def test_output_appears_while_the_job_runs(batch: Batch) -> None:
    """A line can be read before the job ends."""
    job_id = batch.submit("sh", "-c", "echo early; exec sleep 60")
    job = batch.wait(job_id, "RUNNING")
    until(lambda: batch.lines(job), lambda lines: lines == ["early"])
    batch.client.terminate_job(jobId=job_id, reason="seen")
    batch.wait(job_id)


def test_deleted_log_group_is_made_again(batch: Batch) -> None:
    """A job logs even when somebody deleted Batch's log group."""
    batch.logs.delete_log_group(logGroupName="/aws/batch/job")
    assert batch.lines(batch.run("echo", "still here")) == ["still here"]


def test_environment_is_built_not_inherited(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job sees base, image, definition, overrides and Batch's own variables, the later winning, and nothing else."""
    batch.define("layers", environment=[{"name": "A", "value": "definition"}, {"name": "B", "value": "definition"}])
    job = batch.run(
        "env", definition="layers", environment={"B": "override", "AWS_BATCH_JOB_ID": "forged", "HOME": "/forged"}
    )
    seen = dict(line.split("=", 1) for line in batch.lines(job))
    assert (seen["A"], seen["B"], seen["AWS_BATCH_JOB_ID"]) == ("definition", "override", job["jobId"])
    assert seen["AWS_BATCH_JOB_ATTEMPT"] == "1"
    assert seen["AWS_BATCH_JQ_NAME"] == "main"
    assert seen["AWS_BATCH_CE_NAME"] == "host"
    assert seen["HOME"] != "/forged"
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "USER"} & set(seen)


def test_folders_are_fresh_and_removed(batch: Batch) -> None:
    """HOME and working folder are empty, the job's own, and gone afterwards."""
    job = batch.run("sh", "-c", 'ls -A .; ls -A "$HOME"; pwd; echo "$HOME"; touch left')
    work, home = batch.lines(job)
    assert until(lambda: Path(work).exists() or Path(home).exists(), lambda there: not there) is False


def test_image_is_on_the_path(batch: Batch) -> None:
    """The image's folder is importable and its interpreter is `python`."""
    job = batch.run("python", "-m", "greeting")
    assert batch.lines(job) == ["hello from the image"]


def test_parameters_replace_references(batch: Batch) -> None:
    """`Ref::name` in a command is filled in; a name nobody gave stays."""
    job = batch.run("echo", "Ref::colour", "x=Ref::colour", "Ref::none", parameters={"colour": "red"})
    assert batch.lines(job) == ["red x=red Ref::none"]
    assert job["parameters"] == {"colour": "red"}


def test_out_of_memory_is_told(batch: Batch) -> None:
    """A job over its limit ends with 137 and Batch's words."""
    batch.define("small", memory=64)
    job = batch.run("python", "-c", "x = bytearray(300 << 20)", definition="small")
    assert (job["statusReason"], job["container"]["exitCode"]) == (EXITED, 137)
    assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert job["attempts"][0]["container"]["reason"] == job["container"]["reason"]


def test_memory_override_is_the_limit(batch: Batch) -> None:
    """Sizes of a submission replace the definition's."""
    more = {"resourceRequirements": [{"type": "MEMORY", "value": "512"}], "command": ["true"]}
    job = batch.run(containerOverrides=more)
    assert job["container"]["memory"] == 512
    assert {"type": "MEMORY", "value": "512"} in job["container"]["resourceRequirements"]


@pytest.mark.parametrize(
    "uri", ["{known}x", "nowhere:1", "{account}/absent:1", "{known_repository}@sha256:" + "0" * 64]
)
def test_unknown_image_cannot_be_pulled(batch: Batch, uri: str) -> None:
    """An image that ECR does not know fails the task before it starts."""
    account, repository = batch.image.split("/", 1)[0], batch.image.rsplit(":", 1)[0]
    name = uri.format(known=batch.image, account=account, known_repository=repository)
    batch.define("wrong-image", image=name)
    job = batch.run(definition="wrong-image")
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert job["container"]["reason"].startswith("CannotPullContainerError: ")
    assert f"manifest for {name} not found: manifest unknown" in job["container"]["reason"]
    assert "exitCode" not in job["container"]
    assert "startedAt" not in job["attempts"][0]


def test_long_reason_is_cut(batch: Batch) -> None:
    """A reason has at most 255 characters."""
    batch.define("long-image", image="x" * 400)
    assert len(batch.run(definition="long-image")["container"]["reason"]) == 255


def test_unknown_command_cannot_be_started(batch: Batch) -> None:
    """A program that is not in PATH is exit 127 and a task that failed to start."""
    job = batch.run("no-such-program")
    assert (job["statusReason"], job["container"]["exitCode"]) == ("Task failed to start", 127)
    assert job["container"]["reason"].startswith("CannotStartContainerError: ")
    assert 'exec: "no-such-program": executable file not found in $PATH' in job["container"]["reason"]


def test_terminate_keeps_the_callers_words(batch: Batch) -> None:
    """TerminateJob ends a running job by SIGTERM; the reason given is its statusReason."""
    job_id = batch.submit("sleep", "60")
    batch.wait(job_id, "RUNNING")
    batch.client.terminate_job(jobId=job_id, reason="not needed")
    job = batch.wait(job_id)
    assert (job["status"], job["statusReason"], job["container"]["exitCode"]) == ("FAILED", "not needed", 143)
    assert job["isTerminated"]
    assert not job["isCancelled"]


def test_terminate_kills_what_ignores_it(batch: Batch) -> None:
    """A job that ignores SIGTERM is killed after the grace, and its children with it."""
    job_id = batch.submit("sh", "-c", "trap '' TERM; (trap '' TERM; sleep 300) & echo $!; wait; sleep 300")
    job = batch.wait(job_id, "RUNNING")
    (child,) = until(lambda: batch.lines(job), lambda lines: len(lines) == 1)
    batch.client.terminate_job(jobId=job_id, reason="now")
    assert batch.wait(job_id)["container"]["exitCode"] == 137
    assert processes.identity(int(child)) is None


def test_stragglers_end_with_the_main_process(batch: Batch) -> None:
    """What a job leaves in the background, even in another session, is ended when it ends."""
    job = batch.run("sh", "-c", "sleep 300 & echo $!; setsid sleep 300 & echo $!; sleep 0.2")
    assert [processes.identity(int(pid)) for pid in batch.lines(job)] == [None, None]


def test_cancel_before_and_after_the_start(batch: Batch) -> None:
    """CancelJob ends a job that waits and leaves a running one alone."""
    running = batch.submit("sleep", "60")
    batch.wait(running, "RUNNING")
    batch.client.cancel_job(jobId=running, reason="too late")
    batch.define("whole-host", vcpus=16)
    waiting = batch.submit(definition="whole-host")
    batch.wait(waiting, "RUNNABLE")
    batch.client.cancel_job(jobId=waiting, reason="in time")
    job = batch.wait(waiting)
    assert (job["status"], job["statusReason"], job["isCancelled"]) == ("FAILED", "in time", True)
    assert job["attempts"] == []
    assert batch.describe(running)["status"] == "RUNNING"
    batch.client.terminate_job(jobId=running, reason="done")
    batch.wait(running)


def test_host_loss_says_nothing_of_the_container(batch: Batch, sandbox: SandboxUnderTest) -> None:
    """A lost host ends the attempt without exit code and reason, once for each loss asked for."""
    assert sandbox.sandbox.faults(host_loss=1) == {"host_loss": 1}
    job = batch.run("sleep", "60")
    assert job["statusReason"] == "Host EC2 (instance i-0123456789abcdef0) terminated."
    assert not {"exitCode", "reason"} & set(job["container"])
    assert sandbox.sandbox.faults() == {}
    assert batch.run("true")["status"] == "SUCCEEDED"


def test_overrides_over_the_limit_fail_at_dispatch(batch: Batch) -> None:
    """Overrides longer than 8192 characters are accepted and the job fails."""
    job = batch.run("true", environment={"LONG": "x" * 8192})
    assert (job["status"], job["statusReason"]) == ("FAILED", "Container Overrides length must be at most 8192")

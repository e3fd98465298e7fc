"""Up, down, crash, reset: nothing is left behind, nothing that should stay is lost."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from recloser import processes
from recloser.sandbox import Sandbox, SandboxDownError
from recloser.sandbox.batch import cgroups
from recloser.sandbox.errors import StaleStateError
from recloser.sandbox.state import Record
from tests.integration.sandbox.conftest import Batch, prepare, until
from tests.sandbox_fixture import SandboxUnderTest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.sandbox

# A job that will not go: it and its children ignore SIGTERM, one left the session, one cleared its environment.
STUBBORN = (
    "trap '' TERM; sleep 1000 & echo $!; setsid sleep 1000 & echo $!; env -i sleep 1000 & echo $!; echo $$; "
    "sleep 1000; sleep 1000"
)


class Fresh(SandboxUnderTest):
    """A sandbox of this test alone."""

    def batch(self, context: Path) -> Batch:
        """Its Batch, with an image, a queue and a definition."""
        image = self.sandbox.build(context, repository="own", tag="1").uri
        return prepare(self.client("batch"), self.client("logs"), image)

    def forget(self) -> None:
        """Forget keys and connections of the sandbox before its restart."""
        self.close()
        self.__dict__.pop("admin", None)
        self.__dict__.pop("operator", None)


@pytest.fixture(params=["auto", "poller"])
def guard(request: pytest.FixtureRequest) -> str:
    """Both ways to limit memory."""
    return str(request.param)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Fresh]:
    """A sandbox of this test alone, up."""
    yield from _started(tmp_path, "auto")


@pytest.fixture
def guarded(tmp_path: Path, guard: str) -> Iterator[Fresh]:
    """The same with each way to limit memory."""
    yield from _started(tmp_path, guard)


def _started(tmp_path: Path, guard: str) -> Iterator[Fresh]:
    under_test = Fresh(Sandbox(tmp_path / "state dir", stop_grace_s=0.5, memory_guard=guard))
    under_test.sandbox.up()
    try:
        yield under_test
    finally:
        under_test.close()
        under_test.sandbox.down()


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """An empty build context."""
    folder = tmp_path / "context"
    folder.mkdir()
    return folder


def left_behind(state: Path) -> list[str]:
    """Command lines of processes that name the state folder, and control groups of its sandbox."""
    found = [str(group) for group in cgroups.groups(state)]
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values()]
        except psutil.Error:
            continue
        if process.pid != os.getpid() and any(str(state) in word for word in words):
            found.append(" ".join(process.cmdline()))
    return found


def start_stubborn(batch: Batch) -> list[processes.Identity]:
    """Run the job that will not go; its processes."""
    job = batch.wait(batch.submit("sh", "-c", STUBBORN), "RUNNING")
    pids = until(lambda: batch.lines(job), lambda lines: len(lines) == 4)
    found = [processes.identity(int(pid)) for pid in pids]
    alive = [process for process in found if process is not None]
    assert len(alive) == 4
    return alive


def test_down_leaves_nothing(guarded: Fresh, context: Path) -> None:
    """Jobs with all their children, MiniStack, daemon and control groups are gone after `down`; twice is once."""
    stubborn = start_stubborn(guarded.batch(context))
    record = guarded.sandbox.status().record
    assert record is not None
    assert guarded.sandbox.down()
    assert not [p for p in (*stubborn, record.daemon, record.ministack) if processes.is_alive(p)]
    assert left_behind(guarded.state_dir) == []
    assert not guarded.sandbox.state.unclean.exists()
    assert not guarded.sandbox.down()


def test_down_after_a_killed_daemon_leaves_nothing(guarded: Fresh, context: Path) -> None:
    """The same when the daemon was killed and could do nothing."""
    stubborn = start_stubborn(guarded.batch(context))
    record = guarded.sandbox.status().record
    assert record is not None
    os.kill(record.daemon.pid, signal.SIGKILL)
    until(lambda: processes.is_alive(record.daemon), lambda alive: not alive)
    assert any(processes.is_alive(process) for process in stubborn)
    guarded.sandbox.down()
    assert not [p for p in (*stubborn, record.daemon, record.ministack) if processes.is_alive(p)]
    assert left_behind(guarded.state_dir) == []


def test_clean_restart_keeps_everything(fresh: Fresh, context: Path) -> None:
    """Jobs, images, buckets, the operator's key and rights outlive `down` and `up`."""
    batch = fresh.batch(context)
    job = batch.run("echo", "kept")
    fresh.client("s3").create_bucket(Bucket="kept")
    operator = fresh.operator
    policy = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}
    )
    fresh.client("iam").put_user_policy(UserName="recloser", PolicyName="given", PolicyDocument=policy)
    fresh.sandbox.down()
    fresh.forget()
    fresh.sandbox.up()
    assert fresh.operator == operator
    assert fresh.client("iam").list_user_policies(UserName="recloser")["PolicyNames"] == ["given"]
    assert fresh.client("batch").describe_jobs(jobs=[job["jobId"]])["jobs"] == [job]
    assert [bucket["Name"] for bucket in fresh.client("s3").list_buckets()["Buckets"]] == ["kept"]
    assert Batch(fresh.client("batch"), fresh.client("logs"), batch.image).run("true")["status"] == "SUCCEEDED"


def test_reset_is_empty_on_the_same_ports(fresh: Fresh, context: Path) -> None:
    """`reset` stops the jobs and forgets everything but where it listens."""
    stubborn = start_stubborn(fresh.batch(context))
    before = fresh.sandbox.environment("admin")
    fresh.forget()
    fresh.sandbox.reset()
    assert fresh.sandbox.environment("admin") == before
    assert fresh.client("batch").describe_job_queues()["jobQueues"] == []
    assert fresh.client("ecr").describe_repositories()["repositories"] == []
    assert fresh.sandbox.status().jobs == {}
    assert not [process for process in stubborn if processes.is_alive(process)]


def test_up_twice_is_once(fresh: Fresh) -> None:
    """A second `up` starts nothing."""
    before = fresh.sandbox.status().record
    assert not fresh.sandbox.up()
    assert fresh.sandbox.status().record == before


def test_poller_kills_what_is_over_its_limit(tmp_path: Path, context: Path) -> None:
    """Without control groups, the sum over a job's processes counts, and the whole job is killed with AWS's words."""
    for fresh in _started(tmp_path, "poller"):
        batch = fresh.batch(context)
        assert fresh.sandbox.status().memory_guard == "poller"
        eat = "import time; x = bytearray(120 << 20); time.sleep(60)"
        batch.define("eats", memory=200)
        job = batch.run("sh", "-c", f'python -c "{eat}" & python -c "{eat}" & wait; sleep 60', definition="eats")
        assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 137)
        assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_stale_record_is_no_sandbox(tmp_path: Path) -> None:
    """A record whose processes are gone, or whose numbers were given to others, means down."""
    sandbox = Sandbox(tmp_path)
    sandbox.state.create()
    other = processes.Identity(pid=os.getpid(), started=1)
    record = Record(daemon=other, ministack=other, batch_port=1, ministack_port=1, version="0", ministack_version="0")
    sandbox.state.write(sandbox.state.record, record)
    assert sandbox.status().condition == "down"
    assert not sandbox.down()
    with pytest.raises(SandboxDownError, match="sandbox up"):
        sandbox.environment()


def test_unreadable_record_is_told(tmp_path: Path) -> None:
    """A record this version cannot read is an error that says what to remove."""
    sandbox = Sandbox(tmp_path)
    sandbox.state.create()
    sandbox.state.record.write_text("{}")
    with pytest.raises(StaleStateError, match="sandbox reset"):
        sandbox.up()


DAMAGE = {"batch.sqlite": b"not a database", "sandbox.json": b"{}", "operator.json": b"[]", "faults.json": b'{"x": 1}'}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_folder_is_told_in_one_line_and_reset(tmp_path: Path, name: str) -> None:
    """Whatever file is broken: `up` names it and the command that helps, and that command helps."""
    state = tmp_path / "state dir"
    sandbox = Sandbox(state)
    sandbox.state.create()
    (state / name).write_bytes(DAMAGE[name])
    refused = recloser(state, "up")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert f"stale state: {state / name}" in refused.stderr.splitlines()[-1]
    command = refused.stderr.split("`")[1].removeprefix("recloser sandbox ")
    try:
        assert recloser(state, *shlex.split(command)).returncode == 0
        assert sandbox.status().condition == "up"
    finally:
        sandbox.down()


def recloser(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    return subprocess.run(
        [sys.executable, "-c", "from flows.cli import main; main()", "sandbox", *words],
        env={**os.environ, "RECLOSER_SANDBOX_DIR": str(state)},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_line_tells_down_by_its_exit_code(tmp_path: Path) -> None:
    """`status` is 3 when down; `env` is an error on stderr and nothing to eval; `down` is fine."""
    assert recloser(tmp_path, "status").returncode == 3
    env = recloser(tmp_path, "env")
    assert (env.returncode, env.stdout) == (1, "")
    assert "recloser sandbox up" in env.stderr
    assert recloser(tmp_path, "down").returncode == 0


def test_command_line_shows_a_running_sandbox(fresh: Fresh, context: Path) -> None:
    """`up` is idempotent, `status --format json` is JSON, `env` works in a shell, `build` prints URI and digest."""
    import json  # noqa: PLC0415

    state = fresh.state_dir
    assert "already up" in recloser(state, "up").stdout
    shown = json.loads(recloser(state, "status", "--format", "json").stdout)
    assert (shown["condition"], shown["ministack_alive"]) == ("up", True)
    built = [recloser(state, "build", str(context), "--repository", "r", "--tag", "1").stdout for _ in range(2)]
    assert built[0] == built[1]
    uri, digest = built[0].split()
    assert uri == "000000000000.dkr.ecr.us-east-1.amazonaws.com/r:1"
    assert digest.startswith("sha256:")
    assert recloser(state, "faults", "--host-loss", "2").stdout == "host_loss: 2\n"
    assert recloser(state, "faults", "--clear").stdout == "no faults in force\n"
    assert recloser(state, "build", str(context / "none"), "--repository", "r", "--tag", "1").returncode == 1
    script = f'{recloser(state, "env").stdout}\necho "$AWS_ENDPOINT_URL_BATCH $no_proxy ${{AWS_PROFILE-unset}}"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env={"AWS_PROFILE": "x"})
    assert said.stdout.split() == [fresh.admin["AWS_ENDPOINT_URL_BATCH"], "127.0.0.1,localhost", "unset"]

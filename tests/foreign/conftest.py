"""Clients of AWS Batch that were not written here, each in an environment of its own.

An environment is made once from its hash-locked file and kept beside MiniStack's. Where it cannot be made within a
minute the client's tests are skipped by name; with `RECLOSER_FOREIGN=1` it may take longer, and failing is failing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox_fixture import SandboxUnderTest

HERE = Path(__file__).parent
INSISTS = os.environ.get("RECLOSER_FOREIGN") == "1"
_INSTALL_S = 900 if INSISTS else 60
_RUN_S = 240
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@dataclass(frozen=True)
class Ground:
    """What a foreign client is given: a queue, a bucket and a job role on the sandbox."""

    sandbox: SandboxUnderTest
    folder: Path
    role: str
    queue: str = "foreign"
    bucket: str = "foreign"

    def run(self, name: str) -> dict[str, Any]:
        """Run the client's script with its own Python and return what it printed last."""
        python = interpreter(name)
        context = self.folder / f"{name}-image"
        context.mkdir()
        image = self.sandbox.sandbox.build(context, repository=f"foreign/{name}", tag="1", interpreter=str(python))
        work = Path(shutil.copytree(HERE / "clients", self.folder / name))
        own = {"IMAGE": image.uri, "QUEUE": self.queue, "BUCKET": self.bucket, "ROLE": self.role, "HOME": str(work)}
        environment = {**self.sandbox.admin, **own, "PATH": f"{python.parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            [str(python), f"{name}_client.py"],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_RUN_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return said


def interpreter(name: str) -> Path:
    """The Python of a client's environment, which is made when it is missing."""
    lock = HERE / f"{name}.lock"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    home = Path(sys.prefix) / "share" / "recloser" / f"foreign-{name}-{digest}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / f".foreign-{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # several test workers may come at once
        if not (home / ".ready").exists():
            _make(name, home, lock)
    return home / "bin" / "python"


def _make(name: str, home: Path, lock: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    try:
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, capture_output=True, timeout=_INSTALL_S)
        subprocess.run(
            [*pip, "--no-deps", "--require-hashes", "-r", str(lock)],
            check=True,
            capture_output=True,
            text=True,
            timeout=_INSTALL_S,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        shutil.rmtree(home, ignore_errors=True)
        wanted = (HERE / f"{name}.in").read_text().strip()
        message = (
            f"FOREIGN CLIENT NOT TRIED: {wanted} was not installed within {_INSTALL_S} s ({error}): {error.stderr}"
        )
        (pytest.fail if INSISTS else pytest.skip)(message)
    (home / ".ready").touch()


@pytest.fixture(scope="session")
def ground(sandbox: SandboxUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A queue, a bucket and a role for foreign clients."""
    batch, iam = sandbox.client("batch"), sandbox.client("iam")
    batch.create_compute_environment(
        computeEnvironmentName="foreign", type="MANAGED", computeResources={"type": "EC2", "maxvCpus": 8}
    )
    order = [{"order": 1, "computeEnvironment": "foreign"}]
    batch.create_job_queue(jobQueueName="foreign", priority=1, computeEnvironmentOrder=order)
    sandbox.client("s3").create_bucket(Bucket="foreign")
    role = iam.create_role(RoleName="foreign-job", AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="foreign-job", PolicyName="s3", PolicyDocument=json.dumps(_POLICY))
    return Ground(sandbox, tmp_path_factory.mktemp("foreign"), role)

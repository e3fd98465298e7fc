"""MiniStack, unmodified, as a child process: S3, DynamoDB, IAM, STS, Logs, ECR, EventBridge, SQS, Lambda.

It knows how to start, ask and stop it. It must not know Batch.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recloser.processes import Identity, identity
from recloser.sandbox import ports
from recloser.sandbox.errors import MiniStackError, PortTakenError
from recloser.sandbox.install import MINISTACK_VERSION, interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.sandbox.state import StateDir

ACCOUNT = "000000000000"
REGION = "us-east-1"
ROOT_KEY = "test"
_SERVICES = "s3,dynamodb,iam,sts,logs,ecr,events,sqs,lambda"
_READY_S = 20.0
_STOP_S = 15.0
# PR_SET_PDEATHSIG = SIGTERM: on Linux it must not outlive a killed daemon. Elsewhere `down` finds it by its record.
_LAUNCH = """
import ctypes, os, runpy, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 15)
    if os.getppid() != int(sys.argv.pop()):
        sys.exit("the sandbox ended while MiniStack was starting")
sys.argv[:] = ["ministack"]
runpy.run_module("ministack", run_name="__main__")
"""


def environment(state: StateDir, port: int) -> dict[str, str]:
    """Everything MiniStack sees: an inherited key or token would become its own."""
    home = state.ministack / "home"
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": ports.LOOPBACK,
        "AUTH": "true",
        "SERVICES": _SERVICES,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state.ministack / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state.ministack / "s3"),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(home),
        "HOME": str(home),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
    }


def health(port: int) -> dict[str, Any]:
    """Ask MiniStack how it is.

    Raises:
        MiniStackError: It does not answer as the pinned version with enforcement does.
    """
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise MiniStackError(f"MiniStack on port {port} does not answer: {error}") from error
    finally:
        connection.close()
    if answer.get("auth") != "enabled" or answer.get("version") != MINISTACK_VERSION:
        raise MiniStackError(f"what answers on port {port} is not MiniStack {MINISTACK_VERSION} with IAM enforced")
    return answer


@dataclass(slots=True)
class MiniStack:
    """The child process."""

    process: subprocess.Popen[bytes]
    identity: Identity
    port: int
    log: Path

    @classmethod
    def start(cls, state: StateDir, port: int) -> MiniStack:
        """Fork it; call from a thread that lives as long as the sandbox, for its death would end the child."""
        home = state.ministack / "home"
        shutil.rmtree(home, ignore_errors=True)  # work folders of Lambda are left behind
        home.mkdir(parents=True)
        with state.ministack_log.open("wb") as log:
            process = subprocess.Popen(
                [str(interpreter()), "-c", _LAUNCH, str(os.getpid())],
                env=environment(state, port),
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        started = identity(process.pid) or Identity(pid=process.pid, started=0)
        return cls(process, started, port, state.ministack_log)

    def wait_healthy(self) -> None:
        """Return as soon as it serves.

        Raises:
            PortTakenError: Somebody else took the port; choose again.
            MiniStackError: It ended or does not answer; the message ends with its last lines.
        """
        deadline = time.monotonic() + _READY_S
        while True:
            try:
                health(self.port)
            except MiniStackError as error:
                self._check_running(error, deadline)
                time.sleep(0.01)
            else:
                return

    def _check_running(self, error: MiniStackError, deadline: float) -> None:
        if self.process.poll() is None and time.monotonic() < deadline:
            return
        said = last_lines(self.log)
        self.stop()
        if "in use" in said.lower():
            raise PortTakenError(f"port {self.port} was taken before MiniStack could bind it")
        raise MiniStackError(f"MiniStack did not start: {error}. Its last lines:\n{said}") from error

    def stop(self) -> bool:
        """End it, letting it save.

        Returns:
            Whether it ended by itself after saving everything.
        """
        self.process.terminate()
        try:
            return self.process.wait(_STOP_S) == 0
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False


def last_lines(path: Path, count: int = 12) -> str:
    """The end of a log, for a message."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
    except FileNotFoundError:
        return "(no log)"

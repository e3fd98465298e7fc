"""moto's server beside the sandbox, in what both do: take jobs and describe them.

Run `make bench ONLY=moto_server` with `moto_server` on the PATH, or named by `RECLOSER_MOTO` (`pip install
"moto[server,batch]"` in an environment of its own); it is skipped otherwise. moto runs Batch jobs in Docker only, and
says at once that they succeeded where it is told to do without; so the sandbox gets no processor to run them on here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psutil

from recloser.sandbox import Identity, Sandbox
from recloser.sandbox.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

JOBS = 400
THREADS = 8
TURNS = 3
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/bench:1"
TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
    '"Principal": {"Service": "batch.amazonaws.com"}}]}'
)


def client(service: str, url: str) -> Any:
    """A client of its own connections, as root."""
    create: Any = boto3.client
    return create(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - what both take
    )


def prepare(batch: Any, **environment: Any) -> None:
    """A queue and a definition."""
    batch.create_compute_environment(computeEnvironmentName="host", **environment)
    order = [{"order": 1, "computeEnvironment": "host"}]
    batch.create_job_queue(jobQueueName="bench", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    sizes = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
    container = {"image": IMAGE, "command": ["true"], "resourceRequirements": sizes}
    batch.register_job_definition(jobDefinitionName="true", type="container", containerProperties=container)


def measure(name: str, url: str, server: psutil.Process) -> None:
    """Print the best of several turns."""
    turns = [_turn(url, server) for _ in range(TURNS)]
    print(f"{name:<22} {max(rate for rate, _ in turns):>8.0f} jobs taken and described a second", end="")
    print(f" {min(cpu for _, cpu in turns):>8.2f} ms of its processor time each", end="")
    print(f" {server.memory_info().rss / 2**20:>8.0f} MiB resident")


def _turn(url: str, server: psutil.Process) -> tuple[float, float]:
    clients = [client("batch", url) for _ in range(THREADS)]
    before, begun = server.cpu_times(), time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(_take, clients))
    wall_s, after = time.perf_counter() - begun, server.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    return JOBS / wall_s, cpu_s * 1000 / JOBS


def _take(batch: Any) -> None:
    for _ in range(JOBS // THREADS):
        job_id = batch.submit_job(jobName="bench", jobQueue="bench", jobDefinition="true")["jobId"]
        assert batch.describe_jobs(jobs=[job_id])["jobs"]  # noqa: S101 - else the figure is worthless


@contextlib.contextmanager
def moto(command: str) -> Iterator[tuple[str, psutil.Process]]:
    """Moto's server, told to do without Docker; its URL and its process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [command, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _configure(url)
            yield url, psutil.Process(server.pid)
        finally:
            server.terminate()


def _configure(url: str) -> None:
    request = urllib.request.Request(f"{url}/moto-api/config", b'{"batch": {"use_docker": false}}', method="POST")  # noqa: S310
    request.add_header("Content-Type", "application/json")
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(request).close()  # noqa: S310 - our own server
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def main() -> int:
    """Measure both, one after the other."""
    command = os.environ.get("RECLOSER_MOTO") or shutil.which("moto_server")
    if command is None:
        print("moto's server: skipped, there is no moto_server on the PATH and RECLOSER_MOTO names none")
        return 0
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; best of {TURNS}")
    with moto(command) as (url, server):
        role = client("iam", url).create_role(RoleName="batch", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        prepare(client("batch", url), type="UNMANAGED", state="ENABLED", serviceRole=role)
        measure("moto", url, server)
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Sandbox(Path(folder), stop_grace_s=1.0)
        try:
            sandbox.up()
            url, record = sandbox.environment(Identity.ADMIN)["AWS_ENDPOINT_URL_BATCH"], sandbox.status().record
            assert record is not None  # noqa: S101 - it is up
            resources = {"type": "EC2", "maxvCpus": 4}
            prepare(client("batch", url), type="MANAGED", state="DISABLED", computeResources=resources)
            measure("the sandbox's endpoint", url, psutil.Process(record.daemon.pid))
        finally:
            sandbox.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How fast and how large the sandbox is, beside the floor of fork and exec measured in the same run.

Run `make bench ONLY=sandbox`; it takes about a minute on a machine of one's own. The exit code is 1 when a gate is
missed. `make bench ONLY=moto_server` has moto's server do what it can of this.

Others may use the machine: rates and times are the best of several turns, and what others took of the processors
meanwhile is printed beside them. Processor time a job hardly depends on that; a rate does, for submitting, running and
watching a job costs processor time in four places, all of which are printed.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psutil
from botocore.config import Config

from recloser.sandbox import Identity, Sandbox
from recloser.sandbox.install import install

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

JOBS = 1_000
TURNS = 4
THREADS = 8
ONE_BY_ONE = 200
STARTS = 3
ARRAY = 2_000
TALKERS = 8
LINES = 100
VCPUS = 16
PROCESSORS = os.cpu_count() or 1
TALK = (
    f"import time\nfor _ in range({LINES}):\n    print(time.time_ns() // 1_000_000, flush=True)\n    time.sleep(0.03)"
)
ENDED = ("SUCCEEDED", "FAILED")
MIB = 2**20


@dataclass
class Bench:
    """A running sandbox that is measured."""

    sandbox: Sandbox
    missed: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        """A client of its own connections."""
        variables = self.sandbox.environment(Identity.ADMIN)
        return boto3.Session(
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        ).client(
            service,  # type: ignore[call-overload]
            endpoint_url=variables["AWS_ENDPOINT_URL_BATCH" if service == "batch" else "AWS_ENDPOINT_URL"],
            config=Config(retries={"mode": "standard", "total_max_attempts": 3}),
        )

    def prepare(self, context: Path) -> None:
        """Make an image, a queue and two definitions."""
        image = self.sandbox.build(context, repository="bench", tag="1").uri
        self.batch = self.client("batch")
        resources = {"type": "EC2", "maxvCpus": VCPUS + TALKERS}
        self.batch.create_compute_environment(computeEnvironmentName="host", type="MANAGED", computeResources=resources)
        order = [{"order": 1, "computeEnvironment": "host"}]
        self.batch.create_job_queue(jobQueueName="bench", priority=1, computeEnvironmentOrder=order)
        for name, command in (("true", ["true"]), ("talk", ["python", "-c", TALK])):
            sizes = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
            container = {"image": image, "command": command, "resourceRequirements": sizes}
            self.batch.register_job_definition(jobDefinitionName=name, type="container", containerProperties=container)

    def submit(self, client: Any, definition: str = "true", **more: Any) -> str:
        """Submit a job; its id."""
        answer = client.submit_job(jobName="bench", jobQueue="bench", jobDefinition=definition, **more)
        return str(answer["jobId"])

    def show(self, name: str, figure: float, unit: str, *, most: float = float("inf"), least: float = 0.0) -> None:
        """Print a figure beside its gate."""
        gate = f"<= {most:g}" if most < float("inf") else f">= {least:g}" if least else ""
        good = least <= figure <= most
        if not good:
            self.missed.append(name)
        print(f"{name:<52} {figure:>9.2f} {unit:<7} {gate:<8} {'' if not gate else 'ok' if good else 'MISSED'}")

    def memory_mib(self) -> float:
        """Resident memory of the endpoint and MiniStack together."""
        return sum(process.memory_info().rss for process in self.processes()) / MIB

    def processes(self) -> tuple[psutil.Process, psutil.Process]:
        """The endpoint and MiniStack."""
        endpoint, ministack = (psutil.Process(pid) for pid in self._pids())
        return endpoint, ministack

    def _pids(self) -> tuple[int, int]:
        record = self.sandbox.status().record
        assert record is not None  # noqa: S101 - it is up
        return record.daemon.pid, record.ministack.pid

    def kept_bytes(self) -> float:
        """What the endpoint holds: its database and its memory."""
        with closing(sqlite3.connect(self.sandbox.state.database)) as database:
            pages, size = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return float(pages * size + self.processes()[0].memory_info().rss)


def floor() -> float:
    """Milliseconds to fork and exec `true` and wait for it."""
    return statistics.median(_timed(_run_true) for _ in range(200)) * 1000


def _run_true() -> None:
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


def _timed(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def one_by_one(bench: Bench) -> list[float]:
    """Milliseconds from the call of SubmitJob until DescribeJobs shows SUCCEEDED, one job at a time."""
    return sorted(_timed(lambda: _run(bench)) * 1000 for _ in range(ONE_BY_ONE))


def _run(bench: Bench) -> None:
    job_id = bench.submit(bench.batch)
    while bench.batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"] not in ENDED:
        pass


@dataclass(frozen=True)
class Spent:
    """Seconds of processor time so far, by who used them."""

    endpoint: float
    ministack: float
    jobs: float
    client: float
    machine: float

    def __sub__(self, other: Spent) -> Spent:
        """What was used since."""
        return Spent(*(getattr(self, name) - getattr(other, name) for name in Spent.__annotations__))

    @property
    def others(self) -> float:
        """What the machine did for somebody else."""
        return max(self.machine - self.endpoint - self.ministack - self.jobs - self.client, 0.0)


def spent(bench: Bench) -> Spent:
    """Read every clock."""
    endpoint, ministack = (process.cpu_times() for process in bench.processes())
    own, machine = psutil.Process().cpu_times(), psutil.cpu_times()
    return Spent(
        endpoint=endpoint.user + endpoint.system,
        ministack=ministack.user + ministack.system,
        jobs=endpoint.children_user + endpoint.children_system,
        client=own.user + own.system,
        machine=sum(machine) - machine.idle - getattr(machine, "iowait", 0.0),
    )


@dataclass(frozen=True)
class Turn:
    """Many jobs from many threads, once."""

    jobs_per_s: float
    spent_ms: Spent
    """A job."""
    others_percent: float
    """What others took of all processors meanwhile."""


def many(bench: Bench) -> Turn:
    """Submit many jobs from many threads and wait for all."""
    clients = [bench.client("batch") for _ in range(THREADS)]
    before, begun = spent(bench), time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        parts = list(pool.map(lambda client: [bench.submit(client) for _ in range(JOBS // THREADS)], clients))
    wait_for(bench, [job_id for part in parts for job_id in part])
    wall_s, used = time.perf_counter() - begun, spent(bench) - before
    a_job = Spent(*(getattr(used, name) * 1000 / JOBS for name in Spent.__annotations__))
    return Turn(JOBS / wall_s, a_job, 100 * used.others / wall_s / PROCESSORS)


def wait_for(bench: Bench, ids: Sequence[str]) -> None:
    """Wait for the end of all; the youngest are asked for first, for they end last."""
    left = list(ids)
    while left:
        page = bench.batch.describe_jobs(jobs=left[-100:])["jobs"]
        ended = {job["jobId"] for job in page if job["status"] in ENDED}
        left = [job_id for job_id in left if job_id not in ended]
        if len(ended) < len(page):
            time.sleep(0.05)


def lines_under_load(bench: Bench) -> list[float]:
    """Milliseconds from a line's print until CloudWatch Logs had it, while many jobs run."""
    talkers = [bench.submit(bench.batch, "talk") for _ in range(TALKERS)]
    many(bench)
    wait_for(bench, talkers)
    logs, late = bench.client("logs"), []
    for job in bench.batch.describe_jobs(jobs=talkers)["jobs"]:
        stream = job["container"]["logStreamName"]
        page = logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True)
        late += [float(event["ingestionTime"] - int(event["message"])) for event in page["events"]]
    assert len(late) == TALKERS * LINES, f"{len(late)} lines arrived"  # noqa: S101 - else the figure is worthless
    return sorted(late)


def array(bench: Bench) -> tuple[float, float]:
    """Seconds to accept an array, and its jobs a second."""
    begun = time.perf_counter()
    job_id = bench.submit(bench.batch, arrayProperties={"size": ARRAY})
    accepted_s = time.perf_counter() - begun
    while bench.batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"] not in ENDED:
        time.sleep(0.02)
    return accepted_s, ARRAY / (time.perf_counter() - begun)


def measure(bench: Bench, ready: list[float]) -> None:
    """Print every figure."""
    bench.show("floor: fork + exec of true, p50", floor(), "ms")
    bench.show(f"ready, best of {STARTS}", min(ready), "s", most=1.5)
    for _ in range(20):
        _run(bench)
    times = min((one_by_one(bench) for _ in range(2)), key=statistics.median)
    bench.show("submit -> SUCCEEDED of true, p50", times[len(times) // 2], "ms", most=15)
    bench.show("  p95", times[int(len(times) * 0.95)], "ms")
    measure_many(bench)
    late = lines_under_load(bench)
    bench.show("log line visible under load after, p50", late[len(late) // 2], "ms")
    bench.show("  p95", late[int(len(late) * 0.95)], "ms", most=200)
    arrays = [array(bench) for _ in range(2)]
    bench.show(f"array of {ARRAY} accepted in", min(accepted_s for accepted_s, _ in arrays), "s", most=0.4)
    bench.show("  its jobs a second", max(rate for _, rate in arrays), "/s")
    bench.show("resident memory of both processes", bench.memory_mib(), "MiB", most=180)


def measure_many(bench: Bench) -> None:
    """Print how fast many jobs are, what a job costs, and what it leaves."""
    many(bench)
    before = bench.kept_bytes()
    turns = [many(bench) for _ in range(TURNS)]
    kept = (bench.kept_bytes() - before) / JOBS / TURNS / 1024
    fastest = max(turns, key=lambda turn: turn.jobs_per_s)
    bench.show(f"{JOBS} x true from {THREADS} threads", fastest.jobs_per_s, "jobs/s", least=250)
    bench.show("  of all processors, others took meanwhile", fastest.others_percent, "%")
    cheapest = min((turn.spent_ms for turn in turns), key=lambda used: used.endpoint)
    bench.show("  processor time a job: endpoint", cheapest.endpoint, "ms", most=3)
    for name in ("ministack", "jobs", "client"):
        bench.show(f"    {name}", getattr(cheapest, name), "ms")
    total = cheapest.endpoint + cheapest.ministack + cheapest.jobs + cheapest.client
    bench.show("  most that these processors could do", PROCESSORS * 1000 / total, "jobs/s")
    bench.show("  kept a finished job (database and memory)", kept, "KiB", most=8)


def main() -> int:
    """Measure a sandbox of its own."""
    install()
    print(f"load average {os.getloadavg()[0]:.1f} on {PROCESSORS} processors")
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder) / "context"
        context.mkdir()
        sandbox = Sandbox(Path(folder) / "sandbox", stop_grace_s=1.0)
        ready = []
        try:
            for _ in range(STARTS):
                sandbox.down()
                ready.append(_timed(sandbox.up))
            bench = Bench(sandbox)
            bench.prepare(context)
            measure(bench, ready)
        finally:
            sandbox.down()
    print(f"load average at the end {os.getloadavg()[0]:.1f}")
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Who runs next: by priority, by age, and only where it fits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from recloser.sandbox.batch.model import BatchError, Document, Job
from recloser.sandbox.batch.placement import NO_CAPACITY, TOO_BIG, TOO_MANY_VCPUS, Host
from recloser.sandbox.batch.scheduler import ENVIRONMENT, QUEUE, Scheduler
from recloser.sandbox.batch.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path


class FakeRunner:
    """Runs every job until told to end it."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.failing: list[str] = []
        """Jobs whose next attempt fails and is to be followed by another."""
        self._ends: dict[str, asyncio.Event] = {}

    async def run(self, job: Job, environment: str) -> None:
        """Start, and wait for `end`."""
        self.started.append(f"{job.detail['jobName']}@{environment}")
        await self._ends.setdefault(job.id, asyncio.Event()).wait()
        if job.id in self.failing:
            self.failing.remove(job.id)
            del self._ends[job.id]
            job.detail["status"] = "RUNNABLE"
        else:
            job.detail["status"] = "FAILED" if job.stop else "SUCCEEDED"

    async def reattach(self, job: Job) -> None:
        """See to its end what an earlier process began."""
        self.started.append(f"{job.detail['jobName']} again")
        await self._ends.setdefault(job.id, asyncio.Event()).wait()
        job.detail["status"] = "SUCCEEDED"

    def stop(self, job: Job, ending: Document, grace_s: float | None = None) -> None:
        """End at once."""
        job.stop = ending
        self.end(job)

    def end(self, job: Job) -> None:
        """Let the job's run return."""
        self._ends.setdefault(job.id, asyncio.Event()).set()


class Bench:
    """A scheduler over one host of 1000 MiB."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.runner = FakeRunner()
        self.scheduler = Scheduler(store, self.runner, Host(memory_mib=1000))

    def environment(self, name: str, max_vcpus: int, state: str = "ENABLED") -> str:
        """Add a compute environment; its ARN."""
        resources = {"maxvCpus": max_vcpus}
        arn = f"arn:aws:batch:r:000000000000:compute-environment/{name}"
        document = {"computeEnvironmentArn": arn, "computeEnvironmentName": name, "state": state}
        self.store.put_resource("r", ENVIRONMENT, name, {**document, "computeResources": resources})
        return arn

    def queue(self, name: str, priority: int, *environments: str) -> None:
        """Add a queue."""
        order = [{"order": index, "computeEnvironment": arn} for index, arn in enumerate(environments)]
        document = {"jobQueueArn": name, "priority": priority, "computeEnvironmentOrder": order}
        self.store.put_resource("r", QUEUE, name, document)

    def submit(self, name: str, queue: str = "q", vcpus: int = 1, memory: int = 10) -> Job:
        """Submit a job."""
        container = {"vcpus": vcpus, "memory": memory}
        detail = {"jobId": name, "jobName": name, "jobQueue": queue, "status": "SUBMITTED", "attempts": []}
        job = Job("r", {**detail, "container": container, "jobDefinition": "d:1", "createdAt": 1})
        self.store.add_job(job)
        self.scheduler.accept(job)
        return job

    async def settle(self) -> list[str]:
        """Let everything happen that can; what has been started so far."""
        for _ in range(20):
            await asyncio.sleep(0)
        return self.runner.started


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    made = Store(tmp_path / "batch.sqlite")
    yield made
    made.close()


def on_bench(store: Store, story: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    """Play a story in an event loop."""

    async def play() -> None:
        bench = Bench(store)
        await story(bench)
        await bench.scheduler.close(0)

    asyncio.run(play())


def test_first_in_first_out(store: Store) -> None:
    """Jobs of a queue start in the order of their submission; the head blocks those behind it."""

    async def story(bench: Bench) -> None:
        bench.queue("q", 1, bench.environment("ce", 2))
        first = bench.submit("first", vcpus=2)
        bench.submit("wide", vcpus=2)
        small = bench.submit("small", vcpus=1)
        assert await bench.settle() == ["first@ce"]
        assert small.status == "RUNNABLE"
        bench.runner.end(first)
        assert await bench.settle() == ["first@ce", "wide@ce"]

    on_bench(store, story)


def test_priority_goes_first_and_keeps_its_place(store: Store) -> None:
    """The queue of higher priority is served first, and what its head waits for is not given to others."""

    async def story(bench: Bench) -> None:
        arn = bench.environment("ce", 2)
        bench.queue("low", 1, arn)
        bench.queue("high", 2, arn)
        bench.submit("low-1", "low")
        bench.submit("high-1", "high")
        bench.submit("high-2", "high", vcpus=2)
        assert await bench.settle() == ["high-1@ce"]

    on_bench(store, story)


def test_memory_of_the_host_is_shared(store: Store) -> None:
    """All compute environments draw on one memory."""

    async def story(bench: Bench) -> None:
        bench.queue("q", 1, bench.environment("a", 9), bench.environment("b", 9))
        first = bench.submit("first", memory=600)
        bench.submit("second", memory=600)
        assert await bench.settle() == ["first@a"]
        bench.runner.end(first)
        assert await bench.settle() == ["first@a", "second@a"]

    on_bench(store, story)


def test_second_environment_takes_what_the_first_cannot(store: Store) -> None:
    """Compute environments are tried in the queue's order; disabled ones are not."""

    async def story(bench: Bench) -> None:
        off = bench.environment("off", 9, "DISABLED")
        bench.queue("q", 1, off, bench.environment("a", 1), bench.environment("b", 4))
        bench.submit("one")
        bench.submit("two")
        bench.submit("three", vcpus=3)
        assert await bench.settle() == ["one@a", "two@b", "three@b"]

    on_bench(store, story)


def test_what_never_fits_says_why_until_it_fits(store: Store) -> None:
    """A job too big for every environment, or for the host, stays RUNNABLE with AWS's reason."""

    async def story(bench: Bench) -> None:
        bench.queue("q", 1, bench.environment("ce", 2))
        bench.queue("p", 1, "arn:aws:batch:r:000000000000:compute-environment/ce")
        wide, big = bench.submit("wide", vcpus=3), bench.submit("big", "p", memory=2000)
        assert await bench.settle() == []
        assert (wide.status, wide.detail["statusReason"]) == ("RUNNABLE", TOO_MANY_VCPUS)
        assert (big.status, big.detail["statusReason"]) == ("RUNNABLE", TOO_BIG)
        bench.environment("ce", 3)
        bench.scheduler.reconsider()
        assert await bench.settle() == ["wide@ce"]
        assert "statusReason" not in wide.detail

    on_bench(store, story)


def test_unfinished_jobs_are_taken_up(store: Store) -> None:
    """After a crash, what ran is attached to in its place, what had not begun starts over, what waited waits on."""

    async def first_life(bench: Bench) -> None:
        bench.queue("q", 1, bench.environment("ce", 2))
        running = bench.submit("running")
        bench.submit("starting")
        bench.submit("waiting")
        assert await bench.settle() == ["running@ce", "starting@ce"]
        running.detail["status"] = "RUNNING"
        running.container["taskArn"] = "arn:aws:ecs:r:0:task/ce_Batch/1"
        store.save_job(running)
        await store.settled()
        bench.scheduler._running.clear()  # noqa: SLF001 - as if killed: nothing is awaited or recorded

    async def second_life(bench: Bench) -> None:
        bench.scheduler.resume()
        assert sorted(await bench.settle()) == ["running again", "starting@ce"]
        bench.runner.end(bench.scheduler.live["running"])
        assert (await bench.settle())[2:] == ["waiting@ce"]

    on_bench(store, first_life)
    on_bench(store, second_life)


def test_other_regions_cannot_end_a_job(store: Store) -> None:
    """Terminate and cancel know only the jobs of the caller's region."""

    async def story(bench: Bench) -> None:
        bench.queue("q", 1, bench.environment("ce", 1))
        bench.submit("running")
        waiting = bench.submit("waiting")
        await bench.settle()
        bench.scheduler.cancel("elsewhere", "waiting", "no")
        bench.scheduler.terminate("elsewhere", "running", "no")
        await bench.settle()
        assert set(bench.scheduler.live) == {"running", "waiting"}
        bench.scheduler.terminate("r", "waiting", "enough")
        assert (waiting.status, waiting.detail["isTerminated"]) == ("FAILED", True)

    on_bench(store, story)


def test_what_failed_lines_up_again(store: Store) -> None:
    """A job that is tried again starts behind those that were waiting, on its own room."""

    async def story(bench: Bench) -> None:
        bench.queue("q", 1, bench.environment("ce", 1))
        bench.runner.failing = ["first"]
        first = bench.submit("first")
        second = bench.submit("second")
        await bench.settle()
        bench.runner.end(first)
        assert await bench.settle() == ["first@ce", "second@ce"]
        assert (first.status, first.stop) == ("RUNNABLE", None)
        bench.runner.end(second)
        assert (await bench.settle())[-1] == "first@ce"

    on_bench(store, story)


def test_a_host_that_is_full_says_so(store: Store) -> None:
    """Where processors are free and memory is not, the head waits for capacity, and the reason goes with the wait."""

    async def story(bench: Bench) -> None:
        bench.queue("q", 1, bench.environment("ce", 9))
        first = bench.submit("first", memory=600)
        second, third = bench.submit("second", memory=600), bench.submit("third", memory=600)
        await bench.settle()
        assert (second.status, second.detail["statusReason"]) == ("RUNNABLE", NO_CAPACITY)
        assert "statusReason" not in third.detail
        bench.runner.end(first)
        await bench.settle()
        assert "statusReason" not in second.detail
        assert third.detail["statusReason"] == NO_CAPACITY

    on_bench(store, story)


def test_waiting_for_a_turn_needs_no_reason(store: Store) -> None:
    """A head that waits for processors others use just waits."""

    async def story(bench: Bench) -> None:
        bench.queue("q", 1, bench.environment("ce", 1))
        bench.submit("first")
        second = bench.submit("second")
        await bench.settle()
        assert (second.status, second.detail.get("statusReason")) == ("RUNNABLE", None)

    on_bench(store, story)


def test_who_is_ended_in_the_line_is_passed_over(store: Store) -> None:
    """A job that was cancelled while it waited does not block those behind it."""

    async def story(bench: Bench) -> None:
        bench.queue("q", 1, bench.environment("ce", 1))
        first = bench.submit("first")
        bench.submit("wide", vcpus=2)
        bench.submit("third")
        await bench.settle()
        bench.scheduler.cancel("r", "wide", "no")
        bench.runner.end(first)
        assert await bench.settle() == ["first@ce", "third@ce"]

    on_bench(store, story)


def test_closed_environments_let_jobs_finish(store: Store) -> None:
    """A DISABLED compute environment takes no more jobs; those on it go on, and their room is given back."""

    async def story(bench: Bench) -> None:
        arn = bench.environment("ce", 1)
        bench.queue("q", 1, arn)
        first, second = bench.submit("first"), bench.submit("second")
        await bench.settle()
        bench.environment("ce", 1, "DISABLED")
        bench.scheduler.reconsider()
        bench.runner.end(first)
        assert await bench.settle() == ["first@ce"]
        assert (second.status, bench.scheduler.jobs_on(arn)) == ("RUNNABLE", 0)
        bench.environment("ce", 1)
        bench.scheduler.reconsider()
        assert await bench.settle() == ["first@ce", "second@ce"]

    on_bench(store, story)


def test_a_job_that_blocks_its_queue_is_told_once(store: Store) -> None:
    """With each reason anew; a job that only waits its turn is not told."""
    told: list[tuple[str, str]] = []

    async def story(bench: Bench) -> None:
        bench.scheduler.on_block(lambda job: told.append((job.id, job.detail["statusReason"])))
        bench.queue("q", 1, bench.environment("e", 2))
        bench.submit("first", vcpus=2)
        bench.submit("second", vcpus=2)
        await bench.settle()
        assert told == []
        bench.submit("wide", queue="r", vcpus=3)
        bench.queue("r", 1, bench.environment("f", 2))
        for _ in range(2):
            bench.scheduler.reconsider()
            await bench.settle()
        assert told == [("wide", TOO_MANY_VCPUS)]

    on_bench(store, story)


def test_a_queue_is_full_of_submitted_jobs(store: Store) -> None:
    """Only what is SUBMITTED counts, and only of that queue."""

    async def story(bench: Bench) -> None:
        scheduler = Scheduler(store, bench.runner, Host(memory_mib=1000), most_submitted=lambda: 2)
        bench.scheduler = scheduler
        bench.queue("q", 1, bench.environment("e", 1))
        for number in range(2):
            scheduler.check_room("q", 1)
            bench.submit(f"job {number}")
        scheduler.check_room("r", 2)
        with pytest.raises(BatchError, match="at most 2"):
            scheduler.check_room("q", 1)
        await bench.settle()
        scheduler.check_room("q", 2)

    on_bench(store, story)

"""Remedies that change the submission alone: sizes, time, queue, workers, command."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.healing.errors import Proposed, Refused
from recloser.healing.remedies.limits import limits
from recloser.values import (
    AttemptRecord,
    Capacity,
    Cause,
    Evidence,
    JobAttempt,
    JobDefinition,
    JobSpec,
    LogLine,
    LogTail,
    Platform,
    utc_now,
)
from tests.unit.healing.bench import Bench, named
from tests.unit.healing.fakes import failed

PAIRS = {(pair.vcpus, pair.memory_mib) for pair in limits().fargate_pairs()}
OOM = Cause.OOM


def guarded(**guardrails: Any) -> dict[str, Any]:
    """Tables of a target with these guardrails."""
    return {"guardrails": guardrails}


def amended(bench: Bench, remedy: str, cause: Cause) -> JobSpec:
    """The next submission."""
    return bench.plan(remedy, cause).amend(bench.spec, bench.site)


def fargate(memory_mib: int, vcpus: float) -> Evidence:
    """A job on Fargate."""
    return failed(exit_code=137, memory_mib=memory_mib, vcpus=vcpus, platform=Platform.FARGATE)


@pytest.mark.parametrize(
    ("before", "limit", "after"),
    [
        ((0.25, 512), {"max_mib": 8192}, (0.25, 1024)),
        ((0.25, 2048), {"max_mib": 8192, "max_vcpus": 1}, (0.5, 4096)),
        ((1, 5120), {"max_mib": 8192}, (1, 8192)),
        ((4, 30720), {"max_mib": 65536, "max_vcpus": 8}, (8, 61440)),
        ((4, 20480), {"max_mib": 65536}, (4, 30720)),
    ],
)
def test_memory_on_fargate_grows_to_a_pair_that_is_offered(
    tmp_path: Path, before: tuple[float, int], limit: dict[str, Any], after: tuple[float, int]
) -> None:
    """The next valid pair; more vCPUs only where the target allows them."""
    bench = Bench(tmp_path, fargate(before[1], before[0]), **guarded(memory=limit))
    spec = amended(bench, "raise_memory", OOM)
    assert (spec.vcpus or before[0], spec.memory_mib) == after


def test_memory_on_fargate_stops_where_the_vcpus_would_have_to_grow(tmp_path: Path) -> None:
    """Nobody declared more vCPUs."""
    bench = Bench(tmp_path, fargate(2048, 0.25), **guarded(memory={"max_mib": 8192}))
    with pytest.raises(Refused, match="guardrails.memory"):
        bench.plan("raise_memory", OOM)


@given(
    before=st.sampled_from(sorted(PAIRS)),
    max_mib=st.integers(512, 130_000),
    max_vcpus=st.none() | st.floats(0.25, 16),
    factor=st.floats(1.1, 4),
)
def test_whatever_is_declared_a_raised_pair_is_valid_and_within(
    tmp_path_factory: pytest.TempPathFactory,
    before: tuple[float, int],
    max_mib: int,
    max_vcpus: float | None,
    factor: float,
) -> None:
    """A refused pair would cost an attempt, a larger one money nobody agreed to."""
    limit = {"max_mib": max_mib, "max_vcpus": max_vcpus, "factor": factor}
    bench = Bench(tmp_path_factory.getbasetemp(), fargate(before[1], before[0]), **guarded(memory=limit))
    try:
        spec = amended(bench, "raise_memory", OOM)
    except Refused:
        return
    after = (spec.vcpus or before[0], spec.memory_mib or before[1])
    assert after in PAIRS
    assert before[1] < after[1] <= max_mib
    assert after[0] <= max(max_vcpus or 0, before[0])


def test_memory_is_clamped_to_what_the_queue_s_instances_leave_for_a_job(tmp_path: Path) -> None:
    """The largest instance less its agent's reserve; at that size, a person must act."""
    bench = Bench(tmp_path, failed(exit_code=137, memory_mib=6000), **guarded(memory={"max_mib": 100_000}))
    bench.account.capacity.queues["optimo"] = Capacity(max_memory_mib=8192)
    assert amended(bench, "raise_memory", OOM).memory_mib == 8192 - 655
    full = Bench(tmp_path, failed(memory_mib=7537), **guarded(memory={"max_mib": 100_000}))
    full.account.capacity.queues["optimo"] = Capacity(max_memory_mib=8192)
    with pytest.raises(Refused, match="largest instance can place 7537 MiB"):
        full.plan("raise_memory", OOM)


def test_the_second_lever_halves_the_declared_workers(tmp_path: Path) -> None:
    """Down to the declared minimum, then it is used up."""
    lever = guarded(parallelism={"variable": "WORKERS", "minimum": 2})
    bench = Bench(tmp_path, failed(exit_code=137, environment={"WORKERS": "5"}), **lever)
    spec = amended(bench, "lower_parallelism", OOM)
    assert spec.environment["WORKERS"].get_secret_value() == "2"
    bench.spec = spec
    with pytest.raises(Refused, match="no fewer than 2"):
        bench.plan("lower_parallelism", OOM)


TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "/app/main.py", line 7, in <module>',
    "    rows = [0] * size",
    "           ~~~~^~~~~~",
)
GUARDED = guarded(memory={"max_mib": 8192}, parallelism={"variable": "WORKERS"})
WORKERS = {"WORKERS": "4"}


@pytest.mark.parametrize(
    ("log", "exit_code"),
    [
        ((*TRACEBACK, "MemoryError"), 1),
        ((*TRACEBACK, "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 12.3 GiB", "", "Aborted"), 1),
        (("Exception in thread main java.lang.OutOfMemoryError: Java heap space", "\tat Main.fill(Main.java:7)"), 1),
        (("terminate called after throwing an instance of 'std::bad_alloc'", "  what():  std::bad_alloc"), 134),
        (("Error: cannot allocate vector of size 2.3 Gb", "Execution halted"), 1),
        (("MemoryError", "cleaning up"), 137),
    ],
)
@pytest.mark.parametrize("remedy", ["raise_memory", "lower_parallelism"])
def test_memory_that_has_run_out_is_proven_by_how_the_program_ended(
    tmp_path: Path, log: tuple[str, ...], exit_code: int, remedy: str
) -> None:
    """An uncaught error with nothing but its traces behind it, or the kernel's signal."""
    bench = Bench(tmp_path, failed(*log, exit_code=exit_code, environment=WORKERS), **GUARDED)
    assert bench.plan(remedy).kind == remedy


@pytest.mark.parametrize(
    "log",
    [
        ("MemoryError",),
        ("batch 3: caught MemoryError", "writing results"),
        (*TRACEBACK, "MemoryError", "that batch is left out", "the totals do not agree"),
        ("INFO java.lang.OutOfMemoryError: in the worker that was replaced", "\tat Main.fill(Main.java:7)"),
        ("    indented", "MemoryError"),
    ],
)
@pytest.mark.parametrize("remedy", ["raise_memory", "lower_parallelism"])
def test_a_log_that_only_speaks_of_memory_changes_no_size(tmp_path: Path, log: tuple[str, ...], remedy: str) -> None:
    """Anybody can print it: the size is left to a person, with the exact change."""
    bench = Bench(tmp_path, failed(*log, environment=WORKERS), **GUARDED)
    with pytest.raises(Proposed, match="not proven") as proposed:
        bench.plan(remedy)
    assert proposed.value.change.kind == remedy


@pytest.mark.parametrize("environment", [{}, {"WORKERS": "many"}])
def test_a_lever_whose_place_is_not_known_is_not_moved(tmp_path: Path, environment: dict[str, str]) -> None:
    """No number is invented."""
    bench = Bench(tmp_path, failed(environment=environment), **guarded(parallelism={"variable": "WORKERS"}))
    with pytest.raises(Refused, match="WORKERS"):
        bench.plan("lower_parallelism", OOM)


def timed_out(*, silent_s: float, ran_s: float = 100, timeout_s: int = 100) -> Evidence:
    """A job that was ended by its limit, `silent_s` after its last line."""
    end = utc_now()
    attempt = JobAttempt(number=1, started_at=end - timedelta(seconds=ran_s), stopped_at=end)
    last = LogLine(at=end - timedelta(seconds=silent_s), text="iteration 7")
    evidence = failed(attempts=(attempt,), timeout_s=timeout_s)
    return evidence.model_copy(update={"log": LogTail(stream="s", lines=(last,))})


def test_a_job_that_was_getting_on_gets_more_time(tmp_path: Path) -> None:
    """Twice the limit, clamped."""
    for limit, after in ((1000, 200), (150, 150)):
        bench = Bench(tmp_path, timed_out(silent_s=5), **guarded(timeout={"max_s": limit}))
        assert amended(bench, "raise_timeout", Cause.TIMEOUT).timeout_s == after


def test_a_job_that_hangs_gets_no_more_time(tmp_path: Path) -> None:
    """Silence near the end is a hang, and no log is no progress."""
    bench = Bench(tmp_path, timed_out(silent_s=60), **guarded(timeout={"max_s": 1000}))
    with pytest.raises(Refused, match="hangs"):
        bench.plan("raise_timeout", Cause.TIMEOUT)
    last_words = LogLine(at=utc_now(), text="Terminated")
    log = LogTail(stream="s", lines=(*bench.evidence.log.lines, last_words))
    bench.evidence = bench.evidence.model_copy(update={"log": log})
    with pytest.raises(Refused, match="hangs"):
        bench.plan("raise_timeout", Cause.TIMEOUT)
    bench.evidence = bench.evidence.model_copy(update={"log": LogTail()})
    with pytest.raises(Refused, match="nothing shows"):
        bench.plan("raise_timeout", Cause.TIMEOUT)


def test_the_next_declared_queue_that_fits_is_taken(tmp_path: Path) -> None:
    """One that does not exist, is too small or of another platform is passed over, and each is tried once."""
    queues = {"fallbacks": ["gone", "small", "fargate", "on-demand"]}
    bench = Bench(tmp_path, failed(vcpus=4), **guarded(queue=queues))
    bench.account.batch.closed = {"gone"}
    bench.account.capacity.queues = {"small": Capacity(max_vcpus=2), "fargate": Capacity(platform=Platform.FARGATE)}
    change = bench.plan("switch_queue", Cause.RUNNABLE_CAPACITY)
    assert change.amend(bench.spec, bench.site).queue == "on-demand"
    bench.spec = bench.spec.model_copy(update={"queue": "on-demand"})
    with pytest.raises(Refused, match="every declared fallback has been tried"):
        bench.plan("switch_queue", Cause.RUNNABLE_CAPACITY)
    bench.spec = bench.spec.model_copy(update={"queue": "optimo"})
    bench.account.batch.closed = {"gone", "on-demand"}
    with pytest.raises(Refused, match="gone.*small: it has at most 2 vCPUs.*FARGATE.*on-demand"):
        bench.plan("switch_queue", Cause.RUNNABLE_CAPACITY)


def test_no_queue_is_taken_that_is_not_declared(tmp_path: Path) -> None:
    """Another queue is another price."""
    with pytest.raises(Refused, match="guardrails.queue"):
        Bench(tmp_path, failed()).plan("switch_queue", Cause.RUNNABLE_CAPACITY)


def test_a_job_that_cannot_be_placed_is_made_to_fit(tmp_path: Path) -> None:
    """Down to what the queue has; what fits already is left alone."""
    bench = Bench(tmp_path, failed(memory_mib=90_000, vcpus=8), **guarded(memory={"max_mib": 64_000}))
    bench.account.capacity.queues["optimo"] = Capacity(max_vcpus=4, max_memory_mib=32_768)
    spec = amended(bench, "clamp_resources", Cause.RUNNABLE_RESOURCE_REQUIREMENT)
    assert (spec.memory_mib, spec.vcpus) == (32_768 - 2621, 4)
    bench.evidence = failed(memory_mib=1000, vcpus=1)
    with pytest.raises(Refused, match="no more than"):
        bench.plan("clamp_resources", Cause.RUNNABLE_RESOURCE_REQUIREMENT)


def test_a_job_is_not_made_smaller_than_what_killed_it(tmp_path: Path) -> None:
    """It ran out of memory at more: clamping would only move the failure."""
    bench = Bench(tmp_path, failed(memory_mib=9000, vcpus=1), **guarded(memory={"max_mib": 4000}))
    killed = AttemptRecord(
        number=1, job_name="n", definition="d", memory_mib=4500, submitted_at=utc_now(), diagnosis=named(OOM)
    )
    bench.incident = bench.incident.model_copy(update={"attempts": (killed,)})
    with pytest.raises(Refused, match="killed for memory at 4500 MiB"):
        bench.plan("clamp_resources", Cause.RUNNABLE_RESOURCE_REQUIREMENT)


@pytest.mark.parametrize(
    ("asked", "offered"),
    [((0.25, 3000), (0.5, 3072)), ((1, 1024), (1, 2048)), ((3, 9000), (4, 9216)), ((0.5, 512), (0.5, 1024))],
)
def test_a_pair_that_fargate_does_not_offer_is_rounded_up(
    tmp_path: Path, asked: tuple[float, int], offered: tuple[float, int]
) -> None:
    """The smallest pair that holds both."""
    bench = Bench(tmp_path, fargate(asked[1], asked[0]), **guarded(memory={"max_mib": 16_384, "max_vcpus": 4}))
    spec = amended(bench, "round_up_fargate", Cause.FARGATE_RESOURCE_COMBO)
    assert (spec.vcpus or asked[0], spec.memory_mib or asked[1]) == offered


def test_a_pair_is_rounded_up_within_the_declared_size_only(tmp_path: Path) -> None:
    """A larger pair costs more."""
    bench = Bench(tmp_path, fargate(3000, 0.25), **guarded(memory={"max_mib": 16_384}))
    with pytest.raises(Refused, match=r"0.5 vCPU with 3072 MiB, more than"):
        bench.plan("round_up_fargate", Cause.FARGATE_RESOURCE_COMBO)


def after_success(tmp_path: Path, *command: str, **tables: Any) -> Bench:
    """A failed job whose last good run had another command."""
    bench = Bench(tmp_path, failed(command=("pyhton", "-m", "optimo")), **tables)
    bench.account.batch.definitions["optimo:2"] = JobDefinition(
        arn="arn:2", name="optimo:2", revision=2, command=command, image="i"
    )
    bench.last_success = AttemptRecord(number=1, job_name="n", definition="optimo:2", submitted_at=utc_now())
    return bench


RESTORE = guarded(definition={"restore_command": True})
ENTRY = Cause.ENTRYPOINT_OR_COMMAND


def test_the_command_of_the_last_good_run_is_restored(tmp_path: Path) -> None:
    """From the revision that ran well, if the command has drifted from it."""
    bench = after_success(tmp_path, "python", "-m", "optimo", **RESTORE)
    assert amended(bench, "restore_command", ENTRY).command == ("python", "-m", "optimo")


def test_a_command_that_has_not_drifted_is_left(tmp_path: Path) -> None:
    """Nor without leave, a good run, or when it holds a secret."""
    with pytest.raises(Refused, match="not drifted"):
        after_success(tmp_path, "pyhton", "-m", "optimo", **RESTORE).plan("restore_command", ENTRY)
    with pytest.raises(Refused, match="leave"):
        after_success(tmp_path, "python").plan("restore_command", ENTRY)
    with pytest.raises(Refused, match="no good run"):
        Bench(tmp_path, failed(), **RESTORE).plan("restore_command", ENTRY)
    with pytest.raises(Refused, match="secret"):
        after_success(tmp_path, "curl", "https://me:hunter22hunter22@host/x", **RESTORE).plan("restore_command", ENTRY)


def test_a_gpu_is_asked_for_on_the_declared_queue(tmp_path: Path) -> None:
    """Where the job asked for none; where it did, the request is not what is wrong."""
    gpu = guarded(gpu={"queue": "gpu", "count": 2})
    spec = amended(Bench(tmp_path, failed(), **gpu), "request_gpu", Cause.GPU_CONFIG)
    assert (spec.gpus, spec.queue) == (2, "gpu")
    with pytest.raises(Refused, match="driver and image"):
        Bench(tmp_path, failed(gpus=1), **gpu).plan("request_gpu", Cause.GPU_CONFIG)
    with pytest.raises(Refused, match="guardrails.gpu"):
        Bench(tmp_path, failed()).plan("request_gpu", Cause.GPU_CONFIG)

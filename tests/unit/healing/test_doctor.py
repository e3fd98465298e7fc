"""Jobs that do not move on: when that is a failure, why, and what is done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.healing import Narrator, open_healing
from recloser.healing.doctor import examine, waits_its_turn
from recloser.healing.narration import Sighting
from recloser.healing.patience import Patience
from recloser.store import Store
from recloser.target import Watch
from recloser.values import (
    Capacity,
    Cause,
    ComputeEnvironment,
    Evidence,
    FixMode,
    Incident,
    JobQueue,
    JobSpec,
    JobState,
    Verdict,
)
from tests.unit.healing.fakes import FakeAccount, a_site, a_target, failed, succeeded

if TYPE_CHECKING:
    from pathlib import Path

TOO_BIG = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement is higher than that can be met"
NO_CAPACITY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested"
NO_VCPUS = "You have requested more vCPU capacity than your current vCPU limit of 32 allows. VcpuLimitExceeded"


def environment(**facts: Any) -> ComputeEnvironment:
    """A compute environment that takes jobs."""
    return ComputeEnvironment(**{"name": "spot", "state": "ENABLED", "status": "VALID", "kind": "EC2"} | facts)


def queue(*environments: ComputeEnvironment, **facts: Any) -> JobQueue:
    """A queue that takes jobs."""
    return JobQueue(
        **{"name": "optimo", "state": "ENABLED", "status": "VALID", "environments": environments or (environment(),)}
        | facts
    )


def stuck(state: JobState = JobState.RUNNABLE, **job: Any) -> Evidence:
    """Evidence of a job that has not moved for an hour."""
    facts = {"exit_code": None, "status_reason": None, "state": state, "stuck_s": 3600.0, "vcpus": 4.0, "attempts": ()}
    return failed(**facts | job)


@pytest.mark.parametrize(
    ("shown", "facts", "cause", "words"),
    [
        (None, {}, Cause.COMPUTE_ENV_INVALID, "deleted"),
        (queue(state="DISABLED"), {}, Cause.COMPUTE_ENV_INVALID, "takes no jobs: it is DISABLED"),
        (
            queue(environment(status="INVALID", reason="CLIENT_ERROR - role gone"), environment(state="DISABLED")),
            {},
            Cause.COMPUTE_ENV_INVALID,
            "no compute environment of queue optimo takes jobs",
        ),
        (queue(), {"launches": (NO_CAPACITY, NO_VCPUS)}, Cause.RUNNABLE_QUOTA, "it has been RUNNABLE for 3600 s"),
        (queue(), {"launches": (NO_CAPACITY,)}, Cause.RUNNABLE_CAPACITY, "RUNNABLE for 3600 s"),
        (
            queue(),
            {"queues": {"optimo": Capacity(max_vcpus=2)}},
            Cause.RUNNABLE_RESOURCE_REQUIREMENT,
            "asks for 4 vCPU",
        ),
        (
            queue(),
            {"queues": {"optimo": Capacity(max_memory_mib=256)}},
            Cause.RUNNABLE_RESOURCE_REQUIREMENT,
            "the job asks for 256 MiB",
        ),
        (queue(), {"quota": 3.0}, Cause.RUNNABLE_QUOTA, "the account's quota is 3"),
        (queue(), {"quota": 4.0}, Cause.RUNNABLE_UNDETERMINED, "neither the queue"),
    ],
)
def test_what_holds_a_job_up_is_named(
    tmp_path: Path, shown: JobQueue | None, facts: dict[str, Any], cause: Cause, words: str
) -> None:
    """The first check that finds something decides; without one the answer is that nothing was found."""
    account = FakeAccount()
    account.capacity.shown = shown
    for name, value in facts.items():
        setattr(account.capacity, name, value)
    diagnosis = examine(a_site(a_target(tmp_path), account), stuck())
    assert diagnosis.cause is cause
    assert words in f"{diagnosis.summary} {diagnosis.evidence}"


@pytest.mark.parametrize(
    ("reason", "cause"), [(TOO_BIG, Cause.RUNNABLE_RESOURCE_REQUIREMENT), (NO_CAPACITY, Cause.RUNNABLE_CAPACITY)]
)
def test_what_batch_says_is_believed(tmp_path: Path, reason: str, cause: Cause) -> None:
    """The status reason of a waiting job is read like that of a failed one."""
    account = FakeAccount()
    account.capacity.shown = queue()
    diagnosis = examine(
        a_site(a_target(tmp_path), account),
        stuck(status_reason=None).model_copy(update={"job": stuck().job.model_copy(update={"status_reason": reason})}),
    )
    assert diagnosis.cause is cause
    assert any(line.text == reason for line in diagnosis.evidence)


def test_what_cannot_be_asked_is_a_gap(tmp_path: Path) -> None:
    """Missing rights hide nothing: the other checks are made, and the gaps are named."""
    account = FakeAccount()
    account.capacity.shown = queue()
    account.capacity.silent = {"failed_launches", "vcpu_quota"}
    diagnosis = examine(a_site(a_target(tmp_path), account), stuck())
    assert diagnosis.cause is Cause.RUNNABLE_UNDETERMINED
    assert len([gap for gap in diagnosis.not_checked if "no right to ask" in gap]) == 2


@pytest.mark.parametrize("state", [JobState.STARTING, JobState.RUNNING])
def test_a_job_in_silence_is_not_judged(tmp_path: Path, state: JobState) -> None:
    """From outside a hang looks like slow work: nothing may be changed on it."""
    diagnosis = examine(a_site(a_target(tmp_path), FakeAccount()), stuck(state))
    assert (diagnosis.cause, diagnosis.remedies) == (Cause.UNKNOWN, ())
    assert state.value in diagnosis.summary


def test_a_job_behind_others_waits_its_turn(tmp_path: Path) -> None:
    """Only the head of a queue can be stuck; a queue that does not say leaves it open."""
    account = FakeAccount()
    site = a_site(a_target(tmp_path), account)
    for ahead, waits in (((), False), (("job-1",), False), (("job-0", "job-1"), True), (("job-0",), True)):
        account.capacity.ahead = ahead
        assert waits_its_turn(site, stuck().job) is waits
    account.capacity.silent = {"front"}
    assert not waits_its_turn(site, stuck().job)


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.floats(0, 50), st.booleans()), min_size=1))
def test_patience_ends_only_without_a_sign_of_life(looks: list[tuple[float, bool]]) -> None:
    """However the looks fall, patience is over exactly when the silence was as long as is allowed."""
    clock, lines, silence = Clock(), 0, 0.0
    patience = Patience(Watch(silent_s=60), clock)
    job = stuck(JobState.RUNNING).job
    patience.see(Sighting(attempt=1, job=job, last_line="0"))
    for passed, speaks in looks:
        clock.now += passed
        lines, silence = (lines + 1, 0.0) if speaks else (lines, silence + passed)
        patience.see(Sighting(attempt=1, job=job, last_line=str(lines)))
        assert patience.is_over(job) is (patience.waited_s >= 60)
        assert patience.waited_s == pytest.approx(silence)
    assert not Patience(Watch(), clock).is_over(job)


def heal(tmp_path: Path, play: Any, *, mode: FixMode = FixMode.AUTO, **tables: Any) -> tuple[Incident, FakeAccount]:
    """A whole healing of jobs that end, or do not, as `play` says."""
    account = FakeAccount()
    account.batch.play = play
    account.capacity.shown = queue()
    account.capacity.queues = {"optimo": Capacity(max_vcpus=2)}
    target = a_target(tmp_path, watch={"poll_s": 0.05, "runnable_s": 0.1}, **tables)
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        healing = open_healing(
            a_site(target, account), store, Narrator(), iterations=5, fix_mode=mode, use_test_data=False
        )
        while healing.goes_on:
            healing.submit()
            evidence = healing.collect(healing.watch())
            planned = healing.plan(evidence, healing.diagnose(evidence)) if healing.goes_on else None
            if planned and mode is FixMode.AUTO:
                healing.apply(planned)
            elif planned:
                healing.report_only(planned)
        return healing.incident, account


def waiting_until_it_fits(spec: JobSpec) -> Evidence:
    """RUNNABLE for ever with more than two vCPUs."""
    return succeeded() if (spec.vcpus or 4) <= 2 else stuck()


def test_a_job_too_large_for_its_queue_is_made_to_fit(tmp_path: Path) -> None:
    """The stuck job is ended before another takes its place: two never run."""
    guardrails = {"memory": {"max_mib": 1024, "max_vcpus": 4}}
    incident, account = heal(tmp_path, waiting_until_it_fits, guardrails=guardrails)
    assert incident.verdict is Verdict.HEALED
    assert [attempt.state for attempt in incident.attempts] == [JobState.RUNNABLE, JobState.SUCCEEDED]
    assert account.batch.terminated == {"job-1"}
    assert [change.remedy for change in incident.changes] == ["clamp_resources"]


def test_a_stuck_job_is_left_where_nothing_may_be_done(tmp_path: Path) -> None:
    """Without leave to change anything the job stays, and the report says where."""
    incident, account = heal(tmp_path, waiting_until_it_fits)
    assert (incident.verdict, account.batch.terminated) == (Verdict.LOCKED_OUT, set())
    assert "Job job-1 was left as it is." in incident.reason


def test_report_only_ends_no_job(tmp_path: Path) -> None:
    """What would be done is said; the job goes on waiting."""
    guardrails = {"memory": {"max_mib": 1024, "max_vcpus": 4}}
    incident, account = heal(tmp_path, waiting_until_it_fits, mode=FixMode.REPORT_ONLY, guardrails=guardrails)
    assert (incident.verdict, account.batch.terminated) == (Verdict.REPORTED, set())

"""One incident of three attempts, as a person would meet it."""

from datetime import UTC, datetime, timedelta

import pytest

from recloser.values import (
    AttemptRecord,
    AutonomyLevel,
    Cause,
    ChangeRecord,
    ChangeState,
    Diagnosis,
    EvidenceLine,
    FixMode,
    Incident,
    JobState,
    Metrics,
    OutputCheck,
    RuledOut,
    Verdict,
)

AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)

VARIABLE_MISSING = Diagnosis(
    cause=Cause.MISSING_ENV_VAR,
    signature="python.keyerror.environ",
    subject="SOLVER_THREADS",
    summary="the variable SOLVER_THREADS is not set",
    confidence=0.97,
    evidence=(EvidenceLine(source="log", text="KeyError: 'SOLVER_THREADS'"),),
    ruled_out=(RuledOut(cause=Cause.OOM, why="the exit code is 1, not 137"),),
    not_checked=("the queue's quota: not allowed",),
)
OUT_OF_MEMORY = Diagnosis(
    cause=Cause.OOM,
    signature="batch.oom",
    summary="the container used more than 512 MiB",
    confidence=0.999,
    evidence=(EvidenceLine(source="container reason", text="OutOfMemoryError: Container killed due to memory usage"),),
)


def an_attempt(number: int, **fields: object) -> AttemptRecord:
    """A failed attempt of 65 seconds, but for what is given."""
    start = AT + timedelta(minutes=5 * number)
    usual = {
        "number": number,
        "job_name": f"optimo-{number}",
        "job_id": f"job-000{number}",
        "state": JobState.FAILED,
        "definition": "optimo:3",
        "image": "optimo:1.4",
        "memory_mib": 512,
        "exit_code": 1,
        "submitted_at": start,
        "started_at": start,
        "stopped_at": start + timedelta(seconds=65),
    }
    return AttemptRecord.model_validate(usual | fields)


def a_change(number: int, **fields: object) -> ChangeRecord:
    """A verified change, but for what is given."""
    usual = {
        "change_id": f"change-{number}",
        "attempt": number,
        "remedy": "set_environment",
        "level": AutonomyLevel.REVERSIBLE,
        "summary": "set SOLVER_THREADS from the catalogue",
        "diff": "--- submitted\n+++ submitted\n+SOLVER_THREADS=(value of the catalogue)\n",
        "permanent": "Add SOLVER_THREADS to the job definition optimo.",
        "undo": "Submit without it.",
        "cost": "nothing",
        "blast_radius": "this submission",
        "cause": Cause.MISSING_ENV_VAR,
        "state": ChangeState.VERIFIED,
        "note": "read back",
        "planned_at": AT,
        "settled_at": AT + timedelta(minutes=1),
    }
    return ChangeRecord.model_validate(usual | fields)


@pytest.fixture
def healed() -> Incident:
    """Two faults, one change for each, a success at the third attempt."""
    schedule = OutputCheck(uri="s3://grid/out/schedule.csv", ok=True, detail="24 rows")
    more = {
        "remedy": "raise_memory",
        "summary": "raise the memory to 1024 MiB",
        "diff": "-512\n+1024\n",
        "cause": Cause.OOM,
        "undo": "aws batch register-job-definition \\\n  --memory 512",
    }
    return Incident(
        incident_id="i-2026-05-04",
        target="optimo",
        fix_mode=FixMode.AUTO,
        iterations=10,
        opened_at=AT,
        closed_at=AT + timedelta(minutes=20),
        verdict=Verdict.HEALED,
        reason="the job succeeded and its outputs are valid",
        attempts=(
            an_attempt(1, diagnosis=VARIABLE_MISSING, log_excerpt=("Traceback", "KeyError: 'SOLVER_THREADS'")),
            an_attempt(2, diagnosis=OUT_OF_MEMORY, exit_code=137, status_reason="Essential container exited"),
            an_attempt(3, state=JobState.SUCCEEDED, exit_code=0, memory_mib=1024, outputs=(schedule,)),
        ),
        changes=(a_change(1), a_change(2, **more)),
        metrics=Metrics(
            attempts=3,
            changes_applied=2,
            changes_reverted=0,
            manual_interventions=0,
            time_to_detect_s=1.24,
            time_to_recover_s=184,
            wall_s=7500,
        ),
    )


@pytest.fixture
def locked_out(healed: Incident) -> Incident:
    """The same beginning, but a person refused the change."""
    fields = {
        "verdict": Verdict.LOCKED_OUT,
        "reason": "the only remedy was declined",
        "attempts": healed.attempts[:1],
        "changes": (a_change(1, state=ChangeState.DECLINED, note="not on a Friday"),),
        "metrics": None,
    }
    return healed.model_copy(update=fields)

"""Whether a remedy worked, judged by the attempts that followed it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from recloser.healing.memory import outcomes_of
from recloser.values import (
    AttemptRecord,
    AutonomyLevel,
    Cause,
    ChangeRecord,
    ChangeState,
    Diagnosis,
    FixMode,
    Incident,
    JobState,
)

AT = datetime(2026, 5, 4, tzinfo=UTC)
OOM, DATA, SPOT, UNKNOWN = Cause.OOM, Cause.FILE_NOT_FOUND, Cause.SPOT_INTERRUPTION, Cause.UNKNOWN
OK = None


def attempt(number: int, cause: Cause | None, **fields: Any) -> AttemptRecord:
    """One that failed of a cause, or succeeded."""
    diagnosis = None if cause is None else Diagnosis(cause=cause, signature=f"S-{cause}", summary="", confidence=0.9)
    facts = {"state": JobState.SUCCEEDED if cause is None else JobState.FAILED, "diagnosis": diagnosis} | fields
    return AttemptRecord(number=number, job_name="o", definition="o:1", submitted_at=AT, **facts)


def change(after: int, remedy: str, state: ChangeState) -> ChangeRecord:
    """One change."""
    return ChangeRecord(
        change_id=f"c{after}",
        attempt=after,
        remedy=remedy,
        level=AutonomyLevel.REVERSIBLE,
        summary="",
        diff="",
        permanent="",
        undo="",
        cause=OOM,
        state=state,
        planned_at=AT,
    )


def incident(*causes: Cause | None, changes: list[ChangeRecord], **last: Any) -> Incident:
    """One with attempts that ended so."""
    attempts = [attempt(number, cause) for number, cause in enumerate(causes, start=1)]
    if last:
        attempts[-1] = attempts[-1].model_copy(update=last)
    facts = {"incident_id": "i", "target": "optimo", "fix_mode": FixMode.AUTO, "iterations": 9, "opened_at": AT}
    return Incident.model_validate(facts | {"attempts": tuple(attempts), "changes": tuple(changes)})


def judged(found: Incident) -> list[tuple[str, str, bool]]:
    """Remedy, signature, whether it worked."""
    return [(one.remedy, one.signature, one.worked) for one in outcomes_of(found)]


VERIFIED, REVERTED = ChangeState.VERIFIED, ChangeState.REVERTED


@pytest.mark.parametrize(
    ("causes", "state", "worked"),
    [
        ((OOM, OK), VERIFIED, True),
        ((OOM, DATA), VERIFIED, True),
        ((OOM, OOM), REVERTED, False),
        ((OOM, SPOT, OK), VERIFIED, True),
        ((OOM, UNKNOWN, OOM), REVERTED, False),
        ((OOM, OOM), ChangeState.FAILED, False),
        ((OOM, SPOT), VERIFIED, None),
        ((OOM,), VERIFIED, None),
        ((OOM, OOM), ChangeState.DECLINED, None),
        ((OOM, OOM), ChangeState.UNDONE, None),
    ],
)
def test_the_first_attempt_that_decides_counts(
    causes: tuple[Cause | None, ...], state: ChangeState, worked: object
) -> None:
    """Gone is a success, the same again a failure; a lost host, a declined or an undone change say nothing."""
    found = judged(incident(*causes, changes=[change(1, "raise_memory", state)]))
    assert found == ([] if worked is None else [("raise_memory", "S-oom", worked)])


def test_several_steps_of_one_remedy_are_one_try() -> None:
    """The second raise helped: raising the memory limit worked, once."""
    steps = [change(1, "raise_memory", VERIFIED), change(2, "raise_memory", VERIFIED)]
    assert judged(incident(OOM, OOM, OK, changes=steps)) == [("raise_memory", "S-oom", True)]


def test_remedies_of_several_problems_are_judged_apart() -> None:
    """Each against its own problem."""
    changes = [
        change(1, "raise_memory", REVERTED),
        change(2, "lower_parallelism", VERIFIED),
        change(3, "restore", VERIFIED),
    ]
    assert judged(incident(OOM, OOM, DATA, OK, changes=changes)) == [
        ("raise_memory", "S-oom", False),
        ("lower_parallelism", "S-oom", True),
        ("restore", "S-file_not_found", True),
    ]


def test_what_was_not_needed_says_nothing() -> None:
    """The job works without it: it neither cured nor failed."""
    kept = [change(1, "raise_memory", REVERTED)]
    assert judged(incident(OOM, OK, OK, changes=kept, without=("c1",))) == []


def test_a_trial_without_a_change_is_no_failure_of_it() -> None:
    """A trial that fails shows that the change is needed."""
    kept = [change(1, "raise_memory", VERIFIED)]
    assert judged(incident(OOM, OK, OOM, changes=kept, without=("c1",))) == [("raise_memory", "S-oom", True)]

"""One fault hides another, and the report says which."""

from datetime import UTC, datetime

from recloser.healing.masking import masked_by
from recloser.values import AttemptRecord, Cause, Diagnosis

AT = datetime(2026, 5, 4, tzinfo=UTC)


def of(cause: Cause, subject: str = "") -> Diagnosis:
    """A diagnosis."""
    return Diagnosis(cause=cause, signature="s", subject=subject, summary="x", confidence=0.9)


def attempt(number: int, diagnosis: Diagnosis | None = None, *, started: bool = True) -> AttemptRecord:
    """A failed attempt."""
    facts = {"job_name": "j", "definition": "d", "submitted_at": AT, "started_at": AT if started else None}
    return AttemptRecord.model_validate({"number": number, "diagnosis": diagnosis, **facts})


def test_a_new_problem_was_hidden_by_the_one_before() -> None:
    """A variable first, then a permission, then memory: each hid the next."""
    first = attempt(1, of(Cause.MISSING_ENV_VAR, "A"))
    second = attempt(2, of(Cause.S3_PERMISSION))
    assert masked_by([first], second, of(Cause.S3_PERMISSION)) is Cause.MISSING_ENV_VAR
    assert masked_by([first, second], attempt(3), of(Cause.OOM)) is Cause.S3_PERMISSION


def test_the_first_problem_and_one_seen_before_are_not_hidden() -> None:
    """Nothing hid them."""
    first = attempt(1, of(Cause.OOM))
    assert masked_by([], attempt(1), of(Cause.OOM)) is None
    assert masked_by([first], attempt(2), of(Cause.OOM)) is None
    assert masked_by([first, attempt(2, of(Cause.TIMEOUT))], attempt(3), of(Cause.OOM)) is None


def test_a_job_that_comes_less_far_than_before_was_not_hiding_it() -> None:
    """It ran and now does not start: the change made that failure."""
    first = attempt(1, of(Cause.OOM))
    stuck = attempt(2, started=False)
    assert masked_by([first], stuck, of(Cause.RUNNABLE_RESOURCE_REQUIREMENT)) is None

"""The ledger: what attempts cost, and what doomed retries would have."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from recloser.healing.ledger import account_for, price, ran_s, retries_refused
from recloser.target import Prices, Target
from recloser.values import AttemptRecord, Cause, Diagnosis, JobAttempt, JobSnapshot, JobState

AT = datetime(2026, 5, 4, tzinfo=UTC)
PRICES = Prices(
    vcpu_hour_usd=0.04,
    gib_hour_usd=0.004,
    source="the price list",
    as_of=date(2026, 5, 1),
    queues={"spot": {"vcpu_hour_usd": 0.04, "gib_hour_usd": 0.004, "spot_discount": 0.75}},
)


def an_attempt(cause: Cause | None = None, **facts: Any) -> AttemptRecord:
    """An hour on one vCPU and two GiB."""
    usual = {
        "number": 1,
        "job_name": "j",
        "definition": "d",
        "submitted_at": AT,
        "vcpus": 1,
        "memory_mib": 2048,
        "ran_s": 3600,
    }
    diagnosis = Diagnosis(cause=cause, signature="s", summary="x", confidence=0.9) if cause else None
    record = AttemptRecord.model_validate({**usual, "diagnosis": diagnosis, **facts})
    return record.model_copy(update={"cost_usd": price(record, PRICES, "any")})


def test_an_hour_costs_its_vcpus_and_its_memory() -> None:
    """One vCPU-hour and two GiB-hours; three quarters less on spot, by name or ARN."""
    assert price(an_attempt(), PRICES, "any") == pytest.approx(0.048)
    assert price(an_attempt(), PRICES, "arn:aws:batch:us-east-1:0:job-queue/spot") == pytest.approx(0.012)


def test_a_run_below_the_minimum_costs_the_minimum_for_each_try() -> None:
    """Fargate bills a minute at least."""
    by_minute = PRICES.model_copy(update={"minimum_s": 60.0})
    assert price(an_attempt(ran_s=1), by_minute, "any") == price(an_attempt(ran_s=60), PRICES, "any")
    assert price(an_attempt(ran_s=2, tries=2), by_minute, "any") == price(an_attempt(ran_s=120), PRICES, "any")


@pytest.mark.parametrize("unknown", ["vcpus", "memory_mib", "ran_s"])
def test_what_is_not_known_is_not_priced(unknown: str) -> None:
    """No size or no time: no figure, and the bill says how many."""
    attempt = an_attempt(**{unknown: None})
    assert attempt.cost_usd is None
    money = account_for([attempt, an_attempt()], PRICES)
    assert money is not None
    assert (money.unpriced_attempts, money.spent_usd) == (1, pytest.approx(0.048))


def test_without_a_declared_price_there_is_no_figure() -> None:
    """Nothing is invented."""
    assert price(an_attempt(), None, "any") is None
    assert account_for([an_attempt(Cause.OOM)], None) is None


@pytest.mark.parametrize(
    ("cause", "limit", "tries", "refused"),
    [
        (Cause.MISSING_ENV_VAR, None, 1, 3),
        (Cause.MISSING_ENV_VAR, 1, 1, 3),
        (Cause.MISSING_ENV_VAR, 5, 2, 3),
        (Cause.APP_ERROR, 2, 2, 0),
        (Cause.SPOT_INTERRUPTION, None, 1, 0),
        (Cause.RUNNABLE_CAPACITY, 5, 1, 0),
        (Cause.UNKNOWN, None, 1, 0),
        (Cause.USER_CANCELLED, None, 1, 0),
        (None, None, 1, 0),
    ],
)
def test_only_retries_that_are_doomed_count_as_refused(
    cause: Cause | None, limit: int | None, tries: int, refused: int
) -> None:
    """What the job's own strategy still allowed, or the declared yardstick; never a retry that might have helped."""
    assert retries_refused(an_attempt(cause, retry_limit=limit, tries=tries), PRICES) == refused


def test_the_bill_of_an_incident() -> None:
    """Two attempts paid, three doomed retries of the first not paid; rule and source are told."""
    money = account_for([an_attempt(Cause.OOM), an_attempt(number=2)], PRICES)
    assert money is not None
    assert (money.spent_usd, money.refused_retries, money.saved_usd) == (0.096, 3, 0.144)
    assert "naive_retries" in money.rule
    assert money.prices == "the price list, as of 2026-05-01"


def a_job(*spans: tuple[float | None, float | None]) -> JobSnapshot:
    """A job whose attempts started and stopped so many seconds after a moment."""

    def moment(seconds: float | None) -> datetime | None:
        return None if seconds is None else AT + timedelta(seconds=seconds)

    attempts = tuple(
        JobAttempt(number=n, started_at=moment(start), stopped_at=moment(stop))
        for n, (start, stop) in enumerate(spans, 1)
    )
    return JobSnapshot(job_id="j", name="j", state=JobState.FAILED, queue="q", definition_arn="d", attempts=attempts)


def test_running_time_is_that_of_all_tries() -> None:
    """Two tries count; one that never started has run no time; one without an end is not known."""
    assert ran_s(a_job((0, 10), (20, 25))) == 15
    assert ran_s(a_job((None, 3))) == 0
    assert ran_s(a_job((0, None))) is None
    assert ran_s(a_job()) == 0


@given(st.floats(0, 1e6), st.floats(0.25, 16), st.integers(512, 122_880))
def test_a_longer_or_larger_run_never_costs_less(seconds: float, vcpus: float, memory_mib: int) -> None:
    """Monotone in time, vCPUs and memory, and never negative."""
    small = price(an_attempt(ran_s=seconds, vcpus=vcpus, memory_mib=memory_mib), PRICES, "any")
    large = price(an_attempt(ran_s=seconds * 2, vcpus=vcpus * 2, memory_mib=memory_mib * 2), PRICES, "any")
    assert small is not None
    assert large is not None
    assert 0 <= small <= large


def test_a_limit_of_money_needs_prices(tmp_path: Any) -> None:
    """Refused when the target is read, in words."""
    declared = {"name": "t", "folder": tmp_path, "job": {"queue": "q", "definition": "d", "role": "r"}}
    with pytest.raises(ValidationError, match="needs a \\[prices\\] table"):
        Target.model_validate({**declared, "guardrails": {"minimise": {"max_cost_usd": 1}}})

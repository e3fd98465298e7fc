"""Which failed attempts are tried again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recloser.sandbox.batch import endings
from recloser.sandbox.batch.model import BatchError
from recloser.sandbox.batch.retries import check_retries, is_retried, matches, shown

LETTERS = st.text("abAB01.: \t", min_size=1, max_size=6)


def entry(action: str = "RETRY", **conditions: str) -> dict[str, str]:
    """One entry of evaluateOnExit."""
    return {**conditions, "action": action}


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ({"attempts": 0}, "attempts should be between 1 and 10, got 0"),
        ({"attempts": 11}, "attempts should be between 1 and 10, got 11"),
        ({"evaluateOnExit": [entry(onReason="*")]}, "attempts is required"),
        ({"attempts": 2, "evaluateOnExit": [entry(onReason="*")] * 6}, "at most 5 entries"),
        ({"attempts": 2, "evaluateOnExit": [entry()]}, "evaluateOnExit[0] should have at least one of onStatusReason"),
        ({"attempts": 2, "evaluateOnExit": [entry(onExitCode="1"), entry(onExitCode="1x")]}, "[1].onExitCode"),
        ({"attempts": 2, "evaluateOnExit": [entry(onExitCode="-1")]}, "numbers"),
        ({"attempts": 2, "evaluateOnExit": [entry(onReason="*x")]}, "'*' at the end only"),
        ({"attempts": 2, "evaluateOnExit": [entry(onReason="a*b*")]}, "'*' at the end only"),
        ({"attempts": 2, "evaluateOnExit": [entry(onReason="a(b)")]}, "letters, numbers"),
        ({"attempts": 2, "evaluateOnExit": [entry(onStatusReason="x" * 513)]}, "1-512 characters"),
        ({"attempts": 2, "evaluateOnExit": [entry(onStatusReason="")]}, "1-512 characters"),
    ],
)
def test_bad_strategies_are_refused(strategy: dict[str, Any], words: str) -> None:
    """A refusal names the member and what was expected."""
    with pytest.raises(BatchError) as caught:
        check_retries(strategy)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "strategy",
    [
        None,
        {},
        {"attempts": 10},
        {"attempts": 1, "evaluateOnExit": [entry("exit", onReason="x" * 512)] * 5},
        {"attempts": 2, "evaluateOnExit": [entry(onStatusReason="Host EC2*", onReason="a.b: c\t*", onExitCode="13*")]},
    ],
)
def test_good_strategies_are_taken(strategy: dict[str, Any] | None) -> None:
    """Limits are inclusive; the action's case does not matter."""
    check_retries(strategy)


@given(LETTERS, LETTERS)
@example("a", "A")
def test_patterns_without_star_are_exact(pattern: str, text: str) -> None:
    """A pattern without star fits its own text only, in its own case."""
    assert matches(entry(onReason=pattern), {"reason": text}) is (pattern == text)


@given(LETTERS, st.text("abAB01.: \t", max_size=6))
def test_patterns_with_star_fit_every_beginning(text: str, rest: str) -> None:
    """A pattern with a star at its end fits whatever begins so."""
    assert matches(entry(onReason=f"{text}*"), {"reason": text + rest})
    assert matches(entry(onReason=f"{text}*"), {"reason": rest}) is rest.startswith(text)


@given(st.integers(0, 255), st.integers(0, 255))
def test_exit_codes_are_compared_as_decimal_text(wanted: int, code: int) -> None:
    """`onExitCode` sees the digits."""
    assert matches(entry(onExitCode=str(wanted)), {"exitCode": code}) is (wanted == code)
    assert matches(entry(onExitCode=f"{wanted}*"), {"exitCode": code}) is str(code).startswith(str(wanted))


def test_what_is_absent_is_matched_by_a_star_alone() -> None:
    """An attempt without reason or exit code fits `*` and nothing else."""
    assert matches(entry(onReason="*", onExitCode="*"), {"statusReason": "Host EC2 lost"})
    assert not matches(entry(onReason="a*"), {"statusReason": "a"})


CONDITIONS = st.lists(
    st.builds(
        lambda action, code, reason: entry(
            action, **({"onExitCode": code} if code else {}), **({"onReason": reason} if reason else {})
        ),
        st.sampled_from(["RETRY", "exit", "EXIT", "retry"]),
        st.sampled_from(["", "1", "1*", "2", "*"]),
        st.sampled_from(["", "OOM*", "*"]),
    ).filter(lambda made: len(made) > 1),
    max_size=5,
)
ENDING = st.fixed_dictionaries(
    {"statusReason": st.just("x")}, optional={"exitCode": st.integers(0, 20), "reason": LETTERS}
)


@given(st.integers(1, 10), st.integers(1, 10), CONDITIONS, ENDING)
def test_first_match_decides_and_no_match_retries(
    allowed: int, had: int, conditions: list[dict[str, str]], ending: dict[str, Any]
) -> None:
    """Within the attempts allowed, the first entry that matches decides; without one the job is tried again."""
    deciding = [condition["action"].upper() for condition in conditions if matches(condition, ending)]
    expected = had < allowed and (not deciding or deciding[0] == "RETRY")
    assert is_retried({"attempts": allowed, "evaluateOnExit": conditions}, had, ending) is expected


def job_with(**strategy: Any) -> dict[str, Any]:
    """A running job."""
    container = {"taskArn": "t", "logStreamName": "s", "image": "i"}
    return {
        "status": "RUNNING",
        "startedAt": 1,
        "container": container,
        "attempts": [],
        "retryStrategy": shown(strategy),
    }


def test_a_failed_attempt_goes_back_to_runnable() -> None:
    """The attempt is kept, and the job shows nothing of it at its top."""
    job = job_with(attempts=2)
    endings.record(job, endings.exited(3, out_of_memory=False), None)
    assert (job["status"], job["container"]) == ("RUNNABLE", {"image": "i"})
    assert not {"startedAt", "stoppedAt", "statusReason"} & set(job)
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [3]
    endings.record(job, endings.exited(4, out_of_memory=False), None)
    assert (job["status"], len(job["attempts"]), job["container"]["exitCode"]) == ("FAILED", 2, 4)


@pytest.mark.parametrize(
    ("own", "imposed", "status"),
    [
        (endings.exited(0, out_of_memory=False), None, "SUCCEEDED"),
        (endings.exited(1, out_of_memory=False), None, "RUNNABLE"),
        (endings.not_started(endings.no_image("i")), None, "RUNNABLE"),
        ({}, {"statusReason": endings.HOST_LOST}, "RUNNABLE"),
        (endings.exited(143, out_of_memory=False), {"statusReason": endings.TIMED_OUT}, "FAILED"),
        (endings.exited(143, out_of_memory=False), {"statusReason": "stop", "isTerminated": True}, "FAILED"),
        ({}, {"statusReason": endings.HOST_LOST, "isTerminated": True}, "FAILED"),
    ],
)
def test_only_failures_are_retried(own: dict[str, Any], imposed: dict[str, Any] | None, status: str) -> None:
    """Exits, failures to start and lost hosts are tried again; what a user or a time limit ended is not."""
    job = job_with(attempts=2)
    endings.record(job, own, imposed)
    assert job["status"] == status


@pytest.mark.parametrize(("condition", "status"), [("Task failed*", "FAILED"), ("Host EC2*", "RUNNABLE")])
def test_start_failures_can_be_told_apart(condition: str, status: str) -> None:
    """`evaluateOnExit` sees the attempt's status reason."""
    job = job_with(attempts=2, evaluateOnExit=[entry("EXIT", onStatusReason=condition)])
    endings.record(job, endings.not_started(endings.no_image("i")), None)
    assert job["status"] == status

"""Failures of one night, grouped by what they have in common."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from recloser.nightly.judging import flaky_tests, last_attempts, own
from recloser.values import FailedTest, FailureGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recloser.values import Comparison, SuiteRun, TestAttempt, TestVerdict

Words = tuple[str, str]
"""What a test is judged to be, and why."""
_WORST_FIRST = (
    "new",
    "failing",
    "not judged",
    "already broken",
    "still failing",
    "infrastructure",
    "flaky",
    "quarantined",
)
_PRINTED = 4000


def failure_groups(
    runs: Iterable[SuiteRun], comparison: Comparison, judged: Mapping[tuple[str, str], Words] | None = None
) -> tuple[FailureGroup, ...]:
    """One group for each fingerprint among the tests whose last attempt failed; the worst and largest first.

    Args:
        runs: The suites of the night.
        comparison: With the last good night.
        judged: What triage says of a test, by suite and test id; where it says nothing, the comparison does.
    """
    words = _compared(comparison) | dict(judged or {})
    since = {
        (change.suite, change.test_id): change.since for change in (*comparison.new_failures, *comparison.still_failing)
    }
    members: dict[str, list[tuple[str, TestAttempt, FailedTest]]] = defaultdict(list)
    for run in runs:
        tried = _tries(run)
        for test, attempt in last_attempts(run.attempts).items():
            if attempt.status.is_failure:
                told = _told(run.suite, attempt, tried[test], words.get((run.suite, test), ("failing", "")))
                members[key_of(attempt)].append((since.get((run.suite, test), ""), attempt, told))
    groups = [_group(key, found) for key, found in members.items()]
    return tuple(sorted(groups, key=lambda group: (_rank(group.verdict), -len(group.tests), group.fingerprint)))


def key_of(attempt: TestAttempt) -> str:
    """What names the cause of a failed attempt: its fingerprint, or its test where nothing was raised."""
    return attempt.failure.fingerprint if attempt.failure else f"{attempt.suite} {attempt.test_id}"


def title_of(attempt: TestAttempt) -> str:
    """The exception and the first line of its message."""
    failure = attempt.failure
    return f"{failure.exception}: {failure.message}".split("\n", 1)[0][:300] if failure else str(attempt.status)


def place_of(attempt: TestAttempt) -> str:
    """Where in the code under test it failed; empty where that is not known."""
    frame = attempt.failure.frames[-1] if attempt.failure and attempt.failure.frames else None
    return f"{frame.file}:{frame.line} in {frame.function}" if frame else ""


def flaky_of(runs: Iterable[SuiteRun], judged: Mapping[tuple[str, str], Words] | None = None) -> tuple[FailedTest, ...]:
    """Tests that failed and passed in the same run."""
    said = judged or {}
    return tuple(
        _told(
            run.suite,
            tried[-1],
            tried,
            said.get((run.suite, test), ("flaky", f"passed at attempt {_passed(tried)} of the same code")),
        )
        for run in runs
        for test, tried in flaky_tests(run.attempts).items()
    )


def words_of(verdict: TestVerdict) -> Words:
    """How a verdict is shown."""
    return ("quarantined" if verdict.quarantined else str(verdict.kind), verdict.sentence)


def _passed(tried: tuple[TestAttempt, ...]) -> int:
    return next(attempt.number for attempt in tried if attempt.status.is_pass)


def _compared(comparison: Comparison) -> dict[tuple[str, str], Words]:
    new = {
        (change.suite, change.test_id): ("new", f"passed in {comparison.base}") for change in comparison.new_failures
    }
    still = {
        (change.suite, change.test_id): ("still failing", f"since {change.since}" if change.since else "")
        for change in comparison.still_failing
    }
    return still | new


def _tries(run: SuiteRun) -> dict[str, tuple[TestAttempt, ...]]:
    of_test: dict[str, list[TestAttempt]] = defaultdict(list)
    for attempt in own(run.attempts):
        of_test[attempt.test_id].append(attempt)
    return {test: tuple(tried) for test, tried in of_test.items()}


def _told(suite: str, attempt: TestAttempt, tried: tuple[TestAttempt, ...], words: Words) -> FailedTest:
    verdict, evidence = words
    return FailedTest(
        suite=suite,
        test_id=attempt.test_id,
        status=attempt.status,
        attempts=len(tried),
        failed_attempts=sum(one.status.is_failure for one in tried),
        verdict=verdict,
        evidence=evidence,
    )


def _group(key: str, found: list[tuple[str, TestAttempt, FailedTest]]) -> FailureGroup:
    first = found[0][1]
    failure = first.failure
    verdict = min((told.verdict for _, _, told in found), key=_rank)
    return FailureGroup(
        fingerprint=key,
        title=title_of(first),
        verdict=verdict,
        since=min((since for since, _, _ in found if since), default=""),
        where=place_of(first),
        source=failure.source if failure else "",
        files=tuple(dict.fromkeys(frame.file for frame in reversed(failure.frames))) if failure else (),
        text=failure.text[-_PRINTED:] if failure else "",
        output=first.output[-_PRINTED:],
        tests=tuple(told for _, _, told in found),
    )


def _rank(verdict: str) -> int:
    return _WORST_FIRST.index(verdict) if verdict in _WORST_FIRST else len(_WORST_FIRST)

"""What a run comes to: failed where a test never passed, not verified where something was not run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser.values import Judgement, TestAttempt, TestStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMED = 3
STORM_SHARE, STORM_TESTS = 0.2, 10
"""More failures than both are not run again: what fails so widely is not the tests' own doing."""


@dataclass(frozen=True)
class Tally:
    """The tests of a run by what their attempts come to."""

    failed: tuple[str, ...]
    """Failed every time."""
    flaky: tuple[str, ...]
    """Failed, and passed on the same code."""
    passed: int
    skipped: int
    not_run: int

    @property
    def judged(self) -> int:
        """Tests that spoke for or against the code."""
        return len(self.failed) + len(self.flaky) + self.passed


def tally(attempts: Iterable[TestAttempt]) -> Tally:
    """Count tests, not attempts."""
    of_test: dict[str, list[TestStatus]] = defaultdict(list)
    for attempt in attempts:
        of_test[attempt.test_id].append(attempt.status)
    failed = {test for test, seen in of_test.items() if any(status.is_failure for status in seen)}
    passed = {test for test, seen in of_test.items() if any(status.is_pass for status in seen)}
    judged = failed | passed
    rest = {test: seen for test, seen in of_test.items() if test not in judged}
    not_run = sum(1 for seen in rest.values() if TestStatus.NOT_RUN in seen)
    return Tally(
        failed=tuple(sorted(failed - passed)),
        flaky=tuple(sorted(failed & passed)),
        passed=len(passed - failed),
        skipped=len(rest) - not_run,
        not_run=not_run,
    )


def is_storm(failed: int, judged: int) -> bool:
    """Whether so much fails that running it again would say nothing."""
    return failed > STORM_TESTS and failed > STORM_SHARE * judged


def judgement_of(counts: Tally, cut_short: str, exit_reason: str) -> tuple[Judgement, str]:
    """What a run comes to, and why, in a sentence.

    Args:
        counts: Of its tests.
        cut_short: Why it ended before its end; empty where it did not.
        exit_reason: What its exit code says that no test does; empty where there is nothing.
    """
    flaky = f"; flaky, they passed when run again: {_names(counts.flaky)}" if counts.flaky else ""
    missing = f"; {counts.not_run} did not run" if counts.not_run else ""
    if counts.failed:
        total = counts.judged + counts.skipped
        why = f": {cut_short or 'their turn never came'}" if missing else ""
        return (
            Judgement.FAILED,
            f"{len(counts.failed)} of {total} tests failed: {_names(counts.failed)}{missing}{why}{flaky}",
        )
    if cut_short or counts.not_run:
        return Judgement.NOT_VERIFIED, f"{cut_short or 'it ended early'}{missing}{flaky}"
    if exit_reason:
        return Judgement.FAILED if counts.judged else Judgement.NOT_VERIFIED, exit_reason + flaky
    if not counts.judged:
        why = f"all {counts.skipped} tests were skipped" if counts.skipped else "there are no tests in it"
        return Judgement.NOT_VERIFIED, why
    return Judgement.PASSED, flaky.removeprefix("; ")


def _names(tests: tuple[str, ...]) -> str:
    more = f" and {len(tests) - _NAMED} more" if len(tests) > _NAMED else ""
    return ", ".join(tests[:_NAMED]) + more

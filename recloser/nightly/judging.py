"""What a night comes to: pure functions from what ran to a verdict and the sentence that goes with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from recloser.values import CycleVerdict, FailureKind, Judgement, SuiteSummary, TestStatus, TestVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from recloser.target import System, Threshold
    from recloser.values import Comparison, DataRun, ServiceRun, SuiteRun, TestAttempt

_SHOWN = 3
Test = tuple[str, str]
"""Suite and test id."""
Verdicts = Mapping[Test, TestVerdict]
"""What triage says of each test that failed."""


def verdict_of(
    services: Iterable[ServiceRun],
    data: Iterable[DataRun],
    suites: Iterable[SuiteSummary],
    comparison: Comparison,
    verdicts: Verdicts | None = None,
) -> tuple[CycleVerdict, str]:
    """The verdict of a night, and why.

    A test that fails now and did not in the last good night weighs most, then whatever failed, then what could not be
    judged; suites that are not critical are told, and weigh nothing.

    Args:
        services: How they did.
        data: How it was judged.
        suites: Counted, with what triage makes of their failures.
        comparison: With the last good night.
        verdicts: What triage says; where it says nothing at all, the comparison decides what is new.
    """
    weighing = tuple(suite for suite in suites if suite.critical)
    names = {suite.suite for suite in weighing}
    regressed = [f"{suite} {test}" for suite, test in _new(comparison, verdicts) if suite in names]
    parts = [("service", run.name, run.judgement, run.reason) for run in services]
    parts += [("data", run.name, run.judgement, run.reason) for run in data]
    parts += [("suite", run.suite, run.judgement, run.reason) for run in weighing]
    failed = [_part(part) for part in parts if part[2] is Judgement.FAILED]
    unknown = [_part(part) for part in parts if part[2] is Judgement.NOT_VERIFIED]
    if regressed and comparison.base is not None:
        were = "a test fails that did not" if len(regressed) == 1 else f"{len(regressed)} tests fail that did not"
        return CycleVerdict.REGRESSION, f"{were} in {comparison.base}: {_listed(regressed)}"
    if failed:
        return CycleVerdict.RED, _listed(failed)
    if unknown:
        return CycleVerdict.NOT_VERIFIED, f"not verified: {_listed(unknown)}"
    if not parts:
        return CycleVerdict.NOT_VERIFIED, "the target declares no service, data set or suite that could be judged"
    return CycleVerdict.GREEN, f"{len(parts)} parts judged, all passed" if len(parts) > 1 else "the one part passed"


def _new(comparison: Comparison, verdicts: Verdicts | None) -> list[Test]:
    if verdicts is None:
        return [(change.suite, change.test_id) for change in comparison.new_failures]
    return [test for test, one in verdicts.items() if one.kind is FailureKind.NEW and not one.quarantined]


def _part(part: tuple[str, str, Judgement, str]) -> str:
    kind, name, _, reason = part
    return f"{kind} {name}: {reason}" if reason else f"{kind} {name}"


def _listed(words: list[str]) -> str:
    more = len(words) - _SHOWN
    return "; ".join(words[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def summary_of(run: SuiteRun, system: System, cost_usd: float | None, verdicts: Verdicts | None = None) -> SuiteSummary:
    """Count a suite; a figure outside its threshold fails it, and failures that do not speak against the code do not.

    Args:
        run: The suite's own run, without probes.
        system: What was under test.
        cost_usd: Price of its AWS calls.
        verdicts: What triage says of its failures.
    """
    last = last_attempts(run.attempts)
    beyond = tuple(_beyond(run.figures, system.thresholds))
    counts = {status: sum(attempt.status is status for attempt in last.values()) for status in TestStatus}
    judgement, reason = weighed(run, last, verdicts or {})
    if beyond and judgement is Judgement.PASSED:
        judgement, reason = Judgement.FAILED, _listed(list(beyond))
    return SuiteSummary(
        suite=run.suite,
        tier=run.tier,
        judgement=judgement,
        reason=reason,
        critical=run.critical,
        counts={status: count for status, count in counts.items() if count},
        flaky=len(flaky_tests(run.attempts)),
        duration_s=(run.ended_at - run.started_at).total_seconds(),
        workers=run.workers,
        coverage_percent=run.coverage_percent,
        aws_calls=run.aws_calls,
        cost_usd=cost_usd,
        figures=run.figures,
        beyond=beyond,
    )


def weighed(run: SuiteRun, last: Mapping[str, TestAttempt], verdicts: Verdicts) -> tuple[Judgement, str]:
    """What a suite comes to once it is known what its failures are.

    One that fails of nothing but flaky and quarantined tests passes; one that fails of nothing but what is outside the
    code was not verified.
    """
    failing = [verdicts.get((run.suite, test)) for test, attempt in last.items() if attempt.status.is_failure]
    judged = [one for one in failing if one is not None]
    if run.judgement is not Judgement.FAILED or not failing or len(judged) < len(failing):
        return run.judgement, run.reason
    harmless = [one for one in judged if one.quarantined or one.kind is FailureKind.FLAKY]
    outside = [one for one in judged if one.kind is FailureKind.INFRASTRUCTURE and not one.quarantined]
    if len(harmless) == len(judged):
        return Judgement.PASSED, f"{len(harmless)} failures do not block: flaky or in quarantine"
    if len(harmless) + len(outside) == len(judged):
        return Judgement.NOT_VERIFIED, outside[0].sentence
    return run.judgement, run.reason


def _beyond(figures: Mapping[str, float], thresholds: Mapping[str, Threshold]) -> Iterator[str]:
    for name, value in figures.items():
        limit = thresholds.get(name)
        if limit is not None and not limit.holds(value):
            wanted = " and ".join(
                f"{word} {bound:g}"
                for word, bound in (("at least", limit.min), ("at most", limit.max))
                if bound is not None
            )
            yield f"{name} is {value:.4g}, {wanted} is declared"


def own(attempts: Iterable[TestAttempt]) -> Iterator[TestAttempt]:
    """Those of the suite's own run and its reruns."""
    return (attempt for attempt in attempts if not attempt.probe)


def last_attempts(attempts: Iterable[TestAttempt]) -> dict[str, TestAttempt]:
    """The last attempt of each test that decides; probes are evidence about a test, and decide nothing."""
    last: dict[str, TestAttempt] = {}
    for attempt in own(attempts):
        present = last.get(attempt.test_id)
        if present is None or attempt.number >= present.number:
            last[attempt.test_id] = attempt
    return last


def flaky_tests(attempts: Iterable[TestAttempt]) -> dict[str, tuple[TestAttempt, ...]]:
    """Tests that both failed and passed in one run, with all their attempts: the code was the same."""
    of_test: dict[str, list[TestAttempt]] = {}
    for attempt in own(attempts):
        of_test.setdefault(attempt.test_id, []).append(attempt)
    return {
        test: tuple(tried)
        for test, tried in of_test.items()
        if any(attempt.status.is_failure for attempt in tried) and any(attempt.status.is_pass for attempt in tried)
    }

"""A night as the rules of alerts see it: one finding for each problem, with the key it has every night."""

from __future__ import annotations

import hashlib
import shlex
from typing import TYPE_CHECKING

from recloser.nightly.repository import path_in_repository
from recloser.quarantine import SCOPE as QUARANTINE
from recloser.values import CycleFacts, FailureKind, Finding, FindingKind, Judgement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from recloser.nightly.judging import Verdicts
    from recloser.nightly.summary import Results
    from recloser.nightly.triaging import TriageResult
    from recloser.target import System
    from recloser.values import Cycle, CycleReport, FailureGroup, Slowdown, Slowness, TestVerdict

_MOST_TESTS = 10
_EVIDENCE_LINES = 30


def facts_of(report: CycleReport, system: System, results: Results, triage: TriageResult, *, page: str) -> CycleFacts:
    """What the rules are applied to.

    Args:
        report: The night, with its verdict.
        system: What was under test.
        results: What ran.
        triage: What each failure is judged to be, and what became slower.
        page: Where its page will be.
    """
    cycle = report.cycle
    if cycle.verdict is None or cycle.closed_at is None:
        raise ValueError("a night without a verdict is not told of")
    verdicts = triage.by_test
    outside = [one.sentence for one in verdicts.values() if one.kind is FailureKind.INFRASTRUCTURE]
    storm = outside[0] if len(outside) > _MOST_TESTS else ""
    down = {run.name for run in results.services if run.judgement is not Judgement.PASSED}
    findings = [
        *_services(results),
        *_data(results, down),
        *_failures(report, path_in_repository(system.folder), verdicts),
        *(finding for found in triage.slowness for finding in _slower(found, cycle)),
        *triage.expired,
        *_unverified(report, results, system, down, storm),
    ]
    return CycleFacts(
        cycle_id=cycle.cycle_id,
        target=cycle.target,
        at=cycle.closed_at,
        verdict=cycle.verdict,
        findings=tuple(
            {one.fingerprint: one for one in (_own(finding, cycle.target) for finding in findings)}.values()
        ),
        failed=report.comparison.failed - _in_quarantine(report, verdicts),
        judged=report.comparison.judged,
        storm=storm,
        verified=frozenset({*_verified(report), QUARANTINE}),
        report=page,
    )


def _own(finding: Finding, target: str) -> Finding:
    """With a key no other target has, since targets may share a pager; that of a failure is told by its content."""
    if finding.kind is FindingKind.NEW_FAILURE:
        return finding
    cause = f"{target}-{finding.cause}" if finding.cause else ""
    return finding.model_copy(update={"fingerprint": f"{target}-{finding.fingerprint}", "cause": cause})


def _in_quarantine(report: CycleReport, verdicts: Verdicts) -> int:
    """How many of the failed tests nobody is to be told of."""
    failed = [(test.suite, test.test_id) for group in report.groups for test in group.tests]
    return sum(verdicts[test].quarantined for test in failed if test in verdicts)


def _services(results: Results) -> Iterator[Finding]:
    for run in results.services:
        if run.judgement is not Judgement.PASSED:
            yield Finding(
                kind=FindingKind.SERVICE_DOWN,
                fingerprint=f"service-{run.name}",
                title=f"Service {run.name} is down",
                text=run.reason,
                scope=f"service/{run.name}",
                evidence=tuple(run.log_tail.splitlines()[-_EVIDENCE_LINES:]),
            )


def _data(results: Results, down: set[str]) -> Iterator[Finding]:
    for run in results.data:
        if run.judgement is Judgement.FAILED:
            yield Finding(
                kind=FindingKind.DATA_INVALID,
                fingerprint=f"data-{run.name}",
                title=f"Data set {run.name} is not valid",
                text=run.reason,
                scope=f"data/{run.name}",
                evidence=run.findings,
            )
        elif run.judgement is Judgement.NOT_VERIFIED:
            cause = next((f"service-{name}" for name in sorted(down) if f"service {name} " in run.reason), "")
            yield _not_verified("data", run.name, run.reason, cause)


def _unverified(report: CycleReport, results: Results, system: System, down: set[str], storm: str) -> Iterator[Finding]:
    """Suites as they are weighed: one that failed of nothing but what is outside the code was not judged either.

    That of a storm is told by the storm.
    """
    bad = {run.name for run in results.data if run.judgement is not Judgement.PASSED}
    failed = {run.suite for run in results.suites if run.judgement is Judgement.FAILED}
    for told in report.suites:
        if told.judgement is Judgement.NOT_VERIFIED and not (storm and told.suite in failed):
            suite = system.suites.get(told.suite)
            causes = [f"service-{name}" for name in (suite.needs if suite else ()) if name in down]
            causes += [f"data-{name}" for name in (suite.data if suite else ()) if name in bad]
            yield _not_verified("suite", told.suite, told.reason, next(iter(causes), ""))


def _not_verified(kind: str, name: str, reason: str, cause: str) -> Finding:
    return Finding(
        kind=FindingKind.NOT_VERIFIED,
        fingerprint=f"not-verified-{kind}-{name}",
        title=f"{kind.capitalize()} {name} could not be judged",
        text=reason,
        scope=f"{kind}/{name}",
        cause=cause,
    )


def _failures(report: CycleReport, place: str, verdicts: Verdicts) -> Iterator[Finding]:
    """One for each cause among the failures that speak against the code, or that may, and one for each flaky test."""
    for group in report.groups:
        judged = [verdicts[key] for test in group.tests if (key := (test.suite, test.test_id)) in verdicts]
        blocking = [one for one in judged if one.blocks]
        unknown = [one for one in judged if one.kind is FailureKind.NOT_JUDGED and not one.quarantined]
        if blocking or not judged:
            yield _failure(FindingKind.NEW_FAILURE, group, report, place, blocking)
        elif unknown:
            yield _failure(FindingKind.NOT_VERIFIED, group, report, place, unknown)
    for one in verdicts.values():
        if one.kind is FailureKind.FLAKY and not one.quarantined:
            yield _flaky(one, place)


def _flaky(verdict: TestVerdict, place: str) -> Finding:
    """By its test: what a flaky test fails of is not the same each time, and many fail of the same."""
    return Finding(
        kind=FindingKind.FLAKY,
        fingerprint=f"flaky-{_digest(verdict.suite, verdict.test_id)}",
        title=f"Flaky: {verdict.test_id}",
        text=verdict.sentence,
        scope=f"suite/{verdict.suite}",
        reproduce=_command(place, verdict.suite, [verdict.test_id]),
    )


def _failure(
    kind: FindingKind, group: FailureGroup, report: CycleReport, place: str, judged: Sequence[TestVerdict]
) -> Finding:
    """Of the tests of a group that are judged so; of all of them where nothing was judged."""
    tests = [(one.suite, one.test_id) for one in judged or group.tests]
    names = [f"{suite}: {test}" for suite, test in tests[:_MOST_TESTS]]
    more = len(tests) - len(names)
    suite = tests[0][0]
    return Finding(
        kind=kind,
        fingerprint=group.fingerprint,
        title=group.title,
        text=judged[0].sentence if judged else group.tests[0].evidence,
        tests=len(tests),
        confirmed=any(verdict.head.failures > 1 for verdict in judged),
        since=group.since or (judged[0].since if judged else ""),
        scope=f"suite/{suite}",
        evidence=tuple(
            line
            for line in (
                *names,
                *([f"and {more} more tests"] if more > 0 else []),
                group.where,
                group.source,
                *group.text.splitlines()[-_EVIDENCE_LINES:],
            )
            if line
        ),
        reproduce=_command(place, suite, [test for of, test in tests[:_MOST_TESTS] if of == suite]),
        environment=_environment(report.cycle),
        suspects=tuple(_suspects(report, group)),
    )


def _environment(cycle: Cycle) -> str:
    code, where = cycle.code, cycle.environment
    dirty = " with changes that are not committed" if code.dirty else ""
    return f"{where.python}, {where.platform}; code {code.commit or code.tree}{dirty}"


def _slower(found: Slowness, cycle: Cycle) -> Iterator[Finding]:
    if found.machine_wide:
        if not found.candidates:
            return  # of milliseconds: nobody would notice
        measure = found.candidates[0].measure
        yield Finding(
            kind=FindingKind.PERFORMANCE,
            fingerprint=f"{measure}-machine-{cycle.environment.environment_id[:12]}",
            title=f"The {measure} of everything grew: it is the machine",
            text=f"{found.shifted} of {found.measured} tests grew together",
        )
        return
    yield from map(_slowdown, found.slower)


def _slowdown(one: Slowdown) -> Finding:
    return Finding(
        kind=FindingKind.PERFORMANCE,
        fingerprint=f"slower-{_digest(one.measure, one.suite, one.test_id)}",
        title=f"{one.test_id} takes {one.ratio:.1f} times as much {'time' if one.unit == 's' else 'memory'}",
        text=one.sentence,
        scope=f"suite/{one.suite}",
        since=one.since,
        confirmed=bool(one.confirmed),
    )


def _verified(report: CycleReport) -> Iterator[str]:
    named: Mapping[str, Iterable[tuple[str, Judgement]]] = {
        "service": [(run.name, run.judgement) for run in report.services],
        "data": [(run.name, run.judgement) for run in report.data],
        "suite": [(told.suite, told.judgement) for told in report.suites],
    }
    for kind, runs in named.items():
        yield from (f"{kind}/{name}" for name, judgement in runs if judgement is not Judgement.NOT_VERIFIED)


def _suspects(report: CycleReport, group: FailureGroup) -> Iterator[str]:
    """What was changed since the last good night; commits that touch a file of the failure first."""
    base, change = report.comparison.base, report.change
    if base is None or (group.since and group.since <= base):
        return  # it failed in the good night as well: in a suite that is not critical
    if report.cycle.code.dirty:
        yield "changes that are not committed"
    if group.suspects and change is not None:
        count = len(change.commits) + change.more
        yield f"{count} {'commit' if count == 1 else 'commits'} since the good night {base}"
        yield from (suspect.sentence for suspect in group.suspects)
    else:
        yield f"what was changed since the good night {base}"


def _command(place: str, suite: str, tests: list[str]) -> str:
    """The door the night itself uses, as it is typed at the root of the repository."""
    return shlex.join(["recloser", "test", place, "--suite", suite, "--", *tests])


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:20]

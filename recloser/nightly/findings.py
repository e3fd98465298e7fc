"""A night as the rules of alerts see it: one finding for each problem, with the key it has every night."""

from __future__ import annotations

import hashlib
import shlex
from typing import TYPE_CHECKING

from recloser.quarantine import SCOPE as QUARANTINE
from recloser.values import CycleFacts, FailureKind, Finding, FindingKind, Judgement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from recloser.nightly.judging import Verdicts
    from recloser.nightly.summary import Results
    from recloser.nightly.triaging import TriageResult
    from recloser.target import System
    from recloser.values import Cycle, CycleReport, FailureGroup, Slowdown, Slowness

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
    stormy = [one.sentence for one in verdicts.values() if one.kind is FailureKind.INFRASTRUCTURE]
    down = {run.name for run in results.services if run.judgement is not Judgement.PASSED}
    findings = [
        *_services(results),
        *_data(results, down),
        *_failures(report, system, verdicts),
        *(finding for found in triage.slowness for finding in _slower(found, cycle)),
        *triage.expired,
        *_unverified(results, system, down),
    ]
    return CycleFacts(
        cycle_id=cycle.cycle_id,
        target=cycle.target,
        at=cycle.closed_at,
        verdict=cycle.verdict,
        findings=tuple(
            {one.fingerprint: one for one in (_own(finding, cycle.target) for finding in findings)}.values()
        ),
        failed=report.comparison.failed,
        judged=report.comparison.judged,
        storm=stormy[0] if len(stormy) > _MOST_TESTS else "",
        verified=frozenset({*_verified(results), QUARANTINE}),
        report=page,
    )


def _own(finding: Finding, target: str) -> Finding:
    """With a key no other target has, since targets may share a pager; that of a failure is told by its content."""
    if finding.kind is FindingKind.NEW_FAILURE:
        return finding
    cause = f"{target}-{finding.cause}" if finding.cause else ""
    return finding.model_copy(update={"fingerprint": f"{target}-{finding.fingerprint}", "cause": cause})


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


def _unverified(results: Results, system: System, down: set[str]) -> Iterator[Finding]:
    bad = {run.name for run in results.data if run.judgement is not Judgement.PASSED}
    for run in results.suites:
        if run.judgement is Judgement.NOT_VERIFIED:
            suite = system.suites.get(run.suite)
            causes = [f"service-{name}" for name in (suite.needs if suite else ()) if name in down]
            causes += [f"data-{name}" for name in (suite.data if suite else ()) if name in bad]
            yield _not_verified("suite", run.suite, run.reason, next(iter(causes), ""))


def _not_verified(kind: str, name: str, reason: str, cause: str) -> Finding:
    return Finding(
        kind=FindingKind.NOT_VERIFIED,
        fingerprint=f"not-verified-{kind}-{name}",
        title=f"{kind.capitalize()} {name} could not be judged",
        text=reason,
        scope=f"{kind}/{name}",
        cause=cause,
    )


def _failures(report: CycleReport, system: System, verdicts: Verdicts) -> Iterator[Finding]:
    """One for each cause among the failures that speak against the code, and one for each flaky cause."""
    for group in report.groups:
        kinds = {verdicts[key].kind for test in group.tests if (key := (test.suite, test.test_id)) in verdicts}
        blocking = any(verdicts[key].blocks for test in group.tests if (key := (test.suite, test.test_id)) in verdicts)
        if blocking or not kinds:
            yield _failure(FindingKind.NEW_FAILURE, group, report, system, verdicts)
        elif FailureKind.FLAKY in kinds:
            yield _failure(FindingKind.FLAKY, group, report, system, verdicts)
    for test in report.flaky:
        name = _digest(test.suite, test.test_id)
        yield Finding(
            kind=FindingKind.FLAKY,
            fingerprint=f"flaky-{name}",
            title=f"Flaky: {test.test_id}",
            text=test.evidence,
            scope=f"suite/{test.suite}",
            reproduce=_command(system, test.suite, [test.test_id]),
        )


def _failure(
    kind: FindingKind, group: FailureGroup, report: CycleReport, system: System, verdicts: Verdicts
) -> Finding:
    first = group.tests[0]
    judged = [verdicts[key] for test in group.tests if (key := (test.suite, test.test_id)) in verdicts]
    names = [f"{test.suite}: {test.test_id}" for test in group.tests[:_MOST_TESTS]]
    more = len(group.tests) - len(names)
    return Finding(
        kind=kind,
        fingerprint=group.fingerprint,
        title=group.title,
        text=judged[0].sentence if judged else first.evidence,
        tests=max(len(group.tests), 1),
        confirmed=any(verdict.head.failures > 1 for verdict in judged),
        since=group.since or (judged[0].since if judged else ""),
        scope=f"suite/{first.suite}",
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
        reproduce=_command(system, first.suite, [test.test_id for test in group.tests[:_MOST_TESTS]]),
        environment=_environment(report.cycle),
        suspects=_suspects(report.cycle, report.comparison.base),
    )


def _environment(cycle: Cycle) -> str:
    code, where = cycle.code, cycle.environment
    dirty = " with changes that are not committed" if code.dirty else ""
    return f"{where.python}, {where.platform}; code {code.commit or code.tree}{dirty}"


def _slower(found: Slowness, cycle: Cycle) -> Iterator[Finding]:
    if found.machine_wide:
        measure = found.candidates[0].measure if found.candidates else "duration"
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


def _verified(results: Results) -> Iterator[str]:
    named: Mapping[str, Iterable[tuple[str, Judgement]]] = {
        "service": [(run.name, run.judgement) for run in results.services],
        "data": [(run.name, run.judgement) for run in results.data],
        "suite": [(run.suite, run.judgement) for run in results.suites],
    }
    for kind, runs in named.items():
        yield from (f"{kind}/{name}" for name, judgement in runs if judgement is not Judgement.NOT_VERIFIED)


def _suspects(cycle: Cycle, base: str | None) -> tuple[str, ...]:
    if base is None:
        return ()
    dirty = ("changes that are not committed",) if cycle.code.dirty else ()
    return (*dirty, f"what was changed since the good night {base}")


def _command(system: System, suite: str, tests: list[str]) -> str:
    """The door the night itself uses."""
    return shlex.join(["recloser", "test", str(system.folder.name), "--suite", suite, "--", *tests])


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:20]

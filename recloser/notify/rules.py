"""The rules of a target over one cycle: which findings there are, and how urgent each is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from recloser.values import CycleVerdict, Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from recloser.target import Alerts
    from recloser.values import Alert, CycleFacts

SUITES = "suites"
"""Scope of what is counted over all tests."""
HEARTBEAT = "heartbeat"
"""Scope of whether anything was heard at all."""
COLLECTIVE = frozenset({FindingKind.STORM, FindingKind.MANY_NEW})
"""Findings that sum others up, and last as long as one of them."""
_NAMED = 10
"""Members whose titles a collective finding shows."""


def findings_of(facts: CycleFacts, rules: Alerts, known: Mapping[str, Alert]) -> tuple[Finding, ...]:
    """Every finding of a cycle with its severity; those that nobody wants to hear of are left out.

    Args:
        facts: What the cycle found.
        rules: The target's.
        known: Its alerts before the cycle, by fingerprint.
    """
    found = {finding.fingerprint: finding for finding in facts.findings}
    lasting = tuple(_lasting(facts, known, found))
    fresh = _fresh(found.values(), known)
    goes_on = any(one.kind is FindingKind.STORM for one in lasting)
    collective = [*lasting, *_collective(facts, rules, fresh, "" if goes_on else facts.storm)]
    explained = {member: one.fingerprint for one in collective for member in one.members}
    members = (_explained(finding, explained) for finding in found.values())
    rates = _failure_rate(facts, rules, collective)
    return tuple(_judged([*collective, *rates, *members], rules))


def is_verified(finding: Finding, facts: CycleFacts) -> bool:
    """Whether the absence of a finding from a cycle means that it is over."""
    if finding.scope == SUITES:
        return facts.judged > 0
    return finding.scope in facts.verified if finding.scope else facts.verdict is not CycleVerdict.NOT_VERIFIED


def _fresh(found: Iterable[Finding], known: Mapping[str, Alert]) -> tuple[Finding, ...]:
    def is_firing(fingerprint: str) -> bool:
        return fingerprint in known and known[fingerprint].firing

    return tuple(one for one in found if one.kind is FindingKind.NEW_FAILURE and not is_firing(one.fingerprint))


def _lasting(facts: CycleFacts, known: Mapping[str, Alert], found: Mapping[str, Finding]) -> Iterator[Finding]:
    """The collective findings of earlier cycles of which something is left."""
    for alert in known.values():
        if alert.firing and alert.finding.kind in COLLECTIVE and alert.fingerprint not in found:
            left = [name for name in alert.finding.members if _lasts(name, facts, known, found)]
            said = f"{len(left)} of {len(alert.finding.members)} are left" if left else ""
            if alert.finding.kind is FindingKind.STORM:
                said = facts.storm or said  # two nights of one storm are one incident
            if said:
                yield alert.finding.model_copy(update={"text": said, "evidence": ()})


def _lasts(name: str, facts: CycleFacts, known: Mapping[str, Alert], found: Mapping[str, Finding]) -> bool:
    before = known.get(name)
    return name in found or (before is not None and before.firing and not is_verified(before.finding, facts))


def _collective(facts: CycleFacts, rules: Alerts, fresh: tuple[Finding, ...], storm: str) -> Iterator[Finding]:
    confirmed = tuple(one for one in fresh if one.confirmed)
    if len(fresh) > rules.storm_above or storm:
        began = f"{_tests(fresh)} tests began to fail at once"
        title = f"{facts.failed} of {facts.judged} tests fail: much broke at once" if storm else began
        yield _summary(FindingKind.STORM, facts, title, storm or "taken for one incident", fresh)
    elif confirmed and facts.judged and _tests(confirmed) >= rules.many_new * facts.judged:
        title = f"{_tests(confirmed)} of {facts.judged} tests began to fail"
        said = f"{_tests(confirmed) / facts.judged:.0%} of the judged tests, each confirmed by a rerun"
        yield _summary(FindingKind.MANY_NEW, facts, title, said, confirmed)


def _tests(findings: tuple[Finding, ...]) -> int:
    return sum(one.tests for one in findings)


def _summary(kind: FindingKind, facts: CycleFacts, title: str, text: str, members: tuple[Finding, ...]) -> Finding:
    titles = Counter(one.title for one in members)
    names = [f"{title} ({count} causes)" if count > 1 else title for title, count in titles.most_common(_NAMED)]
    more = [f"and {len(titles) - _NAMED} more"] if len(titles) > _NAMED else []
    owners = {one.owner for one in members}
    return Finding(
        kind=kind,
        fingerprint=f"{kind}-{facts.target}-{facts.cycle_id}",
        title=title,
        text=text,
        owner=owners.pop() if len(owners) == 1 else "",
        since=facts.cycle_id,
        tests=max(_tests(members), 1),
        members=tuple(one.fingerprint for one in members),
        evidence=(*names, *more),
        suspects=_suspects(members)[:_NAMED],
        environment=next((one.environment for one in members if one.environment), ""),
        reproduce=next((one.reproduce for one in members if one.reproduce), ""),
    )


def _suspects(members: tuple[Finding, ...]) -> tuple[str, ...]:
    """Those of all members, each once: with its reason where some of them know one."""
    named = tuple(dict.fromkeys(suspect for one in members for suspect in one.suspects))
    return tuple(name for name in named if not any(other.startswith(f"{name} (") for other in named))


def _failure_rate(facts: CycleFacts, rules: Alerts, collective: list[Finding]) -> Iterator[Finding]:
    if facts.judged and facts.failed > rules.failure_rate * facts.judged:
        yield Finding(
            kind=FindingKind.FAILURE_RATE,
            fingerprint=f"{FindingKind.FAILURE_RATE}-{facts.target}",
            title=f"{facts.failed / facts.judged:.0%} of the tests failed",
            text=f"{facts.failed} of {facts.judged}; {rules.failure_rate:.0%} are allowed",
            scope=SUITES,
            cause=collective[0].fingerprint if collective else "",
        )


def _explained(finding: Finding, by: Mapping[str, str]) -> Finding:
    cause = by.get(finding.fingerprint)
    return finding if cause is None or finding.cause else finding.model_copy(update={"cause": cause})


def _judged(findings: Iterable[Finding], rules: Alerts) -> Iterator[Finding]:
    for finding in findings:
        severity = rules.severity_of(finding.kind)
        if severity is not None:
            yield finding if finding.severity else finding.model_copy(update={"severity": severity})

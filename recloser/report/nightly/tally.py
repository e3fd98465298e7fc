"""A night in numbers, and what of it was not verified."""

from collections import Counter
from collections.abc import Iterator

from recloser.report.nightly.blocks import Item, Mark
from recloser.report.nightly.words import counted
from recloser.values import CycleReport, Judgement, SuiteSummary, TestStatus


def tests_of(report: CycleReport) -> Counter[TestStatus]:
    """The tests of all suites, by how they ended."""
    return sum((Counter(suite.counts) for suite in report.suites), Counter())


def passed_in(counts: Counter[TestStatus]) -> int:
    """How many speak for the code."""
    return sum(count for status, count in counts.items() if status.is_pass)


def failed_in(counts: Counter[TestStatus]) -> int:
    """How many speak against it."""
    return sum(count for status, count in counts.items() if status.is_failure)


def unverified(report: CycleReport) -> tuple[Item, ...]:
    """What was to be judged and was not: checks first, then what is known to be missing besides."""
    checks = tuple(_unverified_checks(report))
    besides = (line for line in report.missing if not any(_says(line, check) for check in checks))
    return (*checks, *(Item(line, Mark.UNKNOWN) for line in besides))


def verified(report: CycleReport) -> tuple[Item, ...]:
    """What was judged and has passed."""
    suites = (
        Item(f"suite {suite.suite}", Mark.GOOD, counted(passed_in(Counter(suite.counts)), "test") + " passed")
        for suite in report.suites
        if suite.judgement is Judgement.PASSED
    )
    data = (
        Item(f"data {run.name}", Mark.GOOD, "judged before, unchanged" if run.cached else "")
        for run in report.data
        if run.judgement is Judgement.PASSED
    )
    services = (
        Item(f"service {run.name}", Mark.GOOD, counted(run.probes, "probe") + (f", {run.probes_lost} lost"))
        for run in report.services
        if run.judgement is Judgement.PASSED
    )
    return (*suites, *data, *services)


def silent(report: CycleReport) -> tuple[Item, ...]:
    """Tests that were skipped: they say nothing, neither way."""
    return tuple(
        Item(f"suite {suite.suite}", Mark.PLAIN, f"{counted(count, 'test')} skipped")
        for suite in report.suites
        if (count := suite.counts.get(TestStatus.SKIPPED, 0))
    )


def _unverified_checks(report: CycleReport) -> Iterator[Item]:
    for stage in report.stages:
        if stage.judgement is Judgement.NOT_VERIFIED and stage.name.partition("/")[0] not in {"suite", "data"}:
            yield Item(f"stage {stage.name}", Mark.UNKNOWN, _why(stage.reason))
    for suite in report.suites:
        yield from _unverified_suite(suite)
    for kind, runs in (("data", report.data), ("service", report.services)):
        for run in runs:
            if run.judgement is Judgement.NOT_VERIFIED:
                yield Item(f"{kind} {run.name}", Mark.UNKNOWN, _why(run.reason))


def _unverified_suite(suite: SuiteSummary) -> Iterator[Item]:
    left = suite.counts.get(TestStatus.NOT_RUN, 0)
    if suite.judgement is Judgement.NOT_VERIFIED:
        yield Item(f"suite {suite.suite}", Mark.UNKNOWN, _why(suite.reason))
    elif left:
        yield Item(f"suite {suite.suite}", Mark.UNKNOWN, f"{counted(left, 'test')} collected, and not run")


def _why(reason: str) -> str:
    return reason or "no reason was recorded"


def _says(line: str, check: Item) -> bool:
    """Whether a line is a check told once more."""
    name = check.text.partition(" ")[2]
    return line in {f"{check.text}: {check.detail}", f"{name}: {check.detail}", check.text, name}

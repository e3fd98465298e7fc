"""What is new, what failed and of which cause, what is slower, what is flaky."""

from collections.abc import Iterator, Mapping, Sequence

from recloser.report.nightly.blocks import Block, Case, Cell, Item, Listing, Mark, Passage, Section, Table
from recloser.report.nightly.commits import commits_block, suspect_facts
from recloser.report.nightly.head import base_words, failure_rate
from recloser.report.nightly.limits import Limits, cut, tabled
from recloser.report.nightly.texts import tail
from recloser.report.nightly.words import DASH, counted, failure_mark, number, short, status_mark
from recloser.values import CycleReport, FailedTest, FailureGroup, SlowerTest, TestChange

Places = Mapping[tuple[str, str], str]
"""Where on the page a failed test is told of."""


def places_of(report: CycleReport, limits: Limits) -> Places:
    """The anchor of each failure that is shown."""
    return {
        (test.suite, test.test_id): f"#cause-{number}"
        for number, group in enumerate(report.groups[: limits.groups], start=1)
        for test in group.tests
    }


def new_section(report: CycleReport, limits: Limits) -> Section:
    """What changed since the last green night."""
    comparison = report.comparison
    new = len(comparison.new_failures)
    places = places_of(report, limits)
    changes = (
        ("New failures", comparison.new_failures, ("test", "suite", "now", "was", "fails since")),
        ("Still failing", comparison.still_failing, ("test", "suite", "now", "was", "fails since")),
        ("Fixed", comparison.fixed, ("test", "suite", "now", "was")),
        ("Tests that were added", comparison.added, ("test", "suite", "now")),
        ("Tests that are gone", comparison.removed, ("test", "suite", "was")),
    )
    tables = tuple(_changes(name, found, names, places, limits) for name, found, names in changes if found)
    return Section(
        "new",
        "What is new",
        count=f"{counted(new, 'new failure')}" if new else "no new failure" if comparison.base else "",
        mark=Mark.BAD if new else Mark.GOOD if comparison.base else Mark.UNKNOWN,
        intro=f"{base_words(report)} {failure_rate(report)}",
        blocks=(*tables, *commits_block(report, limits)),
    )


def _changes(name: str, changes: Sequence[TestChange], names: Sequence[str], places: Places, limits: Limits) -> Table:
    def row(change: TestChange) -> tuple[Cell, ...]:
        cells = _change(change, places)
        return tuple(cells[column] for column in names)

    return tabled(f"{name} ({number(len(changes))})", names, changes, row, limit=limits.tests, noun="tests")


def _change(change: TestChange, places: Places) -> dict[str, Cell]:
    return {
        "test": Cell(change.test_id, code=True, href=places.get((change.suite, change.test_id), "")),
        "suite": Cell(change.suite),
        "now": Cell(change.status.value, status_mark(change.status)),
        "was": Cell(change.was.value if change.was else "not there", status_mark(change.was)),
        "fails since": Cell(change.since or DASH),
    }


def causes_section(report: CycleReport, limits: Limits) -> Section | None:
    """Failures of one cause together, each with its evidence."""
    groups = report.groups
    if not groups:
        return None
    shown, more = cut(groups, limits.groups, "causes")
    tests = sum(len(group.tests) for group in groups)
    note = "Alike are failures with one exception, one message but for its numbers, and one place."
    return Section(
        "causes",
        "Failures, by cause",
        count=f"{counted(tests, 'failed test')}, {counted(len(groups), 'cause')}",
        mark=Mark.BAD,
        intro=note,
        blocks=tuple(_case(place, group, report, limits) for place, group in enumerate(shown, start=1)),
        more=more,
    )


def _case(place: int, group: FailureGroup, report: CycleReport, limits: Limits) -> Case:
    passages = (("What the runner printed", group.text), ("What the test printed and logged", group.output))
    alike = len({(test.verdict, test.evidence) for test in group.tests}) == 1
    return Case(
        f"cause-{place}",
        group.title,
        failure_mark(group.verdict),
        group.verdict or "failed",
        facts=tuple(fact for fact in _case_facts(group, report, alike=alike) if fact[1]),
        where=group.where,
        source=group.source,
        passages=tuple(Passage(title, tail(text, limits.passage)) for title, text in passages if text.strip()),
        table=failed_tests(counted(len(group.tests), "test"), group.tests, limits.tests, judged=not alike),
    )


def _case_facts(group: FailureGroup, report: CycleReport, *, alike: bool) -> Iterator[tuple[str, str]]:
    yield "evidence", group.tests[0].evidence if alike else ""
    yield "first seen in", group.since
    yield from suspect_facts(report, group)
    yield "fingerprint", group.fingerprint


def failed_tests(caption: str, tests: Sequence[FailedTest], limit: int, *, judged: bool = True) -> Table:
    """Tests that failed, how often, and unless they all are judged alike, what each is judged to be."""
    names = ("test", "suite", "ended", "failed attempts", "judged", "because")
    kept = len(names) if judged else len(names) - 2
    return tabled(caption, names[:kept], tests, lambda test: _failed_test(test)[:kept], limit=limit, noun="tests")


def _failed_test(test: FailedTest) -> tuple[Cell, ...]:
    verdict = test.verdict or "failed"
    return (
        Cell(test.test_id, code=True),
        Cell(test.suite),
        Cell(test.status.value, status_mark(test.status)),
        Cell(f"{test.failed_attempts} of {test.attempts}"),
        Cell(verdict, failure_mark(verdict)),
        Cell(test.evidence or DASH),
    )


def slower_section(report: CycleReport, limits: Limits) -> Section:
    """Tests that took longer: a screen, and named so."""
    slower = report.comparison.slower
    names = ("test", "suite", ">before, median", ">now", ">ratio", ">nights before")
    table = tabled("Longer than before", names, slower, _slower, limit=limits.rows, noun="tests")
    return Section(
        "slower",
        "What got slower",
        count=counted(len(slower), "test") if slower else "",
        mark=Mark.NOTE if slower or report.slowdowns else None,
        intro=_slower_words(report),
        blocks=(*_confirmed(report, limits), *((table,) if slower else ())),
    )


def _confirmed(report: CycleReport, limits: Limits) -> tuple[Block, ...]:
    if not report.slowdowns:
        return ()
    shown, more = cut(report.slowdowns, limits.rows, "tests")
    items = tuple(Item(f"{one.test_id} ({one.suite})", Mark.BAD, one.sentence) for one in shown)
    return (Listing("Measured again, or seen in the whole series", items, more),)


def _slower_words(report: CycleReport) -> str:
    if report.comparison.slower:
        return (
            "A screen, no verdict: one run each, against the median of earlier green nights. "
            "Measure again before you call one a regression."
        )
    if report.comparison.base is None:
        return "Not known: there is nothing to compare with."
    return "No test stands out against the median of earlier green nights."


def _slower(test: SlowerTest) -> tuple[Cell, ...]:
    return (
        Cell(test.test_id, code=True),
        Cell(test.suite),
        Cell(short(test.baseline_s)),
        Cell(short(test.duration_s)),
        Cell(f"{test.ratio:.1f} ×", Mark.NOTE),  # noqa: RUF001 - times
        Cell(number(test.samples)),
    )


def flaky_section(report: CycleReport, limits: Limits) -> Section:
    """Tests that failed and passed on the same code."""
    flaky = report.flaky
    counted_only = sum(suite.flaky for suite in report.suites)
    if flaky:
        intro = "They failed and then passed on the same code; they do not decide the verdict."
    elif counted_only:
        intro = f"{counted(counted_only, 'test')} failed and then passed on the same code."
    else:
        intro = "No test failed and then passed on the same code."
    table = (failed_tests("Failed, then passed", flaky, limits.rows),) if flaky else ()
    return Section(
        "flaky",
        "Flaky",
        count=counted(len(flaky), "test") if flaky else "",
        mark=Mark.NOTE if flaky or counted_only else None,
        intro=intro,
        blocks=table,
    )

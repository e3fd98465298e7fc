"""What of the failures is one problem."""

from collections.abc import Iterator

from recloser.report.nightly.blocks import Case, Cell, Mark, Section, Table
from recloser.report.nightly.failures import Places, places_of
from recloser.report.nightly.limits import Limits, cut, tabled
from recloser.report.nightly.words import DASH, counted, number
from recloser.values import CycleReport, Problem, ProblemKind, ProblemTest

_KINDS = {
    ProblemKind.SYSTEMIC: "so much failed at once that it is one incident",
    ProblemKind.CO_FAILING: "its tests keep failing together",
    ProblemKind.NEAR: "one exception at one place, messages alike",
    ProblemKind.EXACT: "one exception, message and place",
}
_NOTE = (
    "Failures are put together where they are one storm (systemic), where their tests keep failing in the same nights "
    "(co-failing), and where exception and place are one and the messages alike (near) or the same (exact)."
)


def problems_section(report: CycleReport, limits: Limits) -> Section | None:
    """One row for each problem; more of those that join what looks different."""
    problems = report.problems
    if not problems:
        return None
    tonight = sum(problem.failed > 0 for problem in problems)
    failed = sum(problem.failed for problem in problems)
    places = places_of(report, limits)
    names = ("problem", "kind", ">failed tonight", "first seen", ">nights", "place in code")
    joined = [problem for problem in problems if problem.kind is not ProblemKind.EXACT or problem.companions]
    told = {problem: f"#problem-{place}" for place, problem in enumerate(joined[: limits.groups], start=1)}
    cases = tuple(_case(anchor, problem, places, limits) for problem, anchor in told.items())

    def row(problem: Problem) -> tuple[Cell, ...]:
        first = problem.tests[0]
        return _problem(problem, told.get(problem) or places.get((first.suite, first.test_id), ""))

    table = tabled("Problems", names, problems, row, limit=limits.groups, noun="problems")
    return Section(
        "problems",
        "What is one problem",
        count=f"{counted(failed, 'failed test')}, {counted(tonight, 'problem')}" if tonight else "none of tonight",
        mark=Mark.BAD if tonight else Mark.NOTE,
        intro=_NOTE,
        blocks=(table, *cases),
        more=cut(joined, limits.groups, "problems")[1],
    )


def _problem(problem: Problem, href: str) -> tuple[Cell, ...]:
    return (
        Cell(problem.title, code=True, href=href),
        Cell(problem.kind.value),
        Cell(_failed(problem), Mark.BAD if problem.failed else Mark.NOTE),
        Cell(problem.since or DASH),
        Cell(f"{number(problem.nights)} of {number(problem.looked)}"),
        Cell(problem.where or DASH, code=bool(problem.where)),
    )


def _failed(problem: Problem) -> str:
    of = f" of {number(len(problem.tests))}" if problem.failed < len(problem.tests) else ""
    return f"{number(problem.failed)}{of}"


def _case(anchor: str, problem: Problem, places: Places, limits: Limits) -> Case:
    return Case(
        anchor.removeprefix("#"),
        problem.title,
        Mark.BAD if problem.failed else Mark.NOTE,
        f"{problem.kind}: {_KINDS[problem.kind]}",
        facts=tuple(_facts(problem, limits)),
        where=problem.where,
        table=_tests(problem, places, limits),
    )


def _facts(problem: Problem, limits: Limits) -> Iterator[tuple[str, str]]:
    yield "first seen in", problem.since
    yield "seen in", f"{number(problem.nights)} of {counted(problem.looked, 'night')}, last in {problem.last}"
    shown, more = cut(problem.fingerprints, limits.tests)
    yield from (("fingerprint", fingerprint) for fingerprint in shown)
    if more:
        yield "besides", more
    for one in problem.companions[: limits.tests]:
        yield "failed with it", f"{one.test_id} ({one.suite}), in {number(one.nights)} of these nights"


def _tests(problem: Problem, places: Places, limits: Limits) -> Table:
    def row(test: ProblemTest) -> tuple[Cell, ...]:
        failed = Cell("failed", Mark.BAD) if test.failed else Cell("did not fail", Mark.PLAIN)
        return (
            Cell(test.test_id, code=True, href=places.get((test.suite, test.test_id), "")),
            Cell(test.suite),
            failed,
        )

    names = ("test", "suite", "tonight")
    return tabled(counted(len(problem.tests), "test"), names, problem.tests, row, limit=limits.tests, noun="tests")

"""All suites of a night as one JUnit XML file, for whoever reads that: an export, never the source.

JUnit knows no third verdict. A suite that could not be judged is an error here, so that nobody's tool calls it green.
A test's first failed attempt is its `failure` or `error`, later ones are `rerunFailure` or `rerunError`; where it
passed in the end they all are `flakyFailure` or `flakyError`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from junitparser import Error, Failure, Skipped
from junitparser.xunit2 import (
    FlakyError,
    FlakyFailure,
    InterimResult,
    JUnitXml,
    RerunError,
    RerunFailure,
    TestCase,
    TestSuite,
)

from recloser.report.nightly.texts import shown
from recloser.values import Judgement, SuiteRun, TestAttempt, TestStatus

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
_NO_CHARACTERS = re.compile("[\ufffe\uffff]")
_PARAMETERS = re.compile(r"^([^\[]*)(\[.*)?$", re.DOTALL)


def merged_junit(runs: Sequence[SuiteRun]) -> str:
    """Every suite with every attempt of its tests as one JUnit XML document.

    Args:
        runs: The suites of a night; their order is kept.

    Returns:
        Well-formed XML, whatever the texts hold.
    """
    document = JUnitXml("recloser")
    document.extend([_suite(run) for run in runs])
    document.update_statistics()
    return _DECLARATION + str(document.tostring(), "utf-8")


def _suite(run: SuiteRun) -> TestSuite:
    suite = TestSuite(_clean(run.suite))
    suite.timestamp = run.started_at.isoformat(timespec="seconds")
    for name, value in _properties(run):
        suite.add_property(name, _clean(value))
    cases = [_case(attempts) for attempts in _by_test(run.attempts)]
    speaks = any(isinstance(result, (Failure, Error)) for case in cases for result in case.result)
    if run.judgement is not Judgement.PASSED and not (speaks and run.judgement is Judgement.FAILED):
        cases.append(_whole(run))
    suite.extend(cases)
    return suite


def _properties(run: SuiteRun) -> Iterator[tuple[str, str]]:
    yield from (("tier", run.tier), ("judgement", run.judgement.value), ("reason", run.reason))
    yield from (("tree", run.code.tree), ("commit", run.code.commit or ""), ("python", run.environment.python))
    if run.coverage_percent is not None:
        yield "coverage_percent", f"{run.coverage_percent:.2f}"
    yield from ((f"figure.{name}", f"{value:g}") for name, value in run.figures.items())


def _by_test(attempts: Sequence[TestAttempt]) -> list[list[TestAttempt]]:
    tests: dict[str, list[TestAttempt]] = defaultdict(list)
    for attempt in (one for one in attempts if not one.probe):  # probes are evidence, no results
        tests[attempt.test_id].append(attempt)
    return [sorted(of_one, key=lambda attempt: attempt.number) for of_one in tests.values()]


def _whole(run: SuiteRun) -> TestCase:
    """What is wrong with a suite as a whole, where no test of it says so."""
    case = TestCase(_clean(f"{run.suite} as a whole"), _clean(run.suite), 0.0)
    reason = _clean(run.reason or "no reason was recorded")
    failed = run.judgement is Judgement.FAILED
    case.append(Failure(reason, "suite") if failed else Error(reason, "not-verified"))
    return case


def _case(attempts: list[TestAttempt]) -> TestCase:
    ran = [attempt for attempt in attempts if attempt.status.is_failure or attempt.status.is_pass] or attempts[-1:]
    classname, name = names_of(attempts[0].test_id)
    case = TestCase(_clean(name), _clean(classname), round(sum(attempt.duration_s for attempt in attempts), 6))
    failed = [attempt for attempt in ran if attempt.status.is_failure]
    if not ran[-1].status.is_failure:
        for attempt in failed:
            case.append(_interim(attempt, FlakyFailure, FlakyError))
        _add_skip(case, ran[-1])
        return case
    case.append(_final(failed[0]))
    for attempt in failed[1:]:
        case.append(_interim(attempt, RerunFailure, RerunError))
    if failed[0].output:
        case.system_out = _clean(failed[0].output)
    return case


def names_of(test_id: str) -> tuple[str, str]:
    """Class and name as pytest's own reports give them: `tests.test_a.TestB` and `test_c[d::e]`."""
    match = _PARAMETERS.match(test_id)
    path, parameters = (match[1], match[2] or "") if match else (test_id, "")
    *places, name = path.split("::")
    file = re.sub(r"\.py$", "", places[0]).replace("/", ".") if places else ""
    return ".".join([file, *places[1:]]) if file else "", name + parameters


def _final(attempt: TestAttempt) -> Failure | Error:
    result = (Failure if attempt.status is TestStatus.FAILED else Error)(_message(attempt), _type(attempt))
    result.text = _text(attempt)
    return result


def _interim(attempt: TestAttempt, failure: type[InterimResult], error: type[InterimResult]) -> InterimResult:
    result = (failure if attempt.status is TestStatus.FAILED else error)(_message(attempt), _type(attempt))
    if text := _text(attempt):
        result.stack_trace = text
    if attempt.output:
        result.system_out = _clean(attempt.output)
    return result


def _add_skip(case: TestCase, attempt: TestAttempt) -> None:
    kinds = {TestStatus.SKIPPED: "skipped", TestStatus.XFAILED: "xfailed", TestStatus.NOT_RUN: "not-run"}
    if attempt.status in kinds:
        case.append(Skipped(_clean(attempt.reason), kinds[attempt.status]))


def _message(attempt: TestAttempt) -> str:
    return _clean(attempt.failure.message if attempt.failure else attempt.reason)


def _type(attempt: TestAttempt) -> str:
    return _clean(attempt.failure.exception if attempt.failure else attempt.status.value)


def _text(attempt: TestAttempt) -> str:
    return _clean(attempt.failure.text if attempt.failure else attempt.reason)


def _clean(text: str) -> str:
    """The text with only such characters as XML may hold."""
    return _NO_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", shown(text))

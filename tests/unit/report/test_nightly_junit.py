"""The suites of a night as JUnit XML, read back by a parser that is not ours."""

import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import Error, Skipped
from junitparser import Failure as Failed
from junitparser.xunit2 import JUnitXml, TestCase, TestSuite

from recloser.report.nightly import merged_junit
from recloser.report.nightly.junit import names_of
from recloser.values import Failure, Judgement, SuiteRun, TestAttempt, TestStatus
from tests.unit.report.nights import AT, CODE, ENVIRONMENT, with_every_text
from tests.unit.report.parsed import ATTACKS
from tests.unit.store.strategies import any_text

KEY_ERROR = Failure(exception="KeyError", message="'bus'", text="flow.py:3: KeyError", fingerprint="f")


def a_run(*attempts: TestAttempt, judgement: Judgement = Judgement.PASSED, reason: str = "") -> SuiteRun:
    """A run of a suite."""
    return SuiteRun(
        suite="unit",
        tier="unit",
        judgement=judgement,
        reason=reason,
        code=CODE,
        environment=ENVIRONMENT,
        started_at=AT,
        ended_at=AT + timedelta(seconds=3),
        attempts=attempts,
    )


def an_attempt(status: TestStatus, number: int = 1, test_id: str = "tests/test_a.py::test_b") -> TestAttempt:
    """An attempt of half a second."""
    return TestAttempt(
        suite="unit",
        test_id=test_id,
        number=number,
        status=status,
        started_at=AT,
        duration_s=0.5,
        failure=KEY_ERROR if status.is_failure else None,
        output="printed" if status.is_failure else "",
        reason="" if status.is_failure or status.is_pass else "why not",
    )


def read(*runs: SuiteRun) -> list[TestSuite]:
    """The suites as junitparser sees them."""
    return list(JUnitXml.fromstring(merged_junit(runs).encode()))


def the_case(*attempts: TestAttempt) -> TestCase:
    """The one test of a suite."""
    (suite,) = read(a_run(*attempts, judgement=Judgement.FAILED))
    return next(iter(suite))


@pytest.mark.parametrize(
    ("status", "element", "kind"),
    [
        (TestStatus.FAILED, Failed, "KeyError"),
        (TestStatus.ERROR, Error, "KeyError"),
        (TestStatus.CRASHED, Error, "KeyError"),
        (TestStatus.TIMED_OUT, Error, "KeyError"),
        (TestStatus.SKIPPED, Skipped, "skipped"),
        (TestStatus.XFAILED, Skipped, "xfailed"),
        (TestStatus.NOT_RUN, Skipped, "not-run"),
    ],
)
def test_an_end_has_its_element(status: TestStatus, element: type, kind: str) -> None:
    """As others read it."""
    (result,) = the_case(an_attempt(status)).result
    assert (type(result), result.type) == (element, kind)


@pytest.mark.parametrize("status", [TestStatus.PASSED, TestStatus.XPASSED])
def test_a_pass_has_none(status: TestStatus) -> None:
    """What passed says nothing more."""
    assert the_case(an_attempt(status)).is_passed


def test_what_failed_and_then_passed_is_flaky_and_passed() -> None:
    """With the evidence of each failed attempt, and the time of all."""
    attempts = (TestStatus.FAILED, TestStatus.TIMED_OUT, TestStatus.PASSED)
    case = the_case(*(an_attempt(status, number) for number, status in enumerate(attempts, start=1)))
    assert case.is_passed
    assert [(kept.message, kept.stack_trace, kept.system_out) for kept in case.flaky_failures()] == [
        ("'bus'", "flow.py:3: KeyError", "printed")
    ]
    assert len(case.flaky_errors()) == 1
    assert case.time == 1.5


def test_what_failed_again_keeps_every_attempt() -> None:
    """The first is the failure, the others are reruns; one that was not run says nothing."""
    attempts = (TestStatus.FAILED, TestStatus.CRASHED, TestStatus.FAILED, TestStatus.NOT_RUN)
    case = the_case(*(an_attempt(status, number) for number, status in enumerate(attempts, start=1)))
    assert [type(result) for result in case.result] == [Failed]
    assert (len(case.rerun_errors()), len(case.rerun_failures())) == (1, 1)
    assert case.system_out == "printed"


def test_suites_are_counted() -> None:
    """In the order in which they are given."""
    first = a_run(an_attempt(TestStatus.PASSED), an_attempt(TestStatus.SKIPPED, test_id="tests/test_a.py::test_c"))
    second = a_run(an_attempt(TestStatus.FAILED), judgement=Judgement.FAILED)
    document = JUnitXml.fromstring(merged_junit((first, second)).encode())
    assert (document.tests, document.failures, document.errors) == (3, 1, 0)
    assert [suite.skipped for suite in document] == [1, 0]


@pytest.mark.parametrize(("judgement", "element"), [(Judgement.NOT_VERIFIED, Error), (Judgement.FAILED, Failed)])
def test_a_suite_that_is_not_green_never_looks_green(judgement: Judgement, element: type) -> None:
    """Where none of its tests says so, the suite as a whole does."""
    (suite,) = read(a_run(an_attempt(TestStatus.PASSED), judgement=judgement, reason="the database did not start"))
    *_, whole = suite
    assert whole.name == "unit as a whole"
    assert [(type(result), result.message) for result in whole.result] == [(element, "the database did not start")]


@pytest.mark.parametrize(
    ("test_id", "names"),
    [
        ("tests/unit/test_a.py::test_b", ("tests.unit.test_a", "test_b")),
        ("tests/test_a.py::TestB::test_c[d::e/f.py]", ("tests.test_a.TestB", "test_c[d::e/f.py]")),
        ("com.example.Case", ("", "com.example.Case")),
        ("", ("", "")),
        ("[a\nb]", ("", "[a\nb]")),
    ],
)
def test_names_are_those_of_pytest(test_id: str, names: tuple[str, str]) -> None:
    """So that histories kept elsewhere go on."""
    assert names_of(test_id) == names


def tags(run: SuiteRun) -> list[str]:
    """The elements of the XML, as a second parser sees them."""
    return [element.tag for element in ET.fromstring(merged_junit([run]).encode()).iter()]  # noqa: S314 - ours


@given(st.sampled_from(ATTACKS) | any_text | st.sampled_from(["\ufffe", "\uffff", "\x0c", "]]>", "\U0001ffff"]))
@settings(max_examples=60, deadline=None)
def test_any_text_is_valid_xml(text: str) -> None:
    """A second parser reads it, and its elements are the same."""
    run = a_run(an_attempt(TestStatus.FAILED), an_attempt(TestStatus.PASSED, 2), judgement=Judgement.NOT_VERIFIED)
    assert tags(with_every_text(run, f"x{text}")) == tags(with_every_text(run, "x"))


def test_no_suite_is_no_test() -> None:
    """An empty night is an empty document."""
    assert read() == []

"""Failures grouped by cause."""

from recloser.nightly.groups import failure_groups, flaky_of
from recloser.values import Comparison, TestChange, TestStatus
from tests.unit.nightly.nights import attempt, failed_of, suite_run

FAILED = TestStatus.FAILED


def test_failures_of_one_fingerprint_are_one_group() -> None:
    """The group says where in the code it is, and which tests show it."""
    run = suite_run(
        attempt("a", FAILED),
        attempt("b", FAILED),
        attempt("c", FAILED, failure=failed_of("ValueError", "x\ny", "f2")),
        attempt("d", TestStatus.PASSED),
    )
    first, second = failure_groups([run], Comparison())
    assert [test.test_id for test in first.tests] == ["a", "b"]
    assert (first.where, first.source) == ("app/model.py:12 in load", "x = y['a']")
    assert second.title == "ValueError: x"


def test_what_is_new_comes_first() -> None:
    """One new failure weighs more than three old ones."""
    run = suite_run(*(attempt(name, FAILED) for name in "abc"), attempt("d", FAILED, failure=failed_of("E", "m", "f2")))
    new = TestChange(suite="unit", test_id="d", status=FAILED, was=TestStatus.PASSED)
    old = tuple(TestChange(suite="unit", test_id=name, status=FAILED, since="n3") for name in "abc")
    first, second = failure_groups([run], Comparison(base="n7", new_failures=(new,), still_failing=old))
    assert (first.verdict, first.tests[0].evidence) == ("new", "passed in n7")
    assert (second.verdict, second.since) == ("still failing", "n3")


def test_what_passed_in_the_end_is_flaky_and_in_no_group() -> None:
    """Its evidence says at which attempt it passed."""
    run = suite_run(attempt("a", FAILED), attempt("a", TestStatus.PASSED, 2))
    (told,) = flaky_of([run])
    assert (told.failed_attempts, told.attempts, told.evidence) == (1, 2, "passed at attempt 2 of the same code")
    assert failure_groups([run], Comparison()) == ()

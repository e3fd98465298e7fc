"""Suites that hold one of everything: each outcome is recorded as what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recloser.suites import run_suite
from recloser.target import Suite
from recloser.values import Judgement, Phase, TestStatus

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.values import SuiteRun, TestAttempt

PYTEST = ("{python}", "-m", "pytest", "-p", "xdist", "-p", "no:cacheprovider")
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # starts in a third of the time

ONE_OF_EACH = """
import os, pathlib, sys
import pytest

def test_passes(record_property):
    record_property("rate", 4.5)
    record_property("label", "none")

def test_fails():
    print("seen on the way")
    assert {"a": 1} == {"a": 2}

@pytest.mark.parametrize("name", ["a[b]", "\\u00fc\\n\\x00", "z" * 90])
def test_takes_any_name(name): pass

def test_dies():
    os._exit(3)

def test_is_skipped():
    pytest.skip("not today")

@pytest.mark.xfail(strict=False)
def test_is_expected_to_fail():
    assert False

@pytest.mark.xfail(strict=False)
def test_passes_unexpectedly(): pass

@pytest.mark.xfail(strict=True)
def test_passes_against_the_rule(): pass

def test_fails_once():
    flag = pathlib.Path(__file__).with_name("flag")
    if not flag.exists():
        flag.touch()
        raise KeyError("first")

@pytest.fixture
def broken():
    raise RuntimeError("no setup")

def test_has_no_setup(broken): pass

@pytest.fixture
def leaky():
    yield
    raise OSError("no teardown")

def test_has_no_teardown(leaky): pass
"""


def first(run: SuiteRun) -> dict[str, TestAttempt]:
    """The first attempt of each test, by the last part of its name."""
    return {attempt.test_id.split("::", 1)[-1]: attempt for attempt in reversed(run.attempts)}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_outcome_is_told_apart(tmp_path: Path, workers: int) -> None:
    """In one process and in two: what ended how, where and why, and the rest goes on after a test that dies."""
    (tmp_path / "test_each.py").write_text(ONE_OF_EACH)
    (tmp_path / "test_broken_file.py").write_text("import does_not_exist")
    counted: list[tuple[int, int]] = []
    suite = Suite(command=PYTEST, environment=BARE, reruns=1)
    run = run_suite(
        "unit", suite, tmp_path, workers=workers, on_progress=lambda done, total: counted.append((done, total))
    )

    outcomes = {name: (attempt.status, attempt.phase) for name, attempt in first(run).items()}
    assert outcomes == {
        "test_passes": (TestStatus.PASSED, Phase.CALL),
        "test_fails": (TestStatus.FAILED, Phase.CALL),
        "test_takes_any_name[a[b]]": (TestStatus.PASSED, Phase.CALL),
        "test_takes_any_name[\\xfc\\n\\x00]": (TestStatus.PASSED, Phase.CALL),
        f"test_takes_any_name[{'z' * 90}]": (TestStatus.PASSED, Phase.CALL),
        "test_dies": (TestStatus.CRASHED, Phase.CALL),
        "test_is_skipped": (TestStatus.SKIPPED, Phase.CALL),
        "test_is_expected_to_fail": (TestStatus.XFAILED, Phase.CALL),
        "test_passes_unexpectedly": (TestStatus.XPASSED, Phase.CALL),
        "test_passes_against_the_rule": (TestStatus.FAILED, Phase.CALL),
        "test_fails_once": (TestStatus.FAILED, Phase.CALL),
        "test_has_no_setup": (TestStatus.ERROR, Phase.SETUP),
        "test_has_no_teardown": (TestStatus.ERROR, Phase.TEARDOWN),
        "test_broken_file.py": (TestStatus.ERROR, Phase.COLLECT),
    }
    assert run.judgement is Judgement.FAILED
    assert run.reason.startswith("6 of 14 tests failed: ")
    assert "flaky, they passed when run again: test_each.py::test_fails_once" in run.reason
    assert run.workers == workers
    assert run.figures == {"rate": 4.5}
    assert counted[-1] == (13, 13)
    again = {attempt.test_id.split("::")[-1]: attempt.status for attempt in run.attempts if attempt.number > 1}
    assert again == {
        "test_fails": TestStatus.FAILED,
        "test_dies": TestStatus.CRASHED,
        "test_passes_against_the_rule": TestStatus.FAILED,
        "test_fails_once": TestStatus.PASSED,
        "test_has_no_setup": TestStatus.ERROR,
        "test_has_no_teardown": TestStatus.ERROR,
    }
    failed = first(run)["test_fails"]
    assert failed.failure is not None
    assert failed.failure.exception == "AssertionError"
    assert failed.failure.frames[-1].file == "test_each.py"
    assert failed.failure.frames[-1].function == "test_fails"
    assert failed.failure.source == 'assert {"a": 1} == {"a": 2}'
    assert "seen on the way" in failed.output
    assert {
        attempt.failure.fingerprint for attempt in run.attempts if attempt.failure and "test_fails" in attempt.test_id
    }

"""Runs that do not end as they should: nothing that ran is lost, and what did not run is said to."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from recloser.suites import SuiteInterruptedError, launch, run_suite
from recloser.target import Suite
from recloser.values import Judgement, TestStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from recloser.values import SuiteRun

PYTEST = ("{python}", "-m", "pytest", "-p", "xdist", "-p", "no:cacheprovider")
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
BROKEN_END = "def pytest_sessionfinish(session): session.exitstatus = 1"
HANGS = """
import ctypes, faulthandler, time

def test_before(): pass

def test_sleeps():
    while True:
        time.sleep(0.01)

def test_swallows_everything():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

def test_blocks_in_c():
    ctypes.PyDLL(None).sleep(60)  # holds the interpreter's lock

def test_segfaults():
    faulthandler._sigsegv()

def test_after(): pass
"""


def statuses(run: SuiteRun) -> dict[str, TestStatus]:
    """Of the first attempt of each test."""
    return {attempt.test_id.split("::")[-1]: attempt.status for attempt in reversed(run.attempts)}


def suite(**more: object) -> Suite:
    """One that is not run again."""
    return Suite.model_validate({"command": PYTEST, "environment": BARE, "reruns": 0} | more)


def test_what_hangs_is_ended_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its limit a test is interrupted; what does not listen is killed; both say where they hung."""
    monkeypatch.setattr(launch, "GRACE_S", 1.0)
    (tmp_path / "test_hangs.py").write_text(HANGS)
    run = run_suite("unit", suite(test_timeout_s=0.3), tmp_path, workers=2)
    assert statuses(run) == {
        "test_before": TestStatus.PASSED,
        "test_sleeps": TestStatus.TIMED_OUT,
        "test_swallows_everything": TestStatus.TIMED_OUT,
        "test_blocks_in_c": TestStatus.TIMED_OUT,
        "test_segfaults": TestStatus.CRASHED,
        "test_after": TestStatus.PASSED,
    }
    texts = {item.test_id.split("::")[-1]: item.failure.text for item in run.attempts if item.failure is not None}
    assert "time.sleep(0.01)" in texts["test_sleeps"]
    assert "in test_swallows_everything" in texts["test_swallows_everything"]
    assert "in test_blocks_in_c" in texts["test_blocks_in_c"]
    assert run.judgement is Judgement.FAILED


def when(seen: Path, act: Callable[[], None]) -> threading.Thread:
    """Do something as soon as a test has left a mark."""

    def wait() -> None:
        while not seen.exists():
            time.sleep(0.01)
        act()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


WAITS = """
import os, pathlib, time
def test_before(): pass
def test_waits():
    pathlib.Path(__file__).with_name("mark.tmp").write_text(str(os.getpid()))
    pathlib.Path(__file__).with_name("mark.tmp").rename(pathlib.Path(__file__).with_name("mark"))
    time.sleep(30)
def test_after(): pass
"""


def test_a_killed_pytest_loses_nothing(tmp_path: Path) -> None:
    """After `kill -9` of pytest, the test that ran crashed, and a new process takes up the rest."""
    (tmp_path / "test_waits.py").write_text(WAITS)
    mark = tmp_path / "mark"
    killer = when(mark, lambda: os.kill(int(mark.read_text()), signal.SIGKILL))
    run = run_suite("unit", suite(), tmp_path, workers=1)
    killer.join()
    assert statuses(run) == {
        "test_before": TestStatus.PASSED,
        "test_waits": TestStatus.CRASHED,
        "test_after": TestStatus.PASSED,
    }
    [crash] = [attempt.failure for attempt in run.attempts if attempt.failure]
    assert crash.message == "its process was ended by SIGKILL"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Whoever started the tests in the background has SIGINT ignored in them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_run_says_what_ran(tmp_path: Path) -> None:
    """Ctrl-C ends pytest with its children; the rest is not run, and nothing failed by that."""
    (tmp_path / "test_waits.py").write_text(WAITS)
    mark = tmp_path / "mark"
    killer = when(mark, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(SuiteInterruptedError) as caught:
        run_suite("unit", suite(), tmp_path, workers=1)
    killer.join()
    run = caught.value.run
    assert statuses(run) == {
        "test_before": TestStatus.PASSED,
        "test_waits": TestStatus.NOT_RUN,
        "test_after": TestStatus.NOT_RUN,
    }
    assert run.judgement is Judgement.NOT_VERIFIED
    assert run.reason == "it was interrupted; 2 did not run"
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_a_suite_has_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is over, what ran is kept, and the rest was not run: what only came late is not blamed."""
    (tmp_path / "test_waits.py").write_text(WAITS)
    leap = threading.Event()
    clock = SimpleNamespace(time=time.time, sleep=time.sleep, monotonic=lambda: time.monotonic() + 1000 * leap.is_set())
    monkeypatch.setattr(launch, "time", clock)
    waiter = when(tmp_path / "mark", leap.set)
    declared = suite(timeout_s=900, test_timeout_s=60, coverage=("test_waits",))
    run = run_suite("unit", declared, tmp_path, workers=1)
    waiter.join()
    assert statuses(run) == {
        "test_before": TestStatus.PASSED,
        "test_waits": TestStatus.NOT_RUN,
        "test_after": TestStatus.NOT_RUN,
    }
    assert (run.judgement, run.reason) == (Judgement.NOT_VERIFIED, "its time of 900 s was over; 2 did not run")
    reasons = {attempt.reason for attempt in run.attempts if attempt.test_id.endswith("test_waits")}
    assert reasons == {"its time of 900 s was over while it ran"}
    assert run.coverage_percent is None
    assert "coverage was not measured: its time of 900 s was over" in run.notes


@pytest.mark.parametrize(
    ("files", "declared", "said"),
    [
        ({"conftest.py": "import nothing_of_the_kind"}, {}, "No module named 'nothing_of_the_kind'"),
        ({}, {"command": [*PYTEST, "--no-such-option"]}, "unrecognized arguments: --no-such-option"),
        ({}, {}, "no tests were collected"),
        ({"test_a.py": "import pytest\npytest.skip('no', allow_module_level=True)"}, {}, "1 tests were skipped"),
        ({}, {"python": "no-such-python"}, "no-such-python cannot be started: No such file or directory"),
        ({"pytest.py": "raise ModuleNotFoundError('No module named pytest')"}, {}, "No module named pytest"),
        ({"test_a.py": "def test_a(): pass", "conftest.py": BROKEN_END}, {}, "though no test failed: "),
        ({"test_a.py": "import pytest\ndef test_a(): pytest.exit('enough')"}, {}, "pytest was interrupted: "),
        ({"conftest.py": "import os\ndef pytest_sessionstart(): os._exit(7)"}, {}, "exit code 7"),
    ],
)
def test_what_cannot_be_judged_says_why(
    tmp_path: Path, files: dict[str, str], declared: dict[str, object], said: str
) -> None:
    """A suite that cannot be started, or has nothing to say, has not passed."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    run = run_suite("unit", suite(**declared), tmp_path, workers=1)
    assert run.judgement is not Judgement.PASSED
    assert said in run.reason

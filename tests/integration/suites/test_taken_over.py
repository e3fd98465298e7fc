"""What a killed run has written down is taken over: what ended is not run again, and what did not end is not lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from recloser.processes import identity
from recloser.suites import run_suite
from recloser.suites.process import Process
from recloser.target import Suite
from recloser.values import CodeState, Judgement

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.values import SuiteRun

TESTS = """
import pathlib

def test_good(): pass

def test_fails_once():
    with pathlib.Path("MARKS").open("a") as marks:
        marks.write("x")
    assert pathlib.Path("MARKS").stat().st_size > 1
"""
REPORT = '<testsuite tests="1"><testcase classname="a" name="b"/></testsuite>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A target with a test that fails the first time."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "test_some.py").write_text(TESTS.replace("MARKS", str(tmp_path / "marks")))
    return target


def run(folder: Path, *, reruns: int) -> SuiteRun:
    """Run it where the last run has left its notes."""
    suite = Suite(
        command=("{python}", "-m", "pytest", "-p", "no:cacheprovider"),
        environment={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        workers=1,
        reruns=reruns,
    )
    return run_suite("unit", suite, folder, code=CodeState(tree="t"), scratch=folder.parent / "scratch")


def forget(launch: Path, *events: str) -> None:
    """Take events of these kinds out of a launch, as if it had been killed before them."""
    for file in launch.glob("events-*.jsonl"):
        lines = [line for line in file.read_text().splitlines() if not any(f'"e":"{kind}"' in line for kind in events)]
        file.write_text("".join(f"{line}\n" for line in lines))


def tries(told: SuiteRun) -> list[tuple[str, int]]:
    """Which attempts there are."""
    return sorted((attempt.test_id.rsplit("::", 1)[-1], attempt.number) for attempt in told.attempts)


def test_a_rerun_that_was_killed_before_a_test_ended_was_none(folder: Path) -> None:
    """The test that failed is run again all the same; else it would be called failed without its second attempt."""
    run(folder, reruns=0)
    first, killed = (folder.parent / "scratch" / name for name in ("launch-0", "launch-1"))
    shutil.copytree(first, killed)
    orders = killed / "orders.json"
    orders.write_text(orders.read_text().replace('"again": false', '"again": true'))
    forget(killed, "start", "end", "finish")
    told = run(folder, reruns=1)
    assert tries(told) == [("test_fails_once", 1), ("test_fails_once", 2), ("test_good", 1)]
    assert told.judgement is Judgement.PASSED


def test_a_launch_that_was_killed_before_it_knew_its_tests_hides_no_later_one(folder: Path) -> None:
    """The next one ran everything; it counts, and nothing is run a second time."""
    run(folder, reruns=0)
    scratch = folder.parent / "scratch"
    shutil.copytree(scratch / "launch-0", scratch / "launch-1")
    forget(scratch / "launch-0", "collected", "start", "end", "finish")
    told = run(folder, reruns=0)
    assert tries(told) == [("test_fails_once", 1), ("test_good", 1)]
    assert (folder.parent / "marks").read_text() == "x"


def test_the_report_of_a_killed_run_is_no_report(tmp_path: Path) -> None:
    """A runner that writes none this time is not believed for what it wrote the last time."""
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "junit.xml").write_text(REPORT)
    suite = Suite(command=("true", "{junit}"))
    told = run_suite("other", suite, tmp_path, code=CodeState(tree="t"), scratch=tmp_path / "scratch")
    assert (told.judgement, told.attempts) == (Judgement.NOT_VERIFIED, ())


_DIES = """
import os, pathlib, signal, time
from recloser.suites.process import Process

command = ["sh", "-c", "setsid sleep 60 & echo $! > left; exec sleep 60"]
Process(command, pathlib.Path.cwd(), dict(os.environ))
while not pathlib.Path("left").exists() or not pathlib.Path("left").read_text().endswith(chr(10)):
    time.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_daemon_of_a_killed_run_is_ended_by_the_next(folder: Path) -> None:
    """It left its session, so that nothing but the next run can end it; what a living run has begun is left alone."""
    subprocess.run([sys.executable, "-c", _DIES], cwd=folder, check=False)
    left = int((folder / "left").read_text())
    assert identity(left) is not None
    with Process(["sleep", "60"], folder, dict(os.environ)) as beside:
        run(folder, reruns=0)
        assert identity(left) is None
        assert beside.exit_code is None

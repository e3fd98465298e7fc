"""`kill -9` of a night at any moment, and of what it runs; then the same again."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from recloser.processes import wait_until
from recloser.store import Store
from recloser.values import CycleVerdict
from tests.integration.nightly.conftest import WEB, free_port

if TYPE_CHECKING:
    from recloser.values import Cycle, SuiteRun

pytestmark = pytest.mark.timeout(300)

NIGHTS = Path(__file__).parent / "killed_nights.py"
SEED = "2026"
AT_ONCE = 2
"""Tests that run at the same time, at most."""
_TARGET = """
name = "killed"

[services.api]
command = ["{python}", "-S", "WEB", "PORT"]
port = PORT

[suites.alone]
command = ["{python}", "-m", "pytest", "-p", "no:cacheprovider", "alone"]
environment = { PYTEST_DISABLE_PLUGIN_AUTOLOAD = "1" }
workers = 1
reruns = 1

[suites.beside]
command = ["{python}", "-m", "pytest", "-p", "no:cacheprovider", "beside"]
needs = ["api"]
workers = 2
reruns = 1
"""
_TESTS = """
import os, pathlib, time
import pytest

MARKS, FAILED = pathlib.Path("MARKS"), pathlib.Path("FAILED")


def mark(word):
    with MARKS.open("a") as marks:
        marks.write(word + " " + os.environ["PYTEST_CURRENT_TEST"].split(" ")[0] + chr(10))


@pytest.fixture(autouse=True)
def marked():
    mark("begun")
    time.sleep(0.02)
    yield
    mark("ended")


@pytest.mark.parametrize("number", range(6))
def test_many(number):
    pass


def test_passes_the_second_time():
    first = not FAILED.exists()
    FAILED.touch()
    assert not first
"""


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """The file of marks, beside a target that writes into it."""
    target, marks = tmp_path / "target", tmp_path / "marks"
    marks.touch()
    for suite in ("alone", "beside"):
        (target / suite).mkdir(parents=True)
        tests = _TESTS.replace('"MARKS"', f'"{marks}"').replace('"FAILED"', f'"{tmp_path / suite}"')
        (target / suite / f"test_{suite}.py").write_text(tests)
    (target / "recloser.toml").write_text(_TARGET.replace("WEB", str(WEB)).replace("PORT", str(free_port())))
    return marks


def test_killed_again_and_again_it_loses_nothing_and_counts_nothing_twice(
    marks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has ended is not run again, but for what ran when the kill came; no process is left, no service doubled."""
    home = marks.parent / "home"
    monkeypatch.setenv("RECLOSER_HOME", str(home))
    target = marks.parent / "target"
    words = (sys.executable, str(NIGHTS), str(target), str(marks), SEED)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    killed = int(done.stdout)
    assert killed > 0
    assert wait_until(lambda: not _running_in(target), 10)
    cycles, runs = _nights(home)
    assert {cycle.verdict for cycle in cycles} == {CycleVerdict.GREEN}
    assert all((home / "nights" / cycle.cycle_id / "nightly.html").exists() for cycle in cycles)
    _assert_each_once(runs, marks, killed)


def _assert_each_once(runs: list[SuiteRun], marks: Path, killed: int) -> None:
    kept = Counter(attempt.test_id for run in runs for attempt in run.attempts)
    said = Counter(tuple(line.split(" ", 1)) for line in marks.read_text().splitlines())
    begun, ended = ({test: said[word, test] for test in kept} for word in ("begun", "ended"))
    assert all(kept[test] <= ended[test] for test in kept)
    assert sum(begun.values()) - kept.total() <= killed * AT_ONCE
    for run in runs:
        numbers = Counter(attempt.test_id for attempt in run.attempts)
        assert len(numbers) == 7
        tries = sorted((attempt.test_id, attempt.number) for attempt in run.attempts)
        assert tries == sorted((test, number + 1) for test, count in numbers.items() for number in range(count))


def _nights(home: Path) -> tuple[tuple[Cycle, ...], list[SuiteRun]]:
    with Store.open(f"sqlite:///{home / 'recloser.db'}") as store:
        cycles = store.history.cycles("killed")
        return cycles, [run for cycle in cycles for run in store.history.suite_runs(cycle.cycle_id)]


def _running_in(folder: Path) -> list[psutil.Process]:
    """Processes that work in a folder: services and suites of a target do."""
    return [
        process
        for process in psutil.process_iter(["cwd", "status"])
        if process.info["cwd"] == str(folder) and process.info["status"] != psutil.STATUS_ZOMBIE
    ]

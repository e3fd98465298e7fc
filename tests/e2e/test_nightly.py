"""`recloser nightly` as a person or a cron job runs it: its exit codes, its JSON, what it says when things go wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from recloser.store import Store
from recloser.values import CycleVerdict

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.timeout(600)

RECLOSER = str(Path(sys.executable).parent / "recloser")
LIMIT_S = 240
_TARGET = """
name = "little"

[triage]
budget_s = 0

[suites.unit]
command = ["{python}", "-m", "pytest", "-p", "no:cacheprovider", "unit"]
environment = { PYTEST_DISABLE_PLUGIN_AUTOLOAD = "1" }
workers = 1
reruns = 0

[suites.slow]
command = ["{python}", "-m", "pytest", "-p", "no:cacheprovider", "slow"]
environment = { PYTEST_DISABLE_PLUGIN_AUTOLOAD = "1" }
workers = 1
reruns = 0
alone = true
"""
_MARKED = """
import pathlib, time

def test_NAME():
    with pathlib.Path("MARKS").open("a") as marks:
        marks.write("NAME ")
    while pathlib.Path("HOLD").exists():
        time.sleep(0.02)
    assert VALUE == 1
"""


class Command:
    """The command line on a target of two suites, in a home of its own."""

    def __init__(self, folder: Path, prefect_home: Path) -> None:
        self.folder = folder
        self.target, self.home, self.marks, self.hold = (folder / name for name in ("little", "home", "marks", "hold"))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "RECLOSER_"))}
        self.environment = kept | {"PREFECT_HOME": str(prefect_home), "RECLOSER_HOME": str(self.home)}
        for name in ("unit", "slow"):
            (self.target / name).mkdir(parents=True)
            self.write(name, 1)
        (self.target / "recloser.toml").write_text(_TARGET)

    def write(self, name: str, value: int) -> None:
        """A suite of one test, that passes for 1; the slow one waits as long as it is held."""
        hold = self.hold if name == "slow" else self.folder / "nothing"
        text = _MARKED.replace("NAME", name).replace("VALUE", str(value))
        (self.target / name / f"test_{name}.py").write_text(
            text.replace("MARKS", str(self.marks)).replace("HOLD", str(hold))
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin a night."""
        command = [RECLOSER, "nightly", str(self.target), *words]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        """A whole night: exit code, output, and what it said meanwhile."""
        with self.start(*words) as night:
            output, said = night.communicate(timeout=LIMIT_S)
        return night.returncode, output, said


@pytest.fixture(scope="module")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Prefect keeps its database: it takes seconds to make one."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture
def command(tmp_path: Path, prefect_home: Path) -> Command:
    """The command on a target that is good."""
    return Command(tmp_path, prefect_home)


def test_the_exit_code_says_what_the_night_came_to(command: Command) -> None:
    """0 green, 2 a regression after a green night; the JSON alone is on standard output, and the page is there."""
    declared = _TARGET.replace("budget_s = 0", "budget_s = 60")  # a failure that was seen once is not called new
    (command.target / "recloser.toml").write_text(declared)
    code, output, _ = command.run()
    assert (code, "PASSED" in output) == (0, True)
    command.write("unit", 2)
    code, output, said = command.run("--format", "json")
    told: dict[str, Any] = json.loads(output)
    assert (code, told["cycle"]["verdict"]) == (2, "regression")
    assert [change["test_id"] for change in told["comparison"]["new_failures"]] == ["unit/test_unit.py::test_unit"]
    assert [problem["tests"][0]["test_id"] for problem in told["problems"]] == ["unit/test_unit.py::test_unit"]
    assert told["sent"] == ["1 message to folder", "1 issue written"]
    assert "suite/unit" in said
    assert "Traceback" not in said
    assert (command.home / "nights" / told["cycle"]["cycle_id"] / "nightly.html").exists()


def test_what_cannot_be_judged_is_three_and_what_can_go_on_goes_on(command: Command) -> None:
    """A suite whose folder is gone is named on the page; the other has run."""
    (command.target / "unit").rename(command.target / "elsewhere")
    code, output, said = command.run("--format", "json")
    told = json.loads(output)
    assert (code, told["cycle"]["verdict"]) == (3, "not-verified")
    assert any("suite unit" in why and "not found" in why for why in told["missing"])
    assert command.marks.read_text().split() == ["slow"]
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("declared", "said"),
    [("name = little", "is not valid TOML"), (_TARGET.replace("workers", "wrokers"), "suites.unit.wrokers: Extra")],
)
def test_a_broken_declaration_is_one_message(command: Command, declared: str, said: str) -> None:
    """Before anything is started or written."""
    (command.target / "recloser.toml").write_text(declared)
    code, output, told = command.run()
    assert (code, output) == (3, "")
    assert said in told
    assert "Traceback" not in told
    assert not command.home.exists()


def test_killed_with_its_prefect_server_it_goes_on_where_it_was(command: Command) -> None:
    """The suite that had ended is not run again; neither a process nor a server is left; what fails is exit code 1."""
    command.write("slow", 2)
    command.hold.touch()
    night = command.start()
    until(lambda: command.marks.exists() and "slow" in command.marks.read_text())
    family = psutil.Process(night.pid).children(recursive=True)
    server = next(child for child in family if "prefect.server" in " ".join(child.cmdline()))
    night.kill()
    server.kill()  # it would hold the pipes of the night's output open
    night.communicate()
    command.hold.unlink()
    code, output, said = command.run()
    assert (code, "goes on where it was" in said) == (1, True), said + output
    assert command.marks.read_text().split() == ["unit", "slow", "slow"]
    with Store.open(f"sqlite:///{command.home / 'recloser.db'}") as store:
        (cycle,) = store.history.cycles("little")
        runs = store.history.suite_runs(cycle.cycle_id)
    assert cycle.verdict is CycleVerdict.RED
    assert sorted((run.suite, len(run.attempts)) for run in runs) == [("slow", 1), ("unit", 1)]
    until(lambda: not any(is_running(process) for process in family))


def is_running(process: psutil.Process) -> bool:
    """Whether it is there and no zombie."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def until(happened: Callable[[], bool]) -> None:
    """Ask until the answer is yes."""
    deadline = time.monotonic() + LIMIT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)

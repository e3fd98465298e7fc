"""What real nights make of planted faults, and what they make of nothing but background flakiness: beside the gates.

Run `make bench ONLY=nights`; it takes several minutes. The exit code is 1 when anything is not as it has to be.

A copy of `examples/gridmodel` with a few quick tests goes through nights with commits between them, each by the command
`recloser nightly` on a Prefect server of its own: nine in which faults are planted and mended (`planted`), and eleven
in which each test fails at random, two times in a hundred (`clean`). Seen is what a reader has: verdicts, the notices
and the issues of the dry run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from recloser.nightly import TriageResult
from recloser.services.ports import free_port
from recloser.settings import Settings
from recloser.store import Store
from recloser.values import Change, CycleReport, CycleVerdict, FailureKind, FindingKind, Notice, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.values import Line

    Row = tuple[str, str, object, object]
    """Of what, what of it, expected, seen."""

EXAMPLE = Path(__file__).parents[1] / "examples/gridmodel"
CLEAN_NIGHTS = 10
FAILS = 0.02
SEED = 20261121

_TARGET = """
name = "gridmodel"

[services.api]
command = ["{python}", "-m", "gridmodel"]
port = API_PORT
health = "/api/health"
expect = { status = "ok" }
environment = { GRIDMODEL_PORT = "{port}", GRIDMODEL_FAULTS = "" }   # api
start_s = 120
"""
_SPARE = """
[services.spare]
command = ["{python}", "-m", "gridmodel"]
port = SPARE_PORT
health = "/api/health"
environment = { GRIDMODEL_PORT = "{port}", GRIDMODEL_FAULTS = "" }   # spare
url_env = "SPARE_URL"
start_s = 120

[suites.remote]
command = ["{python}", "-m", "pytest", "-p", "no:cacheprovider", "tests/test_remote.py"]
needs = ["spare"]
workers = 1

[issues]
min_severity = "info"
max_new = 10
"""
_REST = """
[suites.unit]
command = ["{python}", "-m", "pytest", "-p", "no:cacheprovider", "tests/unit"]
workers = 1

[data.small]
request = { service = "api", path = "/api/generate-data", body = { n_steps = 50, n_buses = 14, seed = 1 } }
rules = "grid"

[triage]
budget_s = BUDGET_S
timing_s = 300
"""
_TESTS = '''
"""Quick tests of the service's parts, and those that a fault is planted in."""

import os
import random
import time

import pytest

from gridmodel import faults

RUNS = "RUNS_FILE"


@pytest.mark.parametrize("seconds", range(1, 21))
def test_a_number_is_read(seconds):
    assert faults.Faults.parse(f"slow={seconds}").slow == seconds


def test_broken_before():
    assert faults.EXIT_CRASH == 70, "the exit code is another one"


def test_coin():
    assert True, "tails"


def test_polluter():
    assert True


def test_victim():
    assert "POLLUTED" not in os.environ, "somebody has left something behind"


def test_sleeper():
    time.sleep(0.3)
'''
_REMOTE = '''
"""The spare service, over its socket."""

import json
import os
import urllib.request


def test_it_answers():
    with urllib.request.urlopen(os.environ["SPARE_URL"] + "/api/health", timeout=60) as answer:
        assert json.load(answer)["status"]
'''
_COIN = """
    with open(RUNS, "a") as runs:
        runs.write("x")
    assert random.Random(f"10 {os.path.getsize(RUNS)}").random() < 0.5, "tails"
"""
_BACKGROUND = f'''
"""Every test fails now and then, of nothing."""

import os
import random

import pytest


@pytest.fixture(autouse=True)
def _background():
    with open("RUNS_FILE", "a") as runs:
        runs.write("x")
    if random.Random(f"{SEED} {{os.path.getsize('RUNS_FILE')}}").random() < {FAILS}:
        pytest.fail("bad luck")
'''


@dataclass
class Target:
    """A copy of the example in a repository of its own, and what its nights came to."""

    root: Path
    table: str
    store: Store = field(init=False)
    told: list[TriageResult] = field(default_factory=list)
    reports: list[CycleReport] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Copy it, and commit it."""
        for part in ("gridmodel", "data", "pyproject.toml", "tests/unit/test_config.py"):
            source, place = EXAMPLE / part, self.folder / part
            place.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, place)
        self.write(".gitignore", "__pycache__/\n")
        self.write("recloser.toml", self.table)
        self.write("tests/unit/test_night.py", _TESTS.replace("RUNS_FILE", str(self.runs)))
        self.write("tests/test_remote.py", _REMOTE)
        self._git("init", "-q")
        self.store = Store.open(Settings(home=self.home).database_url)

    @property
    def folder(self) -> Path:
        """The code under test."""
        return self.root / "gridmodel"

    @property
    def home(self) -> Path:
        """Where the nights keep what they keep."""
        return self.root / "home"

    @property
    def runs(self) -> Path:
        """Counts runs of a test, across processes; outside the code, which it would change."""
        return self.root / "runs"

    def write(self, file: str, text: str) -> None:
        """Write a file of its code."""
        place = self.folder / file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def change(self, file: str, old: str, new: str) -> None:
        """Change a part of a file; a change that changes nothing is a mistake of this script."""
        text = (self.folder / file).read_text()
        if text.count(old) != 1:
            raise ValueError(f"{file} holds {old!r} {text.count(old)} times, once is expected")
        self.write(file, text.replace(old, new))

    def night(self) -> CycleReport:
        """Commit what was changed, and let a whole night pass, as a person or a timer begins it."""
        self.write("NIGHT", f"{len(self.reports) + 1}\n")
        self._git("add", "-A")
        self._git("commit", "-qm", f"before night {len(self.reports) + 1}")
        began = time.monotonic()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "RECLOSER_"))}
        homes = {"PREFECT_HOME": str(self.root / "prefect"), "RECLOSER_HOME": str(self.home)}
        command = [str(Path(sys.executable).with_name("recloser")), "nightly", str(self.folder), "--format", "json"]
        ended = subprocess.run(command, env=kept | homes, cwd=self.root, stdout=subprocess.PIPE, text=True, check=False)
        report = CycleReport.model_validate_json(ended.stdout)
        if report.cycle.verdict is None or ended.returncode != report.cycle.verdict.exit_code:
            raise ValueError(f"the verdict is {report.cycle.verdict}, the exit code {ended.returncode}")
        kept_of = self.store.history.stage_results(report.cycle.cycle_id)
        self.told.append(TriageResult.model_validate(kept_of["triage"]))
        self.reports.append(report)
        took = time.monotonic() - began
        print(
            f"  night {len(self.reports):>2} {took:>5.0f} s  {report.cycle.verdict}: {report.cycle.reason[:120]}",
            flush=True,
        )
        return report

    def lines(self) -> list[tuple[str, Line]]:
        """What a reader was told: each line of each notice, with the night that told it."""
        folder = self.home / "notices/gridmodel/folder"
        notices = [Notice.model_validate_json(file.read_text()) for file in sorted(folder.glob("*.json"))]
        return [(notice.cycle_id, line) for notice in notices for line in notice.lines]

    def issues(self) -> list[str]:
        """The texts of all issues."""
        return [file.read_text() for file in sorted((self.home / "notices/gridmodel/issues").glob("issue-*.json"))]

    def _git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(self.folder), *identity, *arguments], check=True, capture_output=True)


@dataclass(frozen=True)
class Plant:
    """A fault, and what has to become of it."""

    name: str
    marker: str
    """What names it wherever it is told."""
    kind: str
    file: str
    old: str
    new: str
    night: int = 7


_UNIT, _TOML = "tests/unit/test_night.py", "recloser.toml"
_COIN_BEFORE = '    assert True, "tails"\n'
PLANTS = (
    Plant("already broken", "test_broken_before", "already broken", "gridmodel/faults.py", "= 70", "= 71", night=6),
    Plant("new failure", "test_the_defaults_are", "new", "gridmodel/config.py", '_PORT", 5001,', '_PORT", 5002,'),
    Plant("flaky test", "test_coin", "flaky", _UNIT, _COIN_BEFORE, _COIN.removeprefix("\n")),
    Plant(
        "order-dependent pair",
        "test_victim",
        "flaky, victim",
        _UNIT,
        "def test_polluter():\n    assert True",
        'def test_polluter():\n    os.environ["POLLUTED"] = "yes"',
    ),
    Plant("2 x slower", "test_sleeper", "slower", _UNIT, "time.sleep(0.3)", "time.sleep(0.7)"),
    Plant("dataset fault", "data-small", "failed", _TOML, '"" }   # api', '"nan" }   # api'),
    Plant("crashing service", "service-spare", "failed", _TOML, '"" }   # spare', '"crash-on-start" }   # spare'),
)
LAST_NIGHT = 9


def planted(root: Path) -> Iterator[Row]:
    """Six nights of history, two with everything planted, one with everything mended."""
    table = _TARGET + _SPARE + _REST
    ports = {"API_PORT": str(free_port()), "SPARE_PORT": str(free_port()), "BUDGET_S": "300"}
    target = Target(root, _filled(table, ports))
    for night in range(1, LAST_NIGHT + 1):
        for plant in PLANTS:
            if plant.night == night:
                target.change(plant.file, plant.old, plant.new)
            if night == LAST_NIGHT:
                target.change(plant.file, plant.new, plant.old)
        target.night()
    verdicts = [str(report.cycle.verdict) for report in target.reports]
    yield "all of it", "verdicts", ["green"] * 5 + ["regression"] * 2 + ["red", "green"], verdicts
    for plant in PLANTS:
        yield from _rows(plant, target)
    begun = [line for _, line in target.lines() if line.change in {Change.NEW, Change.AGAIN, Change.WORSE}]
    unexpected = [f"{line.finding.title}: {line.finding.text}" for line in begun if not _of_a_plant(line)]
    yield "all of it", "other messages", [], unexpected
    yield "all of it", "issues", len(PLANTS), len(target.issues())
    notes = sorted({note for told in target.told for note in told.notes})
    yield "all of it", "what could not be asked", [], notes


def _rows(plant: Plant, target: Target) -> Iterator[Row]:
    nights = [report.cycle.cycle_id for report in target.reports]
    yield plant.name, "judged", plant.kind, _judged(plant, target)
    told = [
        (nights.index(night) + 1, str(line.change)) for night, line in target.lines() if plant.marker in _text(line)
    ]
    spoken = [(night, change) for night, change in told if change != Change.STILL]
    yield plant.name, "messages", [(plant.night, "new"), (LAST_NIGHT, "resolved")], spoken
    yield plant.name, "issues", 1, sum(plant.marker in issue for issue in target.issues())


def _judged(plant: Plant, target: Target) -> str:
    """What the first night with all plants says of it."""
    report, told = target.reports[6], target.told[6]
    for data in report.data:
        if plant.marker == f"data-{data.name}":
            return str(data.judgement)
    for service in report.services:
        if plant.marker == f"service-{service.name}":
            return str(service.judgement)
    verdicts = [one for one in told.verdicts if plant.marker in one.test_id]
    judged = [f"{one.kind}, {one.order}" if one.order else str(one.kind) for one in verdicts]
    slower = [one for found in told.slowness for one in found.slower if plant.marker in one.test_id]
    return "; ".join([*judged, *("slower" for _ in slower)])


def _text(line: Line) -> str:
    return line.finding.model_dump_json()


def _of_a_plant(line: Line) -> bool:
    return any(plant.marker in _text(line) for plant in PLANTS)


def clean(root: Path) -> Iterator[Row]:
    """A good night, and then ten in which nothing is wrong but luck."""
    target = Target(root, _filled(_TARGET + _REST, {"API_PORT": str(free_port()), "BUDGET_S": "30"}))
    target.night()
    target.write("tests/unit/conftest.py", _BACKGROUND.replace("RUNS_FILE", str(target.runs)))
    for _ in range(CLEAN_NIGHTS):
        target.night()
    failed = {(report.cycle.cycle_id, test.test_id) for report in target.reports for test in report.flaky}
    print(
        f"  {len(failed)} tests failed and passed again in a suite's run; {target.runs.stat().st_size} runs with probes"
    )
    yield "clean nights", "verdicts", {CycleVerdict.GREEN}, {report.cycle.verdict for report in target.reports}
    kinds = {one.kind for told in target.told for one in told.verdicts}
    yield "clean nights", "judged", set(), kinds - {FailureKind.FLAKY}
    alarms = [
        f"{line.severity} {line.finding.title}" for _, line in target.lines() if line.severity is not Severity.INFO
    ]
    yield "clean nights", "warnings and critical alerts", [], alarms
    others = [line.finding.title for _, line in target.lines() if line.finding.kind is not FindingKind.FLAKY]
    yield "clean nights", "told of anything but flaky tests", [], others
    again = [line.finding.title for _, line in target.lines() if line.change is Change.AGAIN]
    print(f"  told again, because a flaky test that was over is back: {len(again)}")
    yield "clean nights", "issues", 0, len(target.issues())


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def main() -> int:
    """Let the nights pass, print the table, and say whether it is as it has to be."""
    wanted = sys.argv[1:] or ["planted", "clean"]
    began = time.monotonic()
    rows: list[Row] = []
    for name, nights in (("planted", planted), ("clean", clean)):
        if name in wanted:
            print(f"{name} nights, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
            with tempfile.TemporaryDirectory(prefix=f"recloser-{name}-") as root:
                rows += nights(Path(root))
    for of, what, expected, seen in rows:
        print(f"{'ok  ' if expected == seen else 'BAD '} {of:<21} {what:<33} {seen!s:<60}", end="")
        print("" if expected == seen else f"\n     expected: {expected}")
    print(f"all of it took {time.monotonic() - began:.0f} s")
    return int(any(expected != seen for _, _, expected, seen in rows))


if __name__ == "__main__":
    raise SystemExit(main())

"""Test suites that nobody here wrote: the same outcomes as pytest's own, in no more time, and a planted fault is found.

    python benchmarks/foreign_suites.py [--only pluggy] [--folder WHERE] [--turns 3]

Source distributions are fetched from the machine's own package index and installed into environments of their own (a
few minutes and 300 MB the first time; with --folder they are kept). Not part of `make bench`, which works offline:
without RECLOSER_FOREIGN=1 or --folder it says so and ends.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from recloser.suites import run_suite
from recloser.target import Suite
from recloser.values import CodeState, SuiteRun, TestStatus

if TYPE_CHECKING:
    from collections.abc import Collection

MOST_RATIO = 1.1
TIMEOUT_S = 900
_WORDS = {
    "PASSED": TestStatus.PASSED,
    "FAILED": TestStatus.FAILED,
    "ERROR": TestStatus.ERROR,
    "SKIPPED": TestStatus.SKIPPED,
    "XFAIL": TestStatus.XFAILED,
    "XPASS": TestStatus.XPASSED,
}
_LINE = re.compile(rf"({'|'.join(_WORDS)}) (.*)")


@dataclass(frozen=True)
class Project:
    """A project whose source distribution holds its tests."""

    name: str
    tests: str
    file: str
    """Where a fault is planted."""
    right: str
    wrong: str
    needs: tuple[str, ...] = ()
    edits: tuple[tuple[str, str, str], ...] = ()
    """File, text and what it becomes, on both sides: without them pytest cannot run the suite in two processes."""
    without: tuple[str, ...] = ()
    """Tests left out on both sides."""

    @property
    def options(self) -> list[str]:
        """What is given to pytest."""
        return [*(f"--deselect={test_id}" for test_id in self.without), self.tests]


PROJECTS = (
    Project(
        name="pluggy",
        tests="testing",
        file="src/pluggy/_manager.py",
        right="if self._name2plugin.get(plugin_name, -1) is None:",
        wrong="if self._name2plugin.get(plugin_name, -1) is not None:",
    ),
    Project(
        name="attrs",
        needs=("hypothesis", "cloudpickle", "pympler"),
        tests="tests",
        file="src/attr/validators.py",
        right="if not self.match_func(value):",
        wrong="if self.match_func(value):",
    ),
    Project(
        name="jsonschema",
        needs=("jsonpath-ng",),
        tests="jsonschema",
        file="jsonschema/_keywords.py",
        right="if instance < minimum:",
        wrong="if instance <= minimum:",
    ),
    Project(
        name="httpx",
        needs=(
            "chardet",
            "trio",
            "trustme",
            "uvicorn",
            "h2",
            "socksio",
            "brotli",
            "zstandard",
            "click",
            "rich",
            "pygments",
        ),
        tests="tests",
        file="httpx/_utils.py",
        right='return "true"',
        wrong='return "True"',
        # Each process starts a server at port 8000. That of the second process cannot, and its first test with a server
        # waits for it for ever, whichever test that is: so does `pytest -n 2` alone. Two tests print that very port.
        edits=(
            (
                "tests/conftest.py",
                'loop="asyncio")',
                'loop="asyncio", port=8000 + int(os.getenv("PYTEST_XDIST_WORKER", "gw0")[2:]))',
            ),
        ),
        without=("tests/test_main.py::test_verbose", "tests/test_main.py::test_auth"),
    ),
)


@dataclass(frozen=True)
class Place:
    """Where a project is installed."""

    project: Project
    folder: Path
    python: str

    def bare(self, *arguments: str) -> tuple[dict[str, TestStatus | str], float]:
        """What pytest itself says of each test, and how long it took."""
        command = [
            self.python,
            "-m",
            "pytest",
            "-q",
            "--tb=no",
            "-rA",
            "--no-fold-skipped",
            *arguments,
            *self.project.options,
        ]
        begun = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | {"COLUMNS": "10000"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        lasted_s = time.perf_counter() - begun
        found = [_LINE.fullmatch(line) for line in done.stdout.splitlines()]
        return {match[2]: _WORDS[match[1]] for match in found if match}, lasted_s

    def ours(self, durations: dict[str, float] | None = None, workers: int | None = None) -> tuple[SuiteRun, float]:
        """What we say, and how long it took."""
        command = ("{python}", "-m", "pytest", "-q", "--tb=short", *self.project.options)
        suite = Suite(command=command, python=self.python, timeout_s=TIMEOUT_S, test_timeout_s=60, reruns=0)
        begun = time.perf_counter()
        run = run_suite("all", suite, self.folder, durations=durations, workers=workers, code=CodeState(tree="-"))
        return run, time.perf_counter() - begun


def install(project: Project, where: Path) -> Place:
    """Fetch, unpack and install a project; what is there already is kept."""
    home = where / project.name
    python = home / "env" / "bin" / "python"
    if not python.exists():
        home.mkdir(parents=True, exist_ok=True)
        fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", project.name, project.name]
        subprocess.run(fetch, cwd=home, check=True)
        [archive] = home.glob("*.tar.gz")
        with tarfile.open(archive) as bundle:
            bundle.extractall(home, filter="data")
        venv.create(home / "env", with_pip=True)
        [source] = [path for path in home.iterdir() if path.is_dir() and path.name != "env"]
        wanted = ["-e", str(source), "pytest", "pytest-xdist", *project.needs]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *wanted], check=True)
    [source] = [path for path in home.iterdir() if path.is_dir() and path.name != "env"]
    for name, was, now in project.edits:
        file = source / name
        text = file.read_text(encoding="utf-8")
        if now not in text:
            file.write_text(text.replace(was, now), encoding="utf-8")
    return Place(project, source, str(python))


def said_by(run: SuiteRun) -> dict[str, TestStatus]:
    """The last attempt of each test."""
    return {attempt.test_id: attempt.status for attempt in run.attempts}


def named(bare: dict[str, TestStatus | str], names: Collection[str]) -> dict[str, TestStatus | str]:
    """What pytest says of each test; its lines end in a reason for some."""
    told = {}
    for line, status in bare.items():
        heads = [line, *(line[: at.start()] for at in re.finditer(" - ", line))]
        told[next((head for head in heads if head in names), line)] = status
    return told


def differences(ours: dict[str, TestStatus], told: dict[str, TestStatus | str]) -> dict[str, str]:
    """Tests of which pytest says something else."""
    return {
        name: f"pytest {told.get(name)}, ours {ours.get(name)}"
        for name in sorted(ours.keys() | told.keys())
        if ours.get(name) != told.get(name)
    }


def examine(place: Place, turns: int) -> bool:
    """Compare one project, each turn all three ways one after the other; whether everything holds.

    What pytest says of a test differently from turn to turn hangs on chance, and cannot be equal to anything.
    """
    told: list[dict[str, TestStatus | str]] = []
    unknown, known = [], []
    for _ in range(turns):
        bare, bare_s = place.bare("-n", "2")
        run, ours_s = place.ours(workers=2)
        last, known_s = place.ours({attempt.test_id: attempt.duration_s for attempt in run.attempts})
        ours = said_by(run)
        told.append(named(bare, ours))
        unknown.append(ours_s / bare_s)
        known.append(known_s / bare_s)
        print(f"   {place.project.name}: pytest -n 2 {bare_s:.2f} s, ours {ours_s:.2f} s, known {known_s:.2f} s")
    unsteady = {name for bare in told for name in bare if any(other.get(name) != bare[name] for other in told)}
    different = [f"{name}: {said}" for name, said in differences(ours, told[-1]).items() if name not in unsteady]
    listed = [place.python, "-m", "pip", "list", "--format=freeze"]
    versions = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
    shown = [line for line in versions.split() if re.match(r"(pytest|pytest-xdist)==", line)]
    counted = dict(Counter(map(str, told[-1].values())))
    print(f"== {place.folder.name} ({', '.join(shown)}), {len(told[-1])} tests: {counted}")
    print(f"   left out on both sides: {', '.join(place.project.without) or 'none'}")
    print(f"   of which pytest says now this, now that: {len(unsteady)}", *sorted(unsteady), sep="\n     ")
    print(f"   outcomes that differ from pytest's own: {len(different)}", *different[:5], sep="\n     ")
    ratio, ratio_known = median(unknown), median(known)
    print(f"   wall time over pytest -n 2, median of {turns}: x {ratio:.2f}", end="")
    print(f", durations known x {ratio_known:.2f} (workers {last.workers})")
    holds = not different and ratio <= MOST_RATIO and ratio_known < 1
    return plant(place, ours) and holds


def plant(place: Place, before: dict[str, TestStatus]) -> bool:
    """Break the project in one place: we find what pytest, in one process, finds as well."""
    file = place.folder / place.project.file
    text = file.read_text(encoding="utf-8")
    if place.project.right not in text:
        print(f"   {place.project.file} does not hold what was to be broken")
        return False
    file.write_text(text.replace(place.project.right, place.project.wrong, 1), encoding="utf-8")
    try:
        run, _ = place.ours()
        bare, _ = place.bare("-p", "no:xdist")
    finally:
        file.write_text(text, encoding="utf-8")
    now = said_by(run)
    new = [name for name, status in now.items() if status.is_failure and not before.get(name, status).is_failure]
    different = differences(now, named(bare, now))
    print(f"   planted fault: {len(new)} new failures, such as {new[:1]}; differ from pytest's: {len(different)}")
    return bool(new)


def main() -> int:
    """Examine every project; 1 where a gate is missed."""
    options = argparse.ArgumentParser()
    options.add_argument("--only", choices=[project.name for project in PROJECTS])
    options.add_argument("--folder", type=Path)
    options.add_argument("--turns", type=int, default=3)
    told = options.parse_args()
    if told.folder is None and os.environ.get("RECLOSER_FOREIGN") != "1":
        print("skipped: it needs a package index; say RECLOSER_FOREIGN=1 or --folder")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        where = (told.folder or Path(scratch)).resolve()
        projects = [project for project in PROJECTS if told.only in {None, project.name}]
        held = [examine(install(project, where), told.turns) for project in projects]
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())

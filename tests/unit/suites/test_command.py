"""What is started for a suite, and what decides how."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from recloser.suites.command import base_environment, command_line
from recloser.target import Suite


@pytest.mark.parametrize(
    ("command", "runs"),
    [
        (["{python}", "-m", "pytest", "-x"], "pytest"),
        ([".venv/bin/py.test"], "pytest"),
        (["uv", "run", "pytest", "tests"], "pytest"),
        (["npm", "test", "--", "--out={junit}"], "junit"),
        (["make", "pytest-all", "OUT={junit}"], "junit"),
    ],
)
def test_the_runner_is_what_the_command_says(command: list[str], runs: str) -> None:
    """An argument that is pytest, or a path that ends so; everything else writes a JUnit report."""
    suite = Suite.model_validate({"command": command})
    assert suite.runs == runs
    assert Suite.model_validate({"command": [*command, "{junit}"], "runner": "junit"}).runs == "junit"


def test_a_suite_without_a_report_is_refused() -> None:
    """Of a runner that is not pytest, nothing would be known."""
    with pytest.raises(ValidationError, match="has to name {junit}"):
        Suite(command=("npm", "test"))


def test_placeholders_are_filled_in_and_additions_come_before_the_double_dash(tmp_path: Path) -> None:
    """The interpreter is ours, a path below the target, or a name on the path."""
    command = ("{python}", "-m", "pytest", "--junitxml={junit}", "--", "tests")
    junit = Path("report.xml")
    assert command_line(Suite(command=command), tmp_path, junit, ["-x"]) == [
        sys.executable, "-m", "pytest", "--junitxml=report.xml", "-x", "--", "tests",
    ]  # fmt: skip
    assert command_line(Suite(command=command, python="env/bin/python"), tmp_path, junit)[0] == str(
        tmp_path / "env/bin/python"
    )
    assert command_line(Suite(command=command, python="python3.9"), tmp_path, junit)[0] == "python3.9"


def test_a_suite_does_not_inherit_a_test_run_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a suite declares goes before what services tell, and that before our own environment."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    monkeypatch.setenv("A", "ours")
    monkeypatch.setenv("B", "ours")
    environment = base_environment(Suite(command=("pytest",), environment={"C": "suite"}), {"B": "told", "C": "told"})
    assert "PYTEST_XDIST_WORKER" not in environment
    assert (environment["A"], environment["B"], environment["C"]) == ("ours", "told", "suite")


def test_a_performance_suite_has_the_machine_for_itself() -> None:
    """Otherwise there is a worker for each processor, unless the declaration says how many."""
    assert Suite(command=("pytest",)).workers_on(8, "unit") == 8
    assert Suite(command=("pytest",)).workers_on(8, "performance") == 1
    assert Suite(command=("pytest",), workers=3).workers_on(8, "performance") == 3
    assert Suite(command=("pytest",), timeout_s=600).limit_s == 300
    assert Suite(command=("pytest",), timeout_s=600, test_timeout_s=5).limit_s == 5

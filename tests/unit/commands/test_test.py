"""`recloser test` as a person or a script calls it."""

from __future__ import annotations

import json
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from flows.cli import assemble
from recloser.settings import load_settings
from recloser.store import Store
from recloser.values import Cycle, SuiteRun, utc_now
from tests.integration.nightly.conftest import WEB, free_port

if TYPE_CHECKING:
    from pathlib import Path

TARGET = """
name = "demo"
[services.api]
command = ["{python}", "-S", "WEB", "PORT"]
port = PORT

[suites.quick]
tier = "unit"
command = ["{python}", "-m", "pytest", "-p", "no:cacheprovider", "test_quick.py"]
environment = { PYTEST_DISABLE_PLUGIN_AUTOLOAD = "1" }
reruns = 0

[suites.ui]
tier = "e2e"
command = ["{python}", "ui.py", "{junit}", "PORT"]
needs = ["api"]

[suites.extra]
tier = "e2e"
command = ["{python}", "nothing.py", "{junit}"]
critical = false
"""
UI = """
import socket, sys
socket.create_connection(("127.0.0.1", int(sys.argv[2]))).close()
open(sys.argv[1], "w").write('<testsuite><testcase name="a"/></testsuite>')
"""
SHARED = """
[suites.shared]
command = ["{python}", "-m", "pytest", "-p", "no:cacheprovider", "-p", "xdist", "test_quick.py", "-k", "test_a"]
environment = { PYTEST_DISABLE_PLUGIN_AUTOLOAD = "1" }
workers = 2
"""


@pytest.fixture
def port() -> int:
    """Where its service listens."""
    return free_port()


@pytest.fixture
def target(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A target with suites of two tiers."""
    monkeypatch.setenv("RECLOSER_HOME", str(tmp_path / "home"))
    (tmp_path / "recloser.toml").write_text(TARGET.replace("WEB", str(WEB)).replace("PORT", str(port)))
    (tmp_path / "ui.py").write_text(UI)
    (tmp_path / "test_quick.py").write_text("def test_a(): pass\ndef test_b():\n    assert [1, 2] == [1, 3]\n")
    return tmp_path


def run(*words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    result = CliRunner().invoke(assemble("test"), ["test", *words])
    return result.exit_code, result.stdout, result.stderr


def test_a_failure_is_told_with_its_line(target: Path) -> None:
    """The verdict first, then what failed, where and why; what was not asked for is not run."""
    code, out, _ = run(str(target), "--tier", "unit")
    assert code == 1
    lines = out.splitlines()
    assert lines[0].startswith("quick: failed: 1 passed, 1 failed in ")
    assert "  failed test_quick.py::test_b  test_quick.py:3" in lines
    assert "    > assert [1, 2] == [1, 3]" in lines
    assert "ui:" not in out


def test_arguments_are_handed_on_and_json_is_complete(target: Path) -> None:
    """What follows the double dash is for the runner."""
    code, out, _ = run(str(target), "--suite", "quick", "--format", "json", "--", "-k", "test_a")
    assert code == 0
    [suite] = json.loads(out)["suites"]
    assert [attempt["test_id"] for attempt in suite["attempts"]] == ["test_quick.py::test_a"]


def test_what_is_not_critical_changes_no_exit_code(target: Path, port: int) -> None:
    """It is told all the same; the service that a suite needs is up for as long as that takes."""
    code, out, _ = run(str(target), "--tier", "e2e")
    assert code == 0
    assert "ui: passed: 1 passed in " in out
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert "extra: not-verified (not critical)" in out
    assert run(str(target), "--suite", "extra")[0] == 0


def test_a_service_that_is_not_ours_is_used_only_where_that_is_asked_for(target: Path, port: int) -> None:
    """What listens on its port may be anything: a suite that needs the service is not verified, as at night."""
    with socket.create_server(("127.0.0.1", port)):
        code, out, _ = run(str(target), "--suite", "ui")
        assert code == 3
        assert f"service api is not up: port {port}" in out
        assert run(str(target), "--suite", "ui", "--no-services")[0] == 0


def test_what_is_known_of_past_nights_is_used(target: Path) -> None:
    """Tests known to take no time gain nothing from a second process."""
    with (target / "recloser.toml").open("a") as file:
        file.write(SHARED)
    words = (str(target), "--suite", "shared", "--format", "json")
    (first,) = (SuiteRun.model_validate(told) for told in json.loads(run(*words)[1])["suites"])
    cycle = Cycle(cycle_id="c", target="demo", opened_at=utc_now(), code=first.code, environment=first.environment)
    with Store.open(load_settings().database_url) as store:
        store.history.open_cycle(cycle)
        store.history.save_suite_run("c", first)
    (second,) = json.loads(run(*words)[1])["suites"]
    assert (first.workers, second["workers"]) == (2, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tier", "nightly"], "demo has no suite of the tier 'nightly'; declared: quick (tier unit), ui (tier e2e)"),
        (["--suite", "x", "--tier", "unit"], "demo has no suite of the name 'x' and the tier 'unit'"),
        (["--since", "HEAD"], "git cannot say what has changed"),
    ],
)
def test_bad_input_is_one_line(target: Path, words: list[str], said: str) -> None:
    """With an exit code of its own."""
    code, out, err = run(str(target), *words)
    assert (code, out) == (2, "")
    assert err.startswith("recloser: ")
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_since_runs_what_a_change_concerns(target: Path) -> None:
    """Nothing where nothing changed, and only the files that import what did."""

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=target, check=True)

    (target / "app.py").write_text("")
    (target / "test_app.py").write_text("import app\ndef test_app(): pass\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    code, out, err = run(str(target), "--since", "HEAD")
    assert (code, out) == (0, "")
    assert "since HEAD: nothing has changed" in err
    (target / "app.py").write_text("x = 1\n")
    code, out, err = run(str(target), "--tier", "unit", "--since", "HEAD")
    assert "since HEAD: 1 of 2 test files import what changed, or changed themselves" in err
    assert out == "quick: nothing of it is concerned\n"
    assert code == 0

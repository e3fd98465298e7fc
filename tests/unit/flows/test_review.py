"""`recloser review`, as a person types it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli import assemble
from recloser.store import Store
from recloser.values import CycleVerdict, TestStatus
from tests.unit.store.history.conftest import attempt, night, suite_run

HOSTILE = "tests/test_b.py::test_[bold]x[/bold]\x1b[2J"


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A target with a night in May 2026 in which a test with a hostile name failed."""
    url = f"sqlite:///{tmp_path}/recloser.db"
    monkeypatch.setenv("RECLOSER_STORE_URL", url)
    (tmp_path / "recloser.toml").write_text('name = "grid"\n[suites.unit]\ncommand = ["{python}", "-m", "pytest"]\n')
    cycle = night()
    with Store.open(url) as store:
        store.history.open_cycle(cycle)
        store.history.save_suite_run(cycle.cycle_id, suite_run(attempt(HOSTILE, TestStatus.FAILED), attempt("t::a")))
        store.history.close_cycle(cycle.cycle_id, CycleVerdict.RED, "", cycle.opened_at + timedelta(minutes=4))
    return str(tmp_path)


def run(*arguments: str) -> Result:
    """One command; what it raises is raised here."""
    return CliRunner().invoke(assemble("review"), ["review", *arguments], catch_exceptions=False)


def test_the_figures_stand_before_the_lists(target: str) -> None:
    """Metric, value, target, status, one a line; a name is never markup, and nothing acts on the terminal."""
    told = run(target, "--month", "2026-05").output
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert lines[0] == "grid, 2026-05-01 to 2026-05-31: nights 1, green 0"
    assert "tests that fail 1 0 failed" in lines
    assert "pass rate 50.00 % of 2 at least 95 % failed" in lines
    assert "0 of 1 0.00 % unit tests/test_b.py::test_[bold]x[/bold]" in lines
    assert lines.index("figures") < lines.index("failing")
    assert "\x1b" not in told


def test_programs_and_pages_get_the_same(target: str) -> None:
    """JSON holds every list; Markdown begins with the title."""
    document = json.loads(run(target, "--month", "2026-05", "--format", "json").output)
    assert document["tests"]["failed"][0]["test_id"] == HOSTILE
    assert len(document["metrics"]) == 13
    assert run(target, "--month", "2026-05", "--format", "markdown").output.startswith("# The month: grid\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--month", "may"), "'may' is no month: expected one such as 2026-11"), (("--format", "pdf"), "pdf")],
)
def test_bad_input_is_one_message(arguments: tuple[str, ...], said: str, target: str) -> None:
    """Exit code 2."""
    result = run(target, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_unknown_target_is_bad_input(tmp_path: Path) -> None:
    """No store is made for it."""
    result = run(str(tmp_path / "gone"))
    assert result.exit_code == 2
    assert result.stderr.startswith("recloser: unknown target")
    assert not list(tmp_path.iterdir())

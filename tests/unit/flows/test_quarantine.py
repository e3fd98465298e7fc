"""`recloser quarantine`, as a person types it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli import assemble
from recloser.store import Store
from recloser.values import CodeState, CycleVerdict, TestStatus
from tests.unit.store.history.conftest import (  # noqa: F401 - fixtures are asked for by name
    attempt,
    night,
    postgresql_place,
    sqlite_place,
    suite_run,
    url,
)

DECLARED = """\
name = "grid"

[suites.unit]
command = ["{python}", "-m", "pytest"]

[quarantine]
owner = "grid-team"
max_days = 10
"""
FLAKY = "tests/test_a.py::test_x"
HOSTILE = 'tests/test_b.py::test_["[bold]\n\\x"]\x1b[2J'


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A target with one suite."""
    (tmp_path / "recloser.toml").write_text(DECLARED)
    return tmp_path


@pytest.fixture
def nights(url: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811 - a fixture
    """Six nights on two trees, long ago: in four a test fails and then passes; on each database."""
    monkeypatch.setenv("RECLOSER_STORE_URL", url)
    with Store.open(url) as store:
        for number in range(6):
            cycle = night(number)
            code = CodeState(tree=f"t{number % 2}")
            outcome = TestStatus.FAILED if number % 3 else TestStatus.PASSED
            attempts = (attempt(FLAKY, outcome), attempt(FLAKY, number=2), attempt(HOSTILE))
            store.history.open_cycle(cycle.model_copy(update={"code": code}))
            store.history.save_suite_run(cycle.cycle_id, suite_run(*attempts, code=code))
            closed = cycle.opened_at + timedelta(minutes=4)
            store.history.close_cycle(cycle.cycle_id, CycleVerdict.GREEN, "passed", closed)


def run(*arguments: str) -> Result:
    """One command; what it raises is raised here."""
    return CliRunner().invoke(assemble("quarantine"), ["quarantine", *arguments], catch_exceptions=False)


@pytest.mark.usefixtures("nights")
class TestWithNights:
    """What the store knows is used."""

    def test_a_test_is_added_with_its_evidence_listed_and_released(self, target: Path) -> None:
        """A part of its name is enough; who owns it and how long are declared."""
        added = run("add", str(target), "test_x", "--reason", "the clock", "--issue", "https://tracker.example/7")
        assert added.output == f"added: {FLAKY} (suite unit) in {target}/quarantine.toml\n"
        (listed,) = json.loads(run("list", str(target), "--format", "json").output)
        assert (listed["test"], listed["owner"], listed["expired"]) == (FLAKY, "grid-team", False)
        assert listed["evidence"]["failures"] == 4
        assert listed["evidence"]["mixed_states"] == 2
        assert "owner grid-team, https://tracker.example/7\n  the clock\n" in run("list", str(target)).output
        assert run("release", str(target), "test_x").exit_code == 0
        assert run("list", str(target)).output.startswith("nothing is in quarantine")

    def test_why_shows_the_evidence_and_what_would_release_it(self, target: Path) -> None:
        """States, score, rate with its interval and n, change point."""
        told = run("why", str(target), "test_x").output.splitlines()
        assert told[:2] == [f"{FLAKY}  (suite unit, 6 nights)", "  not in quarantine"]
        assert told[3] == "  states: 2, mixed: 2"
        assert "not above the threshold of 1%" in told[4]
        assert "4 of 12 runs where it also passed" in told[5]
        assert told[6].startswith("  change point: ")
        assert told[7].startswith("  verdict: suspect: it passed and failed on the same code")
        assert " of 142 clean runs since it failed at " in told[8]

    def test_why_never_says_that_a_test_is_not_flaky(self, target: Path) -> None:
        """One that always passed has passed too seldom to rule much out."""
        told = run("why", str(target), HOSTILE).output
        assert "0 of 6 runs where it also passed" in told
        assert "  one that fails 1% of the time would pass so often with 94%\n" in told

    def test_why_gives_all_to_a_program(self, target: Path) -> None:
        """The entry, the standings and the way out."""
        run("add", str(target), "test_x", "--reason", "the clock", "--days", "3")
        told = json.loads(run("why", str(target), "test_x", "--format", "json").output)
        assert told["entry"]["reason"] == "the clock"
        assert told["standings"][0]["mixed_states"] == 2
        assert told["release"]["needed_runs"] == 142

    def test_a_hostile_name_is_kept_whole_and_shown_harmlessly(self, target: Path) -> None:
        """It reads back from the file as it is, and does nothing to a terminal."""
        assert run("add", str(target), HOSTILE, "--reason", "odd [link]").exit_code == 0
        shown = run("list", str(target)).output + run("why", str(target), HOSTILE).output
        assert "\x1b" not in shown
        assert "odd [link]" in shown
        (listed,) = json.loads(run("list", str(target), "--format", "json").output)
        assert listed["test"] == HOSTILE


@pytest.fixture
def empty_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that knows nothing."""
    monkeypatch.setenv("RECLOSER_STORE_URL", f"sqlite:///{tmp_path}/recloser.db")


@pytest.mark.usefixtures("empty_store")
class TestWithoutNights:
    """What the store does not know is not made up."""

    def test_a_test_that_never_ran_can_be_added_by_its_suite(self, target: Path) -> None:
        """With no evidence; why says so."""
        assert run("add", str(target), "t::u", "--suite", "unit", "--reason", "no GPU", "--owner", "eve").exit_code == 0
        told = run("why", str(target), "t::u", "--suite", "unit").output
        assert "owner eve" in told
        assert "the store has no outcome of it" in told

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("add", "test_x", "--reason", "r"), "no test 'test_x'"),
            (("add", "t", "--suite", "uint", "--reason", "r"), "suite 'uint' is not declared"),
            (("add", "t", "--suite", "unit", "--reason", "r", "--days", "11"), "at most 10 days"),
            (("add", "t", "--suite", "unit", "--reason", ""), "reason: String should have at least 1"),
            (("add", "t", "--suite", "unit", "--reason", "r", "--owner", ""), "owner: an entry needs somebody"),
            (("release", "t"), "no test in quarantine is called 't'"),
            (("why", "t"), "no test 't'"),
        ],
    )
    def test_bad_input_is_one_message_and_writes_nothing(
        self, arguments: tuple[str, ...], said: str, target: Path
    ) -> None:
        """Exit code 2."""
        command, *rest = arguments
        result = run(command, str(target), *rest)
        assert result.exit_code == 2
        assert said in result.stderr
        assert result.stderr.startswith("recloser: ")
        assert not (target / "quarantine.toml").exists()

    def test_a_broken_file_and_an_unknown_target_are_bad_input(self, target: Path) -> None:
        """Whatever is asked."""
        (target / "quarantine.toml").write_text("[[test")
        assert run("list", str(target)).exit_code == 2
        assert run("list", str(target / "gone")).exit_code == 2

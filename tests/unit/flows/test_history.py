"""`recloser history`, as a person types it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli import assemble
from flows.past_nights import print_trend
from recloser.store import Hold, Store, StoreError
from recloser.values import CycleVerdict, TestAttempt, TestStatus, WeekRow, utc_now
from tests.unit.store.history.conftest import NIGHT, attempt, failure, night, suite_run

HOSTILE = "tests/test_b.py::test_[bold]x[/bold]\x1b[2J"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store that the commands work on."""
    url = f"sqlite:///{tmp_path}/recloser.db"
    monkeypatch.setenv("RECLOSER_STORE_URL", url)
    monkeypatch.setenv("COLUMNS", "40")
    with Store.open(url) as opened:
        yield opened


def broken(test_id: str) -> TestAttempt:
    """An attempt that failed with a hostile message."""
    return attempt(
        test_id, TestStatus.FAILED, failure=failure("[red]no[/red]\x1b]0;title\x07 <residual>"), duration_s=2.5
    )


@pytest.fixture
def nights(store: Store) -> list[str]:
    """Six nights: one test passes, flakes, is skipped and then fails; another has a hostile name."""
    flaky = (broken("tests/test_a.py::test_x"), attempt("tests/test_a.py::test_x", number=2))
    skipped = attempt("tests/test_a.py::test_x", TestStatus.SKIPPED, reason="no GPU")
    stories = [(), (attempt("tests/test_a.py::test_x"),), flaky, (skipped,), (broken("tests/test_a.py::test_x"),)]
    for number, attempts in enumerate([*stories, stories[-1]]):
        cycle = night(number)
        store.history.open_cycle(cycle)
        store.history.save_suite_run(cycle.cycle_id, suite_run(attempt(HOSTILE), *attempts))
        verdict = CycleVerdict.RED if number > 3 else CycleVerdict.GREEN
        closed = cycle.opened_at + timedelta(minutes=4)
        store.history.close_cycle(cycle.cycle_id, verdict, "1 of 2 [link]fails[/link]", closed)
    return [night(number).cycle_id for number in range(6)]


def run(*arguments: str) -> Result:
    """One command; what it raises is raised here."""
    return CliRunner().invoke(assemble("history"), ["history", *arguments], catch_exceptions=False)


def document(*arguments: str) -> Any:
    """What it prints as JSON."""
    return json.loads(run(*arguments, "--format", "json").output)


class TestTest:
    """`recloser history test NAME`."""

    def test_tells_how_it_ended_since_when_and_of_what(self, nights: list[str]) -> None:
        """A mark for each night, the standing, and a line a night with time, fingerprint and message."""
        told = run("test", "test_x").output.splitlines()
        assert told[0] == "tests/test_a.py::test_x  (suite unit)"
        assert told[1].startswith("·✓~-✗✗ ")
        assert told[2] == f"fails since {nights[4]}: 2 nights; passed only when run again in 1 night"
        newest, flaky, skipped = told[4].split(), told[7].split(), told[6]
        assert newest[:5] == [nights[5], "✗", "failed", "✗", "2.5"]
        assert "f-[red]no[/r" in told[4]
        assert "AssertionError: [red]no[/red] <residual>" in told[4]
        assert flaky[:5] == [nights[2], "~", "passed", "✗", "✓"]
        assert "skipped" in skipped
        assert "no GPU" in skipped

    def test_is_harmless_whatever_the_test_is_called(self, nights: list[str]) -> None:
        """A name or a message is never markup, and nothing acts on the terminal; no line is folded in a pipe."""
        told = run("test", "test_b").output
        assert told.startswith("tests/test_b.py::test_[bold]x[/bold]  (suite unit)\n")
        assert f"passes since {nights[0]} or longer: 6 nights\n" in told
        assert "\x1b" not in told + run("test", "test_x").output + run("runs").output + run("slow").output

    def test_gives_all_to_a_program(self, nights: list[str]) -> None:
        """Every attempt with its failure, in JSON."""
        (found,) = document("test", "test_x", "--last", "4")
        assert (found["suite"], found["test_id"], found["weeks"]) == ("unit", "tests/test_a.py::test_x", [])
        assert [one["cycle_id"] for one in found["nights"]] == nights[2:]
        assert [one["status"] for one in found["nights"][0]["attempts"]] == ["failed", "passed"]
        assert found["nights"][0]["attempts"][0]["failure"]["exception"] == "AssertionError"

    def test_suggests_names(self, nights: list[str]) -> None:
        """A name that is not there is answered with those that are near."""
        with pytest.raises(
            StoreError, match="no test 'test_xz' of grid in the store; the nearest names are 'tests/test_a"
        ):
            run("test", "test_xz")

    def test_tells_what_was_pruned_as_weeks(self, store: Store, nights: list[str]) -> None:
        """Old nights are still counted."""
        store.history.prune(night(99).opened_at, keep_cycles=0)
        told = run("test", "test_x").output
        assert "before: passed in 0 of 2 nights from 2026-05-04, kept as weeks only" in told


class TestRuns:
    """`recloser history runs`."""

    def test_lists_the_newest_first(self, nights: list[str]) -> None:
        """Verdict, counts, duration and reason of each night, each on one line."""
        lines = run("runs", "--last", "2").output.splitlines()
        assert len(lines) == 3
        assert lines[1].split()[:9] == [nights[5], "2026-05-09", "02:00", "red", "1", "1", "0", "4", "min"]
        assert "1 of 2 [link]fails[/link]" in lines[1]
        assert [one["cycle_id"] for one in document("runs")] == nights[::-1]
        assert document("runs")[0]["reason"] == "1 of 2 [link]fails[/link]"

    def test_needs_a_target_that_is_there(self, store: Store, nights: list[str]) -> None:
        """Which one, where there are several."""
        store.history.open_cycle(night(0, "other"))
        with pytest.raises(StoreError, match="several targets in the store: name one of 'grid', 'other'"):
            run("runs")
        assert "interrupted" in run("runs", "--target", "other").output
        Hold(store, "other", "tested")
        assert "running" in run("runs", "--target", "other").output
        assert [one["state"] for one in document("runs", "--target", "other")] == ["running"]

    def test_of_nothing_says_so(self, store: Store) -> None:
        """An empty store has no target."""
        with pytest.raises(StoreError, match="nothing has run"):
            run("runs")


def test_slow_ranks_with_a_picture(nights: list[str]) -> None:
    """Median, passes and the nights as bars; the same for a program."""
    assert len(run("slow", "--limit", "1").output.splitlines()) == 3
    assert run("slow").output.splitlines()[3].split()[:6] == ["250", "ms", "×1.00", "6", "██████", "unit"]  # noqa: RUF001 - times
    assert [(one["test_id"], one["median_s"]) for one in document("slow")] == [
        ("tests/test_a.py::test_x", 0.25),
        (HOSTILE, 0.25),
    ]


def test_trend_goes_week_by_week(store: Store, nights: list[str]) -> None:
    """The share of judged tests that passed, and how it moved."""
    store.history.open_cycle(night(7))
    store.history.save_suite_run(night(7).cycle_id, suite_run(attempt("t")))
    newest, first = run("trend").output.splitlines()[1:]
    assert newest.split()[:6] == ["2026-05-11", "1", "1/1", "100.00", "%", "+20.00"]
    assert first.split()[:5] == ["2026-05-04", "6", "8/10", "80.00", "%"]
    assert [(one["monday"], one["pass_rate"]) for one in document("trend", "--last", "1")] == [("2026-05-11", 1.0)]


def test_what_is_not_whole_does_not_look_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """One failure in a hundred thousand is seen."""
    print_trend([WeekRow(monday=NIGHT.date(), cycles=1, passed=99_999, judged=100_000)])
    assert "99.99 %" in capsys.readouterr().out


def test_prune_folds_what_is_old(store: Store) -> None:
    """By age, but for the newest nights."""
    for days in (100, 95, 1):
        cycle = night(days).model_copy(update={"opened_at": utc_now() - timedelta(days=days)})
        store.history.open_cycle(cycle)
        store.history.save_suite_run(cycle.cycle_id, suite_run(attempt("t")))
        store.history.close_cycle(cycle.cycle_id, CycleVerdict.RED, "", utc_now())
    assert run("prune").output == "0 attempts folded into weeks\n"
    assert run("prune", "--keep-cycles", "2").output == "1 attempts folded into weeks\n"
    assert run("prune", "--keep-cycles", "0").output == "1 attempts folded into weeks\n"

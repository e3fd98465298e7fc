"""The end of a night on a terminal."""

from pathlib import Path

import pytest

from flows.nightly_summary import print_night
from recloser.values import CycleReport
from tests.unit.report.nights import a_green_night, a_night, a_storm, with_every_text


def printed(report: CycleReport, capsys: pytest.CaptureFixture[str], page: Path | None = None) -> str:
    """What stands on the terminal."""
    print_night(report, page)
    return capsys.readouterr().out


def test_the_verdict_comes_first_and_the_page_last(capsys: pytest.CaptureFixture[str]) -> None:
    """Between them what failed, of which cause, and where."""
    night = a_night(sent=("1 message to team", "2 issues written"), deliveries=("ops: 1 wait for the next night",))
    lines = printed(night, capsys, Path("nights/n/nightly.html")).strip().splitlines()
    assert lines[0] == "✕ REGRESSION  gridmodel"
    assert lines[-1] == "page: nights/n/nightly.html"
    assert "6 failed · 1,416 passed · 3 not verified · 2 flaky · 2 slower · 6 min 36 s in all" in lines
    assert "✕ new: AssertionError: residual 0.0312 MW at bus 14, at most 1e-06 is allowed" in lines
    assert "    suspect: 1f3a9c02b7 of 2026-11-20 by Ada: Solve without the slack bus" in "\n".join(lines)
    residual = "AssertionError: residual 0.0312 MW at bus 14, at most 1e-06 is allowed"
    assert f"! one problem, co-failing: 6 failed tests, seen in 4 of 60 nights: {residual}" in lines
    assert "sent: 1 message to team, 2 issues written" in lines
    assert "✕ not delivered: ops: 1 wait for the next night" in lines
    assert "  ? suite performance: service worker was given up: it crashed 5 times in 60 s" in lines


def test_a_green_night_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Verdict, reason, numbers, suites."""
    out = printed(a_green_night(), capsys)
    assert "✓ PASSED  gridmodel" in out
    assert "Not verified" not in out
    assert len(out.splitlines()) < 12


def test_a_storm_does_not_scroll_the_verdict_away(capsys: pytest.CaptureFixture[str]) -> None:
    """What is left out is counted."""
    out = printed(a_storm(causes=500), capsys)
    assert "and 492 more causes, in nightly.json" in out
    assert len(out.splitlines()) < 80


def test_no_text_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """No control character, no markup of Rich."""
    out = printed(with_every_text(a_night(), "a\x1b[2J\x07\r\u202e[bold]b[/bold]"), capsys)
    assert not set(out) & set("\x1b\x07\r\u202e")
    assert "[bold]b[/bold]" in out

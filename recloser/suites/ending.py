"""How a run of pytest ended, in words: why that was before its end, and what its exit code says that no test does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recloser.suites.launch import how_it_died

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.suites.judge import Tally
    from recloser.suites.launch import Launched
    from recloser.suites.rounds import Rounds

_INTERRUPTED, _INTERNAL, _NO_TESTS = 2, 3, 5
_LAST_LINES = 40
_NOISE = re.compile("(ERROR: )?usage:|rootdir:|inifile:|configfile:")


def early(rounds: Rounds) -> str:
    """Why the last launch, or the next one, never came to its end by itself; empty where that is not known."""
    last = rounds.whole[-1]
    if last.cut_short or rounds.broken:
        return last.cut_short or rounds.broken
    return str(last.tape.finish["early"]) if last.tape.finish else ""


def ended_how(rounds: Rounds, counts: Tally) -> tuple[str, str]:
    """Why it ended before its end, and what its exit code says that no test does."""
    last = rounds.whole[-1]
    if last.cut_short or rounds.broken:
        return last.cut_short or rounds.broken, ""
    if last.tape.session is None:
        return "", f"it ended with exit code {last.exit_code} before any test: {said(last.output)}"
    if last.tape.finish is None:
        return (how_it_died(last.exit_code) if rounds.left() or last.tape.collected is None else ""), ""
    return _finished_how(last, last.tape.finish["early"], counts)


def _finished_how(last: Launched, why: str, counts: Tally) -> tuple[str, str]:
    code, words = last.exit_code or 0, said(last.output)
    if code == _INTERRUPTED:
        return f"pytest was interrupted: {why or words}", ""
    if code == _INTERNAL:
        return f"pytest had an internal error: {words}", ""
    if code == _NO_TESTS:
        return "", "" if counts.skipped else "no tests were collected"
    if code and not counts.failed and not counts.flaky:
        return why, without_a_failure(code, last.output)
    return why, ""


def without_a_failure(exit_code: int, output: str) -> str:
    """What is said of a runner that is not content, though its tests are."""
    return f"it ended with exit code {exit_code}, though no test failed: {said(output)}"


def said(output: str) -> str:
    """The line of what a runner printed that says what went wrong: the last that names an error, or else the last."""
    lines = [line.strip() for line in output.splitlines()[-_LAST_LINES:] if line.strip()]
    errors = [
        line for line in lines if re.search(r"(?i)error\b|\bno module\b|cannot be", line) and not _NOISE.match(line)
    ]
    return (errors or lines or ["it said nothing"])[-1]


def refused(error: OSError, scratch: Path) -> str:
    """What the machine refused; a write that fails does not say where, and that is where notes are kept."""
    return str(error) if error.filename else f"{error.strerror}: {str(scratch)!r}"

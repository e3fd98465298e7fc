"""`recloser heal` at a terminal: the live line, and the question that `manual` asks."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Optimo

pytestmark = pytest.mark.sandbox

RECLOSER = str(Path(sys.executable).parent / "recloser")
LIMIT_S = 240


class Terminal:
    """A command with a terminal of its own, read and typed into as a person would."""

    def __init__(self, *command: str, home: Path) -> None:
        self._ours, theirs = pty.openpty()
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "160", "PREFECT_HOME": str(home)}
        environment.pop("NO_COLOR", None)
        self._process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        self.screen = ""

    def until(self, words: str, times: int = 1) -> None:
        """Read until something is shown so many times."""
        deadline = time.monotonic() + LIMIT_S
        while self.screen.count(words) < times:
            assert time.monotonic() < deadline, self.screen
            if not self._read():
                raise AssertionError(f"ended without showing {words!r}:\n{self.screen}")

    def _read(self) -> bool:
        if not select.select([self._ours], [], [], 1)[0]:
            return True
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # Linux says EIO when the other side has closed
            return False
        self.screen += data.decode(errors="replace")
        return bool(data)

    def type(self, words: str) -> None:
        """Answer."""
        os.write(self._ours, f"{words}\n".encode())

    def wait(self) -> int:
        """Read the rest and return the exit code."""
        while self._read():
            if self._process.poll() is not None and not select.select([self._ours], [], [], 0)[0]:
                break
        os.close(self._ours)
        return self._process.wait(LIMIT_S)


def test_a_person_is_asked_and_decides(optimo: Optimo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact change is shown; an answer that is none is asked again; one outside the guardrails needs a reason."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    optimo.inject("missing-environment", "permission-outside")
    terminal = Terminal(RECLOSER, "heal", str(optimo.folder), "--fix-mode", "manual", home=tmp_path / "prefect")
    terminal.until("Apply this change? [apply/skip/stop]")
    assert "set OPTIMO_OUTPUT_DIR" in terminal.screen
    assert "+OPTIMO_OUTPUT_DIR" in terminal.screen
    terminal.type("perhaps")
    terminal.until("one of apply, skip, stop")
    terminal.type("apply")
    terminal.until("lies outside the target's permission boundary")
    terminal.until('+        "arn:aws:s3:::optimo-archive/inputs/case14/')
    for asked, why in enumerate(("", "the archive is ours"), start=1):
        terminal.until("Apply this change? [apply/skip/stop]", times=2 + asked)
        terminal.type("apply")
        terminal.until("Why is it right here?", times=asked)
        terminal.type(why)
    terminal.until("HEALED")
    assert terminal.wait() == 0
    assert "2 manual interventions" in terminal.screen
    assert ": the archive is ours" in optimo.incidents()[0].changes[-1].note

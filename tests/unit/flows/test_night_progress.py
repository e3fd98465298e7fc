"""What a night shows in the Prefect UI, and what it says where it cannot."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

import httpx
import pytest

import tasks.nightly
from flows.night_console import TerminalNightNarrator
from recloser.report import ReportError
from recloser.values import Judgement
from tests.unit.report.nights import a_night

if TYPE_CHECKING:
    from pathlib import Path


def test_a_prefect_server_that_is_gone_is_asked_once_and_ends_no_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that runs a suite moves the bar: what it raised would end the suite, and each call may wait long."""
    asked = []

    def nobody(*_: object, **__: object) -> NoReturn:
        asked.append(1)
        raise httpx.ConnectError("nobody listens")

    monkeypatch.setattr(tasks.nightly, "create_progress_artifact", lambda *_, **__: UUID(int=1))
    monkeypatch.setattr(tasks.nightly, "update_progress_artifact", nobody)
    night: Any = SimpleNamespace(stages=("suite/unit", "suite/e2e"), label="little")
    bar = tasks.nightly.Progress(night)
    bar.moved("suite/unit", 1, 1)
    bar.ended("suite/unit", Judgement.PASSED, "")
    assert asked == [1]


def test_the_bar_is_full_at_the_end_of_a_night_that_was_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the killed night had done is not done again, and so moves no bar."""
    shown: list[float] = []
    monkeypatch.setattr(tasks.nightly, "create_progress_artifact", lambda *_, **__: UUID(int=1))
    monkeypatch.setattr(tasks.nightly, "update_progress_artifact", lambda _, *, progress: shown.append(progress))
    night: Any = SimpleNamespace(stages=("suite/unit", "suite/e2e"), label="little")
    bar = tasks.nightly.Progress(night)
    bar.ended("suite/e2e", Judgement.PASSED, "")
    bar.closed(a_night())
    assert shown == [50, 100]


def test_a_page_that_cannot_be_written_is_said_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The verdict stands; whoever looks for the page reads why there is none."""
    (tmp_path / "nights").write_text("a file where the folder of all nights should be")
    night: Any = SimpleNamespace(folder=tmp_path / "nights" / "x", suite_runs=(), narrator=TerminalNightNarrator())
    with pytest.raises(ReportError):
        tasks.nightly.write_page.fn(night, a_night())
    told = capsys.readouterr().err
    assert "page  the night's report cannot be written" in told
    assert "the next night tries again" in told

"""The night's bar in the Prefect UI."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

import httpx

import tasks.nightly
from recloser.values import Judgement

if TYPE_CHECKING:
    import pytest


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

"""A hold on a target, as another machine sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recloser.healing import holding
from recloser.healing.holding import Hold
from recloser.processes import wait_until
from recloser.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(f"sqlite:///{tmp_path / 'recloser.db'}") as store:
        yield store


def last_seen(store: Store) -> datetime:
    """When whoever asks from elsewhere is told that the holder was seen last."""
    told: list[datetime] = []

    def is_gone(_: str, seen_at: datetime) -> bool:
        told.append(seen_at)
        return False

    assert store.hold("grid tested", "elsewhere|1|0.00|0", is_gone=is_gone) is not None
    return told[0]


def test_a_silent_night_is_seen_to_live(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a suite runs for an hour nothing else is written; without this, another machine would take it for dead."""
    monkeypatch.setattr(holding, "_RENEW_S", 0.01)
    hold = Hold(store, "grid", "tested")
    first = last_seen(store)
    with hold.kept():
        assert wait_until(lambda: last_seen(store) > first, 30)
    hold.release()
    assert store.hold("grid tested", "elsewhere|1|0.00|0", is_gone=lambda *_: False) is None

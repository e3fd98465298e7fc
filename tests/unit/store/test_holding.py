"""A hold on a target, as another machine sees it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from recloser.processes import wait_until
from recloser.store import HeldError, Hold, Store, holding, is_held

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


def test_it_is_known_whether_somebody_tests_it_now(store: Store) -> None:
    """A living process does until it lets go; one that is gone does not, though nobody has let go for it."""
    assert not is_held(store, "grid", "tested")
    hold = Hold(store, "grid", "tested")
    assert is_held(store, "grid", "tested")
    assert not is_held(store, "grid")
    with pytest.raises(HeldError, match="target 'grid' is being tested by process"):
        Hold(store, "grid", "tested")
    hold.release()
    store.hold("grid tested", f"{socket.gethostname()}|1|0.00|0", is_gone=lambda *_: False)
    assert not is_held(store, "grid", "tested")

"""A night that did not run: who is told, once, and when it is over."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recloser.nightly.heartbeat import check_heartbeat, send_waiting
from recloser.notify import Receivers, receivers_of
from recloser.store import Store
from recloser.target import System
from recloser.values import CycleVerdict, DeliveryState
from tests.unit.nightly.nights import cycle
from tests.unit.store.history.conftest import postgresql_place, sqlite_place, url  # noqa: F401 - fixtures

MORNING = datetime(2026, 11, 16, 8, tzinfo=UTC)
"""After the night of `cycle()`, which began at two."""
DECLARED = {"name": "gridmodel", "alerts": {"expected_by": "07:00"}}


@pytest.fixture
def store(url: str) -> Iterator[Store]:  # noqa: F811 - a fixture
    """A store without a night, on each database."""
    with Store.open(url) as opened:
        yield opened


@pytest.fixture
def target(tmp_path: Path) -> System:
    """A target that expects a result by seven; notices are files."""
    return System.model_validate(DECLARED | {"folder": tmp_path})


@pytest.fixture
def receivers(target: System, tmp_path: Path) -> Receivers:
    """Files below the test's folder."""
    return receivers_of(target, {}, tmp_path)


def test_a_night_that_left_no_result_is_told_once_and_its_end_too(
    store: Store, target: System, receivers: Receivers
) -> None:
    """The same check twice adds nothing; a result ends the alert."""
    missing = check_heartbeat(target, store, receivers, MORNING)
    assert missing is not None
    assert "there is none at all" in missing.text
    assert check_heartbeat(target, store, receivers, MORNING) == missing
    send_waiting(target, store, receivers)
    (told,) = store.outbox.deliveries(target.name)
    assert told.state is DeliveryState.DELIVERED
    night = cycle(1, target=target.name)
    store.history.open_cycle(night)
    store.history.close_cycle(night.cycle_id, CycleVerdict.RED, "", night.opened_at + timedelta(hours=1))
    assert check_heartbeat(target, store, receivers, MORNING + timedelta(days=1)) is None
    send_waiting(target, store, receivers)
    assert len(store.outbox.deliveries(target.name)) == 2


def test_a_night_that_ran_is_told_to_nobody(store: Store, target: System, receivers: Receivers) -> None:
    """Whatever its verdict; one that was begun and died is no result."""
    night = cycle(0, target=target.name)
    store.history.open_cycle(night)
    died = check_heartbeat(target, store, receivers, MORNING)
    assert died is not None
    assert f"{night.cycle_id} was begun and did not end" in died.text
    store.history.close_cycle(night.cycle_id, CycleVerdict.NOT_VERIFIED, "", MORNING - timedelta(hours=1))
    assert check_heartbeat(target, store, receivers, MORNING + timedelta(minutes=1)) is None


def test_where_no_night_is_expected_nothing_is_written(store: Store, tmp_path: Path, receivers: Receivers) -> None:
    """Nobody waits for it."""
    silent = System.model_validate({"name": "gridmodel", "folder": tmp_path})
    assert check_heartbeat(silent, store, receivers, MORNING) is None
    assert store.outbox.deliveries() == ()

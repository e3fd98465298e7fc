"""The alarm that nothing came."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recloser.notify import heartbeat_due, heartbeat_facts
from recloser.target import System
from recloser.values import CodeState, Cycle, CycleVerdict, Environment
from tests.fakes.slack import FakeSlack
from tests.unit.notify.nights import FIRST, Office, tell

FRIDAY = datetime(2026, 11, 6, 2, 30, tzinfo=UTC)
BY = {"expected_by": "07:00", "expected_on": ["mon", "tue", "wed", "thu", "fri"]}


def cycle(closed_at: datetime | None, opened_at: datetime = FRIDAY) -> Cycle:
    """A night of which this is left."""
    return Cycle(
        cycle_id=f"{opened_at:%Y%m%d-%H%M%S}",
        target="demo",
        opened_at=opened_at,
        closed_at=closed_at,
        verdict=None if closed_at is None else CycleVerdict.GREEN,
        code=CodeState(tree="t"),
        environment=Environment(environment_id="e", python="3", platform="p", machine="m", cpus=1),
    )


def declared(folder: Path, **alerts: Any) -> System:
    """A target with this schedule."""
    return System.model_validate({"name": "demo", "folder": folder, "alerts": alerts})


@pytest.mark.parametrize(
    ("after", "is_missing"),
    [
        (timedelta(hours=4), False),  # Friday 06:30
        (timedelta(hours=5), False),  # Friday 07:30: it came at 02:30
        (timedelta(days=1, hours=5), False),  # Saturday: nobody expects one
        (timedelta(days=3, hours=4), False),  # Monday 06:30: not due yet
        (timedelta(days=3, hours=5), True),  # Monday 07:30
    ],
)
def test_a_night_is_missed_when_it_was_due(after: timedelta, is_missing: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """By the declared time, on the declared days, and not before."""
    found = heartbeat_due([cycle(FRIDAY)], declared(tmp_path, **BY), FRIDAY + after)
    assert (found is not None) == is_missing


def test_it_says_what_was_last_there(tmp_path: Path) -> None:
    """The last result, and the night that began and did not end."""
    monday = FRIDAY + timedelta(days=3)
    found = heartbeat_due([cycle(FRIDAY), cycle(None, monday)], declared(tmp_path, **BY), monday + timedelta(hours=6))
    assert found is not None
    assert found.text == (
        "expected by 2026-11-09 07:00 UTC; the last one is of 2026-11-06 02:30 UTC; "
        "20261109-023000 was begun and did not end"
    )
    assert heartbeat_due([], declared(tmp_path), monday) is None


def test_it_is_told_once_and_over_with_the_next_night(office: Office, slack: FakeSlack) -> None:
    """The check may run as often as it likes; other alerts are none of its business."""
    office.declare(alerts={"expected_by": "07:00"})
    for hours in (5, 6, 7):
        office.clock.at = FIRST + timedelta(hours=hours)
        found = heartbeat_due([], office.target, office.clock.at)
        tell(office.store, office.target, heartbeat_facts(office.target, found, office.clock.at))
        office.send()
    assert len(slack.messages) == 1
    assert "The night left no result" in slack.texts[0]
    office.night(1)
    assert slack.messages[1]["thread_ts"] == slack.messages[0]["ts"]
    assert "1 over" in slack.texts[1]

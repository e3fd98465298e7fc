"""A store, a clock, and fakes of the receivers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recloser.notify.channels.slack import Slack
from recloser.store import Store
from recloser.target import System
from tests.fakes.slack import FakeSlack
from tests.unit.notify.nights import HandClock, Office

TEAM = {"channels": {"team": {"kind": "slack", "channel": FakeSlack.channel}}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store on a fresh file."""
    with Store.open(f"sqlite:///{tmp_path}/recloser.db") as opened:
        yield opened


@pytest.fixture
def clock() -> HandClock:
    """The time, set by hand."""
    return HandClock()


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """Slack on this machine."""
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def team(slack: FakeSlack) -> Slack:
    """The way to it."""
    return Slack(slack.channel, slack.token, url=slack.url, timeout_s=1)


@pytest.fixture
def office(tmp_path: Path, store: Store, team: Slack, clock: HandClock) -> Office:
    """A target whose alerts go to Slack."""
    declared = {"name": "demo", "folder": tmp_path, "notify": TEAM, "issues": {"enabled": False}}
    return Office(store, System.model_validate(declared), {"team": team}, clock)

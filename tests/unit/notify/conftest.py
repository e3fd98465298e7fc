"""A store, a clock, and fakes of the receivers."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from recloser.notify.channels.slack import Slack
from recloser.store import Store
from recloser.target import System
from tests.fakes.slack import FakeSlack
from tests.unit.notify.nights import HandClock, Office

TEAM = {"channels": {"team": {"kind": "slack", "channel": FakeSlack.channel}}}


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty store: copying it is quicker than making the schema for each test."""
    file = tmp_path_factory.mktemp("store") / "recloser.db"
    Store.open(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    """A store on a fresh file."""
    shutil.copy(empty_store, tmp_path)
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

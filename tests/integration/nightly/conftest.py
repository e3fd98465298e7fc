"""A little system under test: one service, one table, two suites; each can be broken."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recloser.nightly import NightNarrator, open_night
from recloser.settings import Settings
from recloser.store import Store
from recloser.target import load_system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.nightly import Night
    from recloser.target import System
    from recloser.values import CycleReport

WEB = Path(__file__).parents[1] / "services" / "web.py"
_TARGET = """
name = "little"

[triage]
budget_s = 0

[services.api]
command = ["{python}", "-S", "WEB", "{port}", "--status-file", "status"]
port = PORT
url_env = "API_URL"

[data.readings]
file = "readings.csv"
columns = { kw = { type = "number", max = 5 } }

[suites.unit]
command = ["{python}", "-m", "pytest", "-p", "no:cacheprovider", "unit"]
environment = { PYTEST_DISABLE_PLUGIN_AUTOLOAD = "1" }
reruns = 1
workers = 1

[suites.e2e]
command = ["{python}", "-m", "pytest", "-p", "no:cacheprovider", "e2e"]
environment = { PYTEST_DISABLE_PLUGIN_AUTOLOAD = "1" }
needs = ["api"]
data = ["readings"]
reruns = 1
workers = 1
"""
_UNIT = """
import pathlib

def test_sum():
    with pathlib.Path("LOG").open("a") as log:
        log.write("unit\\n")
    assert 1 + 1 == 2

def test_product():
    assert 2 * 2 == 4
"""
_E2E = """
import json, os, pathlib, urllib.request

def test_the_service_is_well():
    with urllib.request.urlopen(os.environ["API_URL"]) as answer:
        assert json.load(answer)["status"] == "ok"

def test_the_table_is_there():
    with pathlib.Path("LOG").open("a") as log:
        log.write("e2e\\n")
    assert pathlib.Path(os.environ["RECLOSER_DATA_READINGS"]).read_text().startswith("kw")
"""


@dataclass
class Little:
    """The target, and nights over it."""

    folder: Path
    settings: Settings
    store: Store
    port: int
    narrator: NightNarrator = field(default_factory=NightNarrator)

    def write(self, file: str, text: str) -> None:
        """Change one of its files."""
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def change(self, file: str, old: str, new: str) -> None:
        """Change a part of one of its files."""
        text = (self.folder / file).read_text()
        assert old in text
        self.write(file, text.replace(old, new))

    def open_system(self) -> System:
        """The target as declared now."""
        return load_system(self.folder)

    def open(self) -> Night:
        """Begin a night."""
        return open_night(str(self.folder), self.store, self.settings, self.narrator)

    def night(self) -> CycleReport:
        """One whole night."""
        with self.open() as night:
            return whole(night)

    @property
    def log(self) -> Path:
        """Where suites write that they have run; outside the target, whose code it would change."""
        return self.folder.parent / "runs.log"

    def ran(self) -> list[str]:
        """Which suites have run, in order."""
        return self.log.read_text().split() if self.log.exists() else []


def whole(night: Night) -> CycleReport:
    """The steps of the flow, one after the other."""
    night.start_services()
    for name in night.system.data:
        night.judge_data(name)
    for batch in night.batches:
        for name in batch:
            night.run_suite(name)
    night.triage()
    night.stop_services()
    return night.close()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def declaration(port: int) -> str:
    """The target's `recloser.toml`."""
    return _TARGET.replace("PORT", str(port)).replace("WEB", str(WEB))


@pytest.fixture
def little(tmp_path: Path) -> Iterator[Little]:
    """The target as it is when all is well."""
    home = tmp_path / "home"
    with Store.open(f"sqlite:///{home / 'recloser.db'}") as store:
        made = Little(tmp_path / "little", Settings(home=home), store, free_port())
        made.write("recloser.toml", declaration(made.port))
        made.write("readings.csv", "kw\n1\n2.5\n")
        made.write("unit/test_unit.py", _UNIT.replace("LOG", str(made.log)))
        made.write("e2e/test_e2e.py", _E2E.replace("LOG", str(made.log)))
        yield made

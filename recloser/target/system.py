"""What every target may declare: services, suites, data sets, thresholds, and who is told.

Everything in it refers to something that is declared as well, so that a night does not end on a misspelt name.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from recloser.target.alerts import Alerts
from recloser.target.base import Declared
from recloser.target.data import DataSet  # noqa: TC001 - pydantic reads the annotations
from recloser.target.notify import Issues, Notify
from recloser.target.quarantine import QuarantineRules
from recloser.target.services import PORT, Name, Service, check_needs, start_order
from recloser.target.suites import Suite, Threshold  # noqa: TC001 - pydantic reads the annotations
from recloser.target.triage import Triage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class System(Declared):
    """One thing under test; with a `[job]` it is a `Target` as well."""

    name: Name
    folder: Path
    """Where `recloser.toml` lies; relative paths in it start here. Filled in when it is read."""
    services: dict[Name, Service] = Field(default_factory=dict)
    suites: dict[Name, Suite] = Field(default_factory=dict)
    data: dict[Name, DataSet] = Field(default_factory=dict)
    thresholds: dict[str, Threshold] = Field(default_factory=dict)
    triage: Triage = Triage()
    alerts: Alerts = Alerts()
    notify: Notify = Notify()
    issues: Issues = Issues()
    quarantine: QuarantineRules = QuarantineRules()

    @model_validator(mode="after")
    def _what_is_needed_is_declared(self) -> Self:
        start_order(self.services)
        for user, needs in self._users():
            check_needs(user, needs, self.services)
        for name, suite in self.suites.items():
            if unknown := sorted(set(suite.data) - set(self.data)):
                raise ValueError(f"suites.{name} needs data {unknown[0]!r}, which is not declared")
        for name, asked in self._asked():
            if self.services[asked].port is None or self.services[asked].postgresql:
                raise ValueError(f"data.{name} asks {asked!r}, which declares no `port` that speaks HTTP")
        return self

    def _users(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        yield from ((f"suites.{name}", suite.needs) for name, suite in self.suites.items())
        yield from ((f"data.{name}", (asked,)) for name, asked in self._asked())

    def _asked(self) -> Iterator[tuple[str, str]]:
        for name, data in self.data.items():
            if data.request is not None:
                yield name, data.request.service

    def start_order(self) -> tuple[str, ...]:
        """Names of all services, each after those it needs."""
        return start_order(self.services)

    def needed(self, names: Iterable[str]) -> tuple[str, ...]:
        """These services and those that they need, each after what it needs itself."""
        wanted, left = set[str](), list(names)
        while left:
            name = left.pop()
            if name not in wanted:
                wanted.add(name)
                left.extend(self.services[name].needs)
        return tuple(name for name in self.start_order() if name in wanted)

    def why_not_twice(self, suite: Suite) -> str:
        """Why the services that a suite needs cannot run a second time on other ports; empty where they can."""
        if unknown := [name for name in suite.needs if name not in self.services]:
            return f"service {unknown[0]} is not declared there"
        names = self.needed(suite.needs)
        texts = [*suite.command, *suite.environment.values()]
        texts += [text for name in names for text in self.services[name].texts]
        for name in names:
            service = self.services[name]
            if not service.can_move:
                return f"service {name} runs on one port only: fill in `{PORT}` for that, and tell its URL by `url_env`"
            if service.port and any(re.search(rf":{service.port}\b", text) for text in texts):
                return f"the port of service {name} is written out where it is used: leave that to `url_env`"
        return ""

    def path(self, relative: Path) -> Path:
        """Where a path of `recloser.toml` lies on this machine."""
        return self.folder / PurePosixPath(relative)

"""What every target may declare: services, suites, data sets, thresholds, and who is told.

Everything in it refers to something that is declared as well, so that a night does not end on a misspelt name.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from recloser.target.alerts import Alerts
from recloser.target.base import Declared
from recloser.target.data import DataSet  # noqa: TC001 - pydantic reads the annotations
from recloser.target.notify import Issues, Notify
from recloser.target.quarantine import QuarantineRules
from recloser.target.services import Name, Service, check_needs, start_order
from recloser.target.suites import Suite, Threshold  # noqa: TC001 - pydantic reads the annotations
from recloser.target.triage import Triage

if TYPE_CHECKING:
    from collections.abc import Iterator


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

    def path(self, relative: Path) -> Path:
        """Where a path of `recloser.toml` lies on this machine."""
        return self.folder / PurePosixPath(relative)

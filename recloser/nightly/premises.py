"""What suites need: services that are up and data that is good; without that, a suite was not verified, not failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from recloser.nightly.data import judge_data, place_of_data, variable_of
from recloser.values import Judgement

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from recloser.services import Supervisor
    from recloser.target import Suite, System
    from recloser.values import DataRun, ServiceRun


class Premises:
    """The services and the data of a target, while its suites run."""

    def __init__(
        self, system: System, supervisor: Supervisor, *, cache: Path, folder: Path, judged: Iterable[DataRun] = ()
    ) -> None:
        """Begin with what is known; nothing is started.

        Args:
            system: The target.
            supervisor: Runs its services.
            cache: Where datasets are made, and found again.
            folder: Where the pages of data sets are written.
            judged: Data sets that need not be judged again.
        """
        self._system = system
        self._supervisor = supervisor
        self._cache = cache
        self._folder = folder
        self._data = {run.name: run for run in judged}

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the services that were started."""
        self.stop()

    @property
    def services(self) -> tuple[ServiceRun, ...]:
        """What each service that was asked for has come to so far."""
        return self._supervisor.results()

    @property
    def data(self) -> tuple[DataRun, ...]:
        """The data sets that were judged."""
        return tuple(self._data.values())

    def start(self, names: Iterable[str] | None = None) -> None:
        """Start services that are not running, dependencies first; what cannot be started is a result.

        Args:
            names: Those that are wanted; None is all.

        Raises:
            ServicesError: Nothing can be recorded.
        """
        self._supervisor.start(names)

    def stop(self) -> None:
        """Stop what was started; may be repeated."""
        self._supervisor.stop()

    def judged(self, name: str) -> DataRun | None:
        """How a data set was judged, if it was."""
        return self._data.get(name)

    def judge(self, name: str) -> DataRun:
        """Make or fetch a data set, and judge it."""
        down = {service: why for service in self._system.services if (why := self._not_ready(service))}
        self._data[name] = judge_data(self._system, name, down=down, cache=self._cache, folder=self._folder)
        return self._data[name]

    def why_not(self, suite: Suite) -> str:
        """Why a suite cannot be judged; empty where it can."""
        for service in suite.needs:
            if why := self._not_ready(service):
                return why
        for name in suite.data:
            judged = self._data.get(name)
            if judged is None:
                return f"data {name} was not judged"
            if judged.judgement is not Judgement.PASSED:
                return f"data {name} is not good: {judged.reason}"
        return ""

    def variables(self, suite: Suite) -> dict[str, str]:
        """Where a suite finds the services and the data that it needs; may hold passwords."""
        places = {name: place_of_data(self._system, name, cache=self._cache) for name in suite.data}
        found = {variable_of(name): str(place) for name, place in places.items() if place is not None}
        return self._supervisor.environment(suite.needs) | found

    def _not_ready(self, name: str) -> str:
        """Why a service cannot be asked; empty where it can."""
        for run in self.services:
            if run.name == name and run.judgement is not Judgement.PASSED:
                return f"service {name} is not up: {run.reason}"
        return ""

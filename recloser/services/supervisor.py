"""The services of a target while it is tested: the door of this room."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Self

from recloser.services.errors import NotStartedError, ServicesError
from recloser.services.launcher import Site
from recloser.services.records import Records, sweep
from recloser.services.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from recloser.target import System
    from recloser.values import ServiceRun


class Supervisor:
    """Keeps services up from `start` to `stop`; nothing it started outlives it, not even where it is killed."""

    def __init__(
        self,
        system: System,
        *,
        home: Path,
        log_dir: Path | None = None,
        python: str = sys.executable,
        ambient: Mapping[str, str] | None = None,
    ) -> None:
        """Name the services; nothing is started.

        Args:
            system: The target that declares them.
            home: Folder of Recloser on this machine; what runs is recorded below it, in `services/TARGET`.
            log_dir: Where each writes `NAME.log`; by default below that record.
            python: What `{python}` stands for in commands.
            ambient: Environment that services may inherit from; by default ours.
        """
        root = home.expanduser().absolute() / "services" / system.name
        self._system = system
        self._site = Site(
            folder=system.folder,
            records=Records(root),
            log_dir=log_dir.absolute() if log_dir is not None else root / "logs",
            python=python,
            ambient=dict(os.environ if ambient is None else ambient),
        )
        self._watches: dict[str, Watch] = {}
        self._one_at_a_time = threading.Lock()
        self._stopped = False

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self, names: Iterable[str] | None = None) -> None:
        """Start services and what they need, or adopt what is ours and healthy; return when each is up or given up.

        What cannot be started raises nothing: `results` say why, and what does not need it is started all the same.

        Args:
            names: Those that are wanted; None is all. Those that run already are left alone.

        Raises:
            ServicesError: There is no such service, `stop` was called, or nothing can be recorded.
        """
        if self._stopped:
            raise ServicesError("the services of this run were stopped; begin another run")
        try:
            self._site.records.create()
        except OSError as error:
            raise ServicesError(f"{self._site.records.root} cannot be made: {error.strerror}") from error
        self._sweep()
        asked = self._with_needed(self._system.services if names is None else names)
        with self._one_at_a_time:
            for name in asked:
                self._watch(name)
        for name in asked:
            self._watches[name].wait_settled()

    def ready(self, name: str) -> bool:
        """Whether a service is up right now; one that was never started, or cannot be asked, is not."""
        return name in self._watches and self._watches[name].up

    def environment(self, needs: Iterable[str]) -> dict[str, str]:
        """What those who need these services are told: the URL of each, by its `url_env`; may hold passwords."""
        watches = [self._watches[name] for name in needs if name in self._watches]
        return {watch.url_env: watch.url for watch in watches if watch.url_env is not None and watch.up}

    def results(self) -> tuple[ServiceRun, ...]:
        """What each service that was asked for has come to so far, in the order they are started in."""
        return tuple(watch.result() for watch in self._watches.values())

    def stop(self) -> None:
        """End what was started, each after those that need it; may be repeated, and what was adopted goes on."""
        self._stopped = True
        for watch in self._watches.values():
            watch.ask_to_stop()
        for watch in self._watches.values():
            watch.wait_over()

    def _sweep(self) -> None:
        """End what a killed run left, of services that are not asked for or not declared any more as well."""
        records = self._site.records
        for name in set(records.names()) - set(self._watches):
            with records.alone(name) as alone, contextlib.suppress(NotStartedError):
                if alone:
                    sweep(records, name)

    def _watch(self, name: str) -> None:
        if name not in self._watches:
            service = self._system.services[name]
            needed = [self._watches[other] for other in service.needs]
            self._watches[name] = Watch(name, service, self._site, needed)

    def _with_needed(self, names: Iterable[str]) -> tuple[str, ...]:
        asked, services = tuple(names), self._system.services
        if unknown := [name for name in asked if name not in services]:
            declared = ", ".join(services) or "none"
            raise ServicesError(f"{self._system.name} declares no service {unknown[0]!r}; there are: {declared}")
        return self._system.needed(asked)

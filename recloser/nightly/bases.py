"""The code of good nights beside tonight's: checked out, and with services of its own where a suite needs them."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from recloser.nightly.errors import NightlyError
from recloser.nightly.worktree import checked_out
from recloser.services import ServicesError, Supervisor, free_port
from recloser.target import TargetError, load_system

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from recloser.target import Service, System
    from recloser.values import Cycle, Probe


@dataclass(frozen=True)
class Base:
    """The code of a good night, where a suite of tonight can be run on it."""

    folder: Path
    """Of the target, as it was."""
    told: tuple[str, ...] = ()
    """The services that the suite is told of, as it is tonight."""
    needs: tuple[str, ...] = ()
    """These, and those that they need."""
    supervisor: Supervisor | None = None
    """Runs them; they run that code as well."""

    def environment(self) -> dict[str, str]:
        """Where its services are found, and its code before what is installed; may hold passwords."""
        urls = self.supervisor.environment(self.told) if self.supervisor else {}
        return urls | _imports_from(self.folder)

    def trouble(self) -> str:
        """Which of its services fell; what was tried meanwhile says nothing. Empty while all are well."""
        if self.supervisor is None:
            return ""
        for run in self.supervisor.results():
            if run.name in self.needs and (run.restarts or not self.supervisor.ready(run.name)):
                return f"service {run.name} is not up there: {run.reason or 'it was started again'}"
        return ""


class Bases:
    """What was checked out and started for the questions of one night; all of it is gone at the end."""

    def __init__(self, system: System, cycle: Cycle, greens: Sequence[Cycle], folder: Path) -> None:
        """Know where good code is; nothing is checked out or started before it is asked for.

        Args:
            system: What is under test, as it is declared tonight.
            cycle: This night.
            greens: The last good nights, the newest first.
            folder: Of this night; logs and records of the services at a base are written below it.
        """
        self._system = system
        self._cycle = cycle
        self._greens = tuple(greens)
        self._folder = folder / "base"
        self._places = ExitStack()
        self._checked_out: dict[str, Path | None] = {}
        self._supervisors: dict[str, Supervisor] = {}
        self._notes: dict[str, None] = {}

    def __enter__(self) -> Self:
        """Nothing is there yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what was started, and take away what was checked out."""
        self._places.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be tried at a base, and why."""
        return tuple(self._notes)

    def at(self, probe: Probe) -> Base | None:
        """Where a probe can be run on good code: that of the night it names, or of the last good one; None is nowhere.

        Its services are those that code declares, on free ports beside tonight's.
        """
        names = [green for green in self._greens if green.cycle_id == probe.base] if probe.base else self._greens[:1]
        if not names or not self._system.triage.base or names[0].code.tree == self._cycle.code.tree:
            return None
        try:
            folder = self._code_of(names[0])
            return None if folder is None else self._standing(probe.suite, folder)
        except (NightlyError, ServicesError, TargetError) as error:
            self.note(f"base: suite {probe.suite} was not tried at it: {error}")
            return None

    def note(self, note: str) -> None:
        """Say once what could not be tried."""
        self._notes[note] = None

    def _code_of(self, good: Cycle) -> Path | None:
        commit = good.code.commit
        if commit is None or good.code.dirty:
            self.note(f"base: night {good.cycle_id} was green on code that is in no commit")
            return None
        if commit not in self._checked_out:
            self._checked_out[commit] = None  # it is not tried again where that fails
            self._checked_out[commit] = self._places.enter_context(checked_out(self._system.folder, commit))
        return self._checked_out[commit]

    def _standing(self, suite: str, folder: Path) -> Base:
        """The code with what the suite needs of it up.

        Raises:
            NightlyError: Not everything that it needs can run there.
            ServicesError: As above.
            TargetError: What is declared there cannot be read.
        """
        declared = self._system.suites[suite]
        if not declared.needs:
            return Base(folder)
        there = load_system(folder)
        if why := there.why_not_twice(declared):
            raise NightlyError(why)
        supervisor = self._supervisor(there)
        supervisor.start(declared.needs)
        base = Base(folder, declared.needs, there.needed(declared.needs), supervisor)
        if why := base.trouble():
            raise NightlyError(why)
        return base

    def _supervisor(self, there: System) -> Supervisor:
        """Runs the services of a base, of which there may be several: a series is timed against the night before it."""
        key = str(there.folder)
        if key not in self._supervisors:
            moved = {name: _moved(service, there.folder) for name, service in there.services.items()}
            home = self._folder / str(len(self._supervisors) + 1)
            supervisor = Supervisor(there.model_copy(update={"services": moved}), home=home)
            self._supervisors[key] = self._places.enter_context(supervisor)
        return self._supervisors[key]


def _moved(service: Service, folder: Path) -> Service:
    """The same on another port, and on the code of this folder whatever is installed."""
    port = service.port and free_port()
    imports = {} if service.postgresql else _imports_from(folder)
    return service.model_copy(update={"port": port, "environment": imports | service.environment})


def _imports_from(folder: Path) -> dict[str, str]:
    """Before what is installed: an editable installation of the head must not stand in for the base."""
    paths = [str(folder), str(folder / "src"), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}

"""`recloser test`: the suites of a target, by the same door the nightly uses."""
# ruff: noqa: PT028 - the function is named after the command; it is no test

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from flows.commands.data_ground import refusals
from flows.suite_summary import tell
from recloser.errors import RecloserError
from recloser.services import Supervisor
from recloser.settings import load_settings
from recloser.store import Store, StoreError
from recloser.store.engine import parse_url, sqlite_file
from recloser.suites import SuiteInterruptedError, changed_since, code_state, environment_of, run_suite, unverified
from recloser.target import load_system
from recloser.values import Judgement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from recloser.nightly.premises import Premises
    from recloser.target import Suite, System
    from recloser.values import SuiteRun

_INTERRUPTED = 130
_NO_TESTS = 5
"""What pytest says where nothing was left to run."""


class Format(StrEnum):
    """How the outcome is printed."""

    TEXT = "text"
    JSON = "json"


def test(  # noqa: PLR0917 - Typer calls it by name
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Folder that holds recloser.toml, or the file.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[-- PYTEST ARGS]", help="For the runner.")] = None,
    tier: Annotated[str | None, typer.Option(help="Suites of this tier only.")] = None,
    suite: Annotated[str | None, typer.Option(help="This suite only.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="REV", help="Only test files that changed since, or import what changed.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Processes, instead of what is declared.")] = None,
    services: Annotated[bool, typer.Option(help="Start the services that the suites need, and stop them.")] = True,
    output: Annotated[Format, typer.Option("--format", help="json holds every attempt of every test.")] = Format.TEXT,
) -> None:
    """Run the suites of a target, and what failed again; everything that happened is told.

    As at night: services that a suite needs are started or, where `recloser services up` runs them, used; its data is
    judged; the tests that took longest in past nights begin first. Exit codes: 0 passed, 1 failed, 2 there is no such
    target, suite or revision, 3 something could not be judged. A suite that is declared as not critical is told of, and
    changes none of them.
    """
    with refusals():
        system = load_system(target)
        suites = _chosen(system, tier, suite)
        selection = changed_since(system.folder, since) if since is not None else None
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if selection is not None:
        console.print(f"since {since}: {selection.why}", markup=False)
    if selection is not None and selection.files == ():
        raise typer.Exit(0)
    files = None if selection is None or selection.files is None else [str(file) for file in selection.files]
    with refusals(), _premises(system, suites.values(), start=services) as premises:
        asked = _Asked(system, premises, files, workers, arguments or ())
        runs, interrupted = _run(suites, asked, console)
    concerned = [run for run in runs if since is None or run.exit_code != _NO_TESTS]
    if output is Format.JSON:
        told = {"target": system.name, "suites": [run.model_dump(mode="json") for run in runs]}
        typer.echo(json.dumps(told))
    else:
        for run in runs:
            typer.echo(tell(run) if run in concerned else f"{run.suite}: nothing of it is concerned")
    raise typer.Exit(_INTERRUPTED if interrupted else _exit_code(concerned))


def _chosen(system: System, tier: str | None, named: str | None) -> dict[str, Suite]:
    """The suites that were asked for.

    Raises:
        RecloserError: There are none.
    """
    chosen = {
        name: suite
        for name, suite in system.suites.items()
        if (named is None or name == named) and (tier is None or (suite.tier or name) == tier)
    }
    if chosen:
        return chosen
    there = ", ".join(f"{name} (tier {suite.tier or name})" for name, suite in system.suites.items()) or "none"
    asked = " and ".join(filter(None, [named and f"the name {named!r}", tier and f"the tier {tier!r}"]))
    raise RecloserError(f"{system.name} has no suite of {asked or 'any name'}; declared: {there}")


@dataclass(frozen=True)
class _Asked:
    """What every suite is run with."""

    system: System
    premises: Premises | None
    """None where no suite needs anything."""
    files: list[str] | None
    workers: int | None
    arguments: Sequence[str]


def _run(suites: dict[str, Suite], asked: _Asked, console: Console) -> tuple[list[SuiteRun], bool]:
    """Run one suite after the other; also whether a person ended that."""
    code = code_state(asked.system.folder)
    durations = _durations(asked.system, suites)
    runs: list[SuiteRun] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        for name, suite in suites.items():
            if asked.premises is not None and (why := asked.premises.why_not(suite)):
                environment = environment_of(sys.executable, asked.system.folder)
                runs.append(unverified(name, suite, why, code=code, environment=environment))
                continue
            bar = progress.add_task(name, total=None)
            try:
                runs.append(
                    run_suite(
                        name,
                        suite,
                        asked.system.folder,
                        durations=durations.get(name),
                        workers=asked.workers,
                        arguments=asked.arguments,
                        extra_environment=asked.premises.variables(suite) if asked.premises is not None else {},
                        files=asked.files,
                        code=code,
                        on_progress=_advance(progress, bar),
                    )
                )
            except SuiteInterruptedError as error:
                return [*runs, error.run], True
    return runs, False


def _durations(system: System, suites: Iterable[str]) -> dict[str, dict[str, float]]:
    """How long tests took in past nights; nothing where none was kept, or where that cannot be read."""
    url = load_settings().database_url
    with suppress(StoreError):
        file = sqlite_file(parse_url(url))
        if file is None or file.exists():
            with Store.open(url) as store:
                return {name: store.history.durations(system.name, name) for name in suites}
    return {}


@contextmanager
def _premises(system: System, suites: Iterable[Suite], *, start: bool) -> Iterator[Premises | None]:
    """The data that suites need, judged, and their services, started; they are stopped at the end."""
    needed, data = _needs(system, suites)
    if not needed and not data:
        yield None
        return
    from recloser.nightly.premises import Premises  # noqa: PLC0415 - takes seconds to import, and few suites need any

    home = load_settings().home
    supervisor = Supervisor(system, home=home)
    with (
        tempfile.TemporaryDirectory(prefix="recloser-data-") as folder,
        Premises(system, supervisor, cache=home / "data", folder=Path(folder)) as premises,
    ):
        if start:
            premises.start(needed)
        for name in data:
            premises.judge(name)
        yield premises


def _needs(system: System, suites: Iterable[Suite]) -> tuple[set[str], list[str]]:
    """The services and the data sets that suites need; a data set may be what a service answers."""
    wanted = list(suites)
    data = list(dict.fromkeys(name for suite in wanted for name in suite.data))
    asked = (system.data[name].request for name in data)
    services = {request.service for request in asked if request is not None}
    return services.union(*(suite.needs for suite in wanted)), data


def _advance(progress: Progress, bar: TaskID) -> Callable[[int, int], None]:
    return lambda done, total: progress.update(bar, completed=done, total=total)


def _exit_code(runs: list[SuiteRun]) -> int:
    said = {run.judgement for run in runs if run.critical}
    if Judgement.FAILED in said:
        return 1
    return 3 if Judgement.NOT_VERIFIED in said else 0

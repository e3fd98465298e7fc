"""`recloser test`: the suites of a target, by the same door the nightly uses."""
# ruff: noqa: PT028 - the function is named after the command; it is no test

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from flows.commands.data_ground import refusals
from flows.suite_summary import tell
from recloser.errors import RecloserError
from recloser.suites import SuiteInterruptedError, changed_since, code_state, run_suite
from recloser.target import load_system
from recloser.values import Judgement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    output: Annotated[Format, typer.Option("--format", help="json holds every attempt of every test.")] = Format.TEXT,
) -> None:
    """Run the suites of a target, and what failed again; everything that happened is told.

    Services are not started: a suite that needs some is told where they are declared to listen. Exit codes: 0 passed,
    1 failed, 2 there is no such target, suite or revision, 3 something could not be judged. A suite that is declared
    as not critical is told of, and changes none of them.
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
    runs, interrupted = _run(system, suites, console, files=files, workers=workers, arguments=arguments or ())
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


def _run(
    system: System,
    suites: dict[str, Suite],
    console: Console,
    *,
    files: list[str] | None,
    workers: int | None,
    arguments: Sequence[str],
) -> tuple[list[SuiteRun], bool]:
    """Run one suite after the other; also whether a person ended that."""
    code = code_state(system.folder)
    runs: list[SuiteRun] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        for name, suite in suites.items():
            for line in _needed(system, suite):
                console.print(f"{name} needs {line}", markup=False)
            bar = progress.add_task(name, total=None)
            try:
                runs.append(
                    run_suite(
                        name,
                        suite,
                        system.folder,
                        workers=workers,
                        arguments=arguments,
                        files=files,
                        code=code,
                        on_progress=_advance(progress, bar),
                    )
                )
            except SuiteInterruptedError as error:
                return [*runs, error.run], True
    return runs, False


def _advance(progress: Progress, bar: TaskID) -> Callable[[int, int], None]:
    return lambda done, total: progress.update(bar, completed=done, total=total)


def _needed(system: System, suite: Suite) -> list[str]:
    services = {name: system.services[name] for name in suite.needs}
    return [
        f"the service {name}" + (f" on {service.host}:{service.port}" if service.port else "")
        for name, service in services.items()
    ]


def _exit_code(runs: list[SuiteRun]) -> int:
    said = {run.judgement for run in runs if run.critical}
    if Judgement.FAILED in said:
        return 1
    return 3 if Judgement.NOT_VERIFIED in said else 0

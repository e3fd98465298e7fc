"""`recloser services`: what a target needs to run, by hand."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recloser.services import Supervisor
from recloser.settings import load_settings
from recloser.target import load_system

if TYPE_CHECKING:
    from recloser.values import ServiceRun

app = typer.Typer(no_args_is_help=True, help="The services of a target, by hand.")
_LOOK_S = 0.5

Where = Annotated[Path, typer.Argument(metavar="TARGET", help="Folder that holds recloser.toml, or the file.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[SERVICE]...", help="Those to start; by default all.")]


@app.callback()
def _services() -> None:
    """The services of a target, by hand."""


@app.command()
def up(target: Where = Path(), services: Names = None) -> None:
    """Start services and what they need, and keep them up until Ctrl-C; nothing is left of them then.

    A nightly or a test run meanwhile uses these instead of starting its own. Exit code 1 when none is up at first.
    """
    with Supervisor(load_system(target), home=load_settings().home) as supervisor:
        try:
            supervisor.start(services)
            if not _told_once(supervisor):
                raise typer.Exit(1)
            typer.echo("Ctrl-C ends what was started here")
            _tell_on(supervisor)
        except KeyboardInterrupt:
            typer.echo("Stopping")


def _told_once(supervisor: Supervisor) -> bool:
    for run in supervisor.results():
        _tell(supervisor, run)
        if run.log_tail:
            typer.echo(run.log_tail)
    return any(supervisor.ready(run.name) for run in supervisor.results())


def _tell_on(supervisor: Supervisor) -> None:
    known = _states(supervisor)
    while True:
        time.sleep(_LOOK_S)
        now = _states(supervisor)
        for run in supervisor.results():
            if now[run.name] != known[run.name]:
                _tell(supervisor, run)
        known = now


def _states(supervisor: Supervisor) -> dict[str, tuple[bool, int]]:
    return {run.name: (supervisor.ready(run.name), run.restarts) for run in supervisor.results()}


def _tell(supervisor: Supervisor, run: ServiceRun) -> None:
    if not supervisor.ready(run.name):
        typer.echo(f"{run.name}: not up: {run.reason}")
    elif run.adopted:
        typer.echo(f"{run.name}: up already, kept so by another run")
    elif run.restarts:
        typer.echo(f"{run.name}: up again, started {run.restarts} more times: {run.reason}")
    else:
        typer.echo(f"{run.name}: up after {run.ready_s or 0:.1f} s")

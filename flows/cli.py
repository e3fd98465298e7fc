"""`recloser`: parse, call, report. A known error is one message and a non-zero exit, never a traceback."""

import sys
from importlib import import_module

import typer

from recloser.errors import RecloserError

COMMANDS = (
    "data",
    "diagnose",
    "faults",
    "heal",
    "history",
    "incidents",
    "nightly",
    "notify",
    "policy",
    "quarantine",
    "review",
    "sandbox",
    "services",
    "signatures",
    "test",
)
"""A command is the function, or the `app`, of the module of its name in `flows.commands`."""


def assemble(named: str | None = None) -> typer.Typer:
    """Build the command line.

    Args:
        named: The command that was asked for, if known: only its module is imported, since some take seconds.
    """
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Autonomous testing and self-healing for batch compute.",
    )
    app.callback()(_top)
    for name in (named,) if named in COMMANDS else COMMANDS:
        module = import_module(f"flows.commands.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command()(getattr(module, name))
    return app


def _top() -> None:
    """Autonomous testing and self-healing for batch compute."""


def main() -> None:
    """Run the command line."""
    try:
        assemble(next(iter(sys.argv[1:]), None))()
    except RecloserError as error:
        typer.echo(f"recloser: {error}", err=True)
        sys.exit(1)

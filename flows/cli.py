"""`recloser`: parse, call, report. A known error is one message and a non-zero exit, never a traceback."""

import sys

import typer

from flows.commands import data, faults, heal, incidents, policy, sandbox
from recloser.errors import RecloserError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Autonomous testing and self-healing for batch compute.",
)
app.command()(heal.heal)
app.command()(policy.policy)
app.add_typer(data.app, name="data")
app.add_typer(faults.app, name="faults")
app.add_typer(incidents.app, name="incidents")
app.add_typer(sandbox.app, name="sandbox")


def main() -> None:
    """Run the command line."""
    try:
        app()
    except RecloserError as error:
        typer.echo(f"recloser: {error}", err=True)
        sys.exit(1)

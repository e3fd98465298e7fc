"""`recloser faults`: break a target in the sandbox, to see it healed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from recloser.target import load_target

app = typer.Typer(no_args_is_help=True, help="Faults to break a target in the sandbox with.")

Where = Annotated[str, typer.Option("--target", help="Folder that holds recloser.toml and faults.toml.")]
StateDir = Annotated[
    Path, typer.Option("--state-dir", envvar="RECLOSER_SANDBOX_DIR", help="Where the sandbox keeps its state.")
]
_DEFAULT_TARGET = "examples/optimo"
_DEFAULT_STATE_DIR = Path(".recloser/sandbox")


@app.command("list")
def list_faults(target: Where = _DEFAULT_TARGET) -> None:
    """List the faults a target declares."""
    from recloser.faults import load_faults  # noqa: PLC0415 - boto3 is slow to import

    table = Table("name", "expected", "what is broken", box=None)
    for fault in load_faults(load_target(target)):
        table.add_row(fault.name, fault.expect, Text(fault.about))
    Console().print(table)


@app.command()
def inject(
    names: Annotated[list[str], typer.Argument(help="Names of faults, as `recloser faults list` shows them.")],
    target: Where = _DEFAULT_TARGET,
    state_dir: StateDir = _DEFAULT_STATE_DIR,
) -> None:
    """Put faults in place, all of them or none."""
    from recloser import faults  # noqa: PLC0415
    from recloser.sandbox import Sandbox  # noqa: PLC0415

    declared = load_target(target)
    chosen = [faults.find_fault(declared, name) for name in names]
    for fault in chosen:
        faults.inject(fault, declared, Sandbox(state_dir))
        typer.echo(f"injected {fault.name}: {fault.about}")

"""`recloser data corrupt`: break a good dataset on purpose, to see that it is found."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import Annotated

import typer

from flows.commands.data_ground import import_validation, refusals


def corrupt(
    name: Annotated[str | None, typer.Argument(help="A fault of the catalogue, C01 to C50.")] = None,
    path: Annotated[Path | None, typer.Argument(help="Folder of a good dataset.")] = None,
    out: Annotated[Path | None, typer.Argument(help="Folder to make.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Where and how it is broken.")] = 0,
    show_list: Annotated[bool, typer.Option("--list", help="List the faults.")] = False,
) -> None:
    """Apply a fault of the catalogue to a dataset, and write the result to a new folder.

    Exit codes: 0 it is made, 2 it is not, and nothing is left of it.
    """
    with refusals():
        import_validation()
        from recloser.validation import corruption  # noqa: PLC0415 - slow to import

        if show_list:
            typer.echo("\n".join(f"{fault.name}  {fault.title}" for fault in corruption.FAULTS.values()))
            return
        if name is None or path is None or out is None:
            raise typer.BadParameter("give NAME, PATH and OUT, or --list")
        corruption.corrupt_folder(path, name, out, seed=seed)
        typer.echo(f"{corruption.find_fault(name).title}\nfolder     {out}")

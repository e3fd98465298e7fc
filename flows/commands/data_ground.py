"""What the commands of `recloser data` share: refusals, a bar, and the import of libraries that take their time."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from recloser.errors import RecloserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def refusals() -> Iterator[None]:
    """What cannot be done is one message and exit code 2, apart from an answer that is no."""
    try:
        yield
    except RecloserError as error:
        typer.echo(f"recloser: {error}", err=True)
        raise typer.Exit(2) from None


def import_grid() -> Any:
    """The grid's package, with numpy on one thread."""
    # One thread is faster here than many that wait for each other, and its bits do not depend on the machine's cores.
    # OpenBLAS reads this once, when numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from recloser import grid  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise RecloserError(
            f"{error.name} is not installed; grid datasets need `pip install 'recloser[grid]'`."
        ) from error
    return grid


def import_validation() -> Any:
    """The package of validation, whose libraries are slow to import."""
    import_grid()
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    try:
        from recloser import validation  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise RecloserError(
            f"{error.name} is not installed; validation needs `pip install 'recloser[grid]'`."
        ) from error
    return validation


@contextmanager
def steps_progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar at a terminal, and nothing elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)

"""`recloser data`: grid datasets, made and looked at.

The grid's libraries are slow to import and are an extra: they are imported by the command that needs them.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.data_corrupt import corrupt
from flows.commands.data_ground import import_grid, refusals, steps_progress
from flows.commands.data_validate import baseline, validate

if TYPE_CHECKING:
    from recloser.grid import DatasetRequest, Summary

app = typer.Typer(no_args_is_help=True, help="Datasets: make them, look at them, judge them.")
app.command()(validate)
app.command()(baseline)
app.command()(corrupt)

_DEFAULT_FOLDER = Path(".recloser/data")
_DEFAULT_SIZE = "small"
_MARKS = {True: "ok", False: "DIFFERS", None: "unknown"}


class FileFormat(StrEnum):
    """How the tables are written."""

    PARQUET = "parquet"
    CSV = "csv"


class Format(StrEnum):
    """How `show` is printed."""

    TEXT = "text"
    JSON = "json"


@app.command()
def generate(  # noqa: PLR0917 - Typer calls it by name
    size: Annotated[str | None, typer.Option(help="small, medium or large; small when nothing is said.")] = None,
    case: Annotated[str | None, typer.Option(help="In place of a size: 14, 30 or 118 buses, with --steps.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Number of steps of 15 minutes.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same inputs on every machine.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder to make; default .recloser/data/<name>.")] = None,
    file_format: Annotated[FileFormat, typer.Option("--format")] = FileFormat.PARQUET,
) -> None:
    """Make a dataset: load series, AC power flow, tables, manifest.

    Exit codes: 0 it is made, 2 it is not, and nothing is left of it.
    """
    grid = import_grid()
    with refusals():
        request = _request(grid, size, case, steps, seed)
        folder = out or _DEFAULT_FOLDER / request.dataset_id
        with steps_progress("steps", request.n_steps) as on_progress:
            stored = grid.write_dataset(request, folder, file_format=file_format.value, on_progress=on_progress)
    residuals = stored.manifest.residuals
    typer.echo(
        f"dataset    {request.dataset_id}, {request.n_steps} steps of {request.n_buses} buses\n"
        f"folder     {folder}\n"
        f"inputs     {stored.manifest.inputs_sha256}\n"
        f"residuals  {residuals.p_max_mw:.1e} MW, {residuals.q_max_mvar:.1e} Mvar, flows {residuals.flow_max:.1e}"
    )


@app.command()
def show(
    path: Annotated[Path, typer.Argument(help="Folder of a dataset.")],
    output: Annotated[Format, typer.Option("--format")] = Format.TEXT,
) -> None:
    """Show what a dataset holds, and whether it is what its manifest says.

    Exit codes: 0 it is, 1 it is not or could not be compared, 2 there is no dataset.
    """
    grid = import_grid()
    with refusals():
        summary = grid.summarise(grid.open_dataset(path))
    typer.echo(summary.model_dump_json(indent=2) if output is Format.JSON else _as_text(summary))
    if not summary.intact:
        raise typer.Exit(1)


def _request(grid: Any, size: str | None, case: str | None, steps: int | None, seed: int) -> DatasetRequest:
    if case is None and steps is None:
        request: DatasetRequest = grid.request_size(size or _DEFAULT_SIZE, seed=seed)
    elif size is None and case is not None and steps is not None:
        request = grid.request_dataset(case, steps, seed=seed)
    else:
        raise typer.BadParameter("give either --size, or --case together with --steps")
    return request


def _as_text(summary: Summary) -> str:
    manifest = summary.manifest
    request, fingerprint, residuals = manifest.request, manifest.fingerprint, summary.residuals
    branches = "unknown" if summary.n_branches is None else summary.n_branches
    made_by = f"{manifest.generator.name} {manifest.generator.version}"
    share = "unknown" if summary.loss_share is None else f"{summary.loss_share:.2%}"
    rows = {
        "dataset": manifest.dataset_id,
        "made": f"{manifest.created_utc:%Y-%m-%d %H:%M:%S} UTC by {made_by}",
        "shape": f"{request.n_steps} steps, {request.n_buses} buses, {branches} branches",
        "time": f"{summary.first_ts} to {summary.last_ts}, every {request.dt_min} min",
        "seed": f"{request.seed}, level {request.level:g}",
        "solver": f"{manifest.solver.name} {manifest.solver.version}, {manifest.solver.tolerance_mva:g} MVA",
        "voltage": f"{fingerprint.min_vm_pu:.4f} to {fingerprint.max_vm_pu:.4f} pu",
        "loading": f"at most {fingerprint.max_loading_pct:.1f} %",
        "losses": f"{summary.loss_mwh:.1f} MWh, {share} of the load",
        "residuals": "unknown"
        if residuals is None
        else f"{residuals.p_max_mw:.1e} MW, {residuals.q_max_mvar:.1e} Mvar, flows {residuals.flow_max:.1e}",
    }
    rows |= {check.name: f"{_MARKS[check.ok]}  {check.detail}".rstrip() for check in summary.checks}
    return "\n".join(f"{name:<9}  {value}" for name, value in rows.items())

"""`recloser data validate`, `recloser data baseline`: is this data good, and what does good data look like?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.data_ground import import_validation, refusals, steps_progress
from recloser.errors import RecloserError

if TYPE_CHECKING:
    from recloser.validation import Report

BASELINES = Path(".recloser/baselines")
_LEVEL = 0.85


class Format(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


def validate(  # noqa: PLR0917 - Typer calls it by name
    path: Annotated[Path, typer.Argument(help="Folder of a dataset.")],
    output: Annotated[Format, typer.Option("--format", help="html is one page that needs nothing else.")] = Format.TEXT,
    out: Annotated[Path | None, typer.Option(help="Write the report there instead of printing it.")] = None,
    docs: Annotated[Path | None, typer.Option(help="Build the Data Docs of Great Expectations there.")] = None,
    baselines: Annotated[Path, typer.Option(help="Baselines of your own, before the packaged ones.")] = BASELINES,
    strict: Annotated[bool, typer.Option(help="A warning, or a rule that was not run, fails as well.")] = False,
) -> None:
    """Judge a dataset by every rule: structure, physics, statistics, provenance.

    Exit codes: 0 it is good, 1 it is not, or a critical rule could not be run, 2 there is nothing that could be judged.
    """
    with refusals():
        validation = import_validation()
        report = validation.validate_dataset(path, baselines=baselines, docs=docs)
        _publish(_rendered(validation, report, output), out)
    if not (report.spotless if strict else report.holds):
        raise typer.Exit(1)


def baseline(  # noqa: PLR0917 - Typer calls it by name
    case: Annotated[str, typer.Option(help="14, 30 or 118 buses.")],
    steps: Annotated[int, typer.Option(min=4, help="Number of steps of the sets it is for.")],
    level: Annotated[float, typer.Option(help="Mean load as a share of the base load.")] = _LEVEL,
    first_seed: Annotated[int, typer.Option(min=0, help="The first of the seeds.")] = 100,
    seeds: Annotated[int, typer.Option(min=60, help="How many sets it is made of.")] = 120,
    out: Annotated[Path, typer.Option(help="Folder it is written to.")] = BASELINES,
) -> None:
    """Measure good datasets of one kind, so that `validate` knows what is usual."""
    with refusals():
        validation = import_validation()
        with steps_progress("sets", seeds) as on_progress:
            made = validation.build_baseline(
                case, steps, level=level, first_seed=first_seed, n_seeds=seeds, on_progress=on_progress
            )
        path = validation.write_baseline(made, out)
    typer.echo(f"baseline   {path}\ncontent    {made.content_sha256}")


def _rendered(validation: Any, report: Report, output: Format) -> str:
    render = {
        Format.TEXT: validation.render_text,
        Format.JSON: validation.render_json,
        Format.HTML: validation.render_html,
    }
    return str(render[output](report))


def _publish(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        staged = out.with_name(f".{out.name}.partial")
        staged.write_text(text + "\n", encoding="utf-8")
        staged.replace(out)
    except OSError as error:
        raise RecloserError(f"{out} cannot be written: {error.strerror or error}.") from error

"""`recloser data validate`, `recloser data baseline`: is this data good, and what does good data look like?"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.data_ground import import_validation, refusals, steps_progress
from recloser.errors import RecloserError
from recloser.target import load_system
from recloser.target.load import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.validation import Report

BASELINES = Path(".recloser/baselines")
_LEVEL = 0.85


class Format(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


def validate(  # noqa: PLR0917 - Typer calls it by name
    path: Annotated[Path, typer.Argument(help="Folder of a dataset, or of a target with [data.*] in recloser.toml.")],
    data: Annotated[str | None, typer.Option(help="Of a target: this data set only.")] = None,
    output: Annotated[Format, typer.Option("--format", help="html is one page that needs nothing else.")] = Format.TEXT,
    out: Annotated[Path | None, typer.Option(help="Write the report there instead of printing it.")] = None,
    docs: Annotated[Path | None, typer.Option(help="Build the Data Docs of Great Expectations there.")] = None,
    baselines: Annotated[Path, typer.Option(help="Baselines of your own, before the packaged ones.")] = BASELINES,
    strict: Annotated[bool, typer.Option(help="A warning, or a rule that was not run, fails as well.")] = False,
) -> None:
    """Judge a dataset by every rule: structure, physics, statistics, provenance; or what a target declares, by that.

    Exit codes: 0 it is good, 1 it is not, or a critical rule could not be run, 2 there is nothing that could be judged.
    """
    with refusals():
        validation = import_validation()
        if path.name == FILE_NAME or (path / FILE_NAME).is_file():
            reports = _judge_target(path, data, docs)
        else:
            reports = [validation.validate_dataset(path, baselines=baselines, docs=docs)]
        _publish(_rendered(validation, reports, output), out)
    if not all(report.spotless if strict else report.holds for report in reports):
        raise typer.Exit(1)


def baseline(  # noqa: PLR0917 - Typer calls it by name
    target: Annotated[Path | None, typer.Argument(help="Folder of a target; with --data and --out.")] = None,
    data: Annotated[str | None, typer.Option(help="A table the target declares, which is good as it is now.")] = None,
    case: Annotated[str | None, typer.Option(help="In place of a target: 14, 30 or 118 buses, with --steps.")] = None,
    steps: Annotated[int | None, typer.Option(min=4, help="Number of steps of the sets it is for.")] = None,
    level: Annotated[float, typer.Option(help="Mean load as a share of the base load.")] = _LEVEL,
    first_seed: Annotated[int, typer.Option(min=0, help="The first of the seeds.")] = 100,
    seeds: Annotated[int, typer.Option(min=60, help="How many sets it is made of.")] = 120,
    out: Annotated[Path, typer.Option(help="Of grids a folder, of a table a .json file.")] = BASELINES,
) -> None:
    """Measure good data, so that `validate` knows what is usual: many grid datasets, or a table of yours."""
    with refusals():
        if target is not None and data is not None:
            _measure_table(target, data, out)
        elif case is not None and steps is not None:
            validation = import_validation()
            with steps_progress("sets", seeds) as on_progress:
                made = validation.build_baseline(
                    case, steps, level=level, first_seed=first_seed, n_seeds=seeds, on_progress=on_progress
                )
            typer.echo(f"baseline   {validation.write_baseline(made, out)}\ncontent    {made.content_sha256}")
        else:
            raise typer.BadParameter("give --case together with --steps, or a target together with --data")


def _judge_target(path: Path, data: str | None, docs: Path | None) -> list[Report]:
    from recloser.nightly.declared import judge_declared  # noqa: PLC0415 - slow to import

    system = load_system(path)
    names = (data,) if data is not None else tuple(system.data)
    if not names:
        raise RecloserError(f"{system.name} declares no data sets; write [data.NAME] tables into its {FILE_NAME}.")
    return [judge_declared(system, name, docs=docs / name if docs else None) for name in names]


def _measure_table(target: Path, data: str, out: Path) -> None:
    import_validation()
    from recloser.nightly.declared import measure_declared  # noqa: PLC0415 - slow to import
    from recloser.validation.table import write_table_baseline  # noqa: PLC0415 - slow to import

    if out.suffix != ".json":
        raise typer.BadParameter("give --out FILE.json, and name that file as the data set's `baseline`")
    measured = measure_declared(load_system(target), data)
    write_table_baseline(measured, out)
    typer.echo(f"baseline   {out}, {measured.rows} rows of {measured.source}")


def _rendered(validation: Any, reports: Sequence[Report], output: Format) -> str:
    if output is Format.HTML:
        if len(reports) > 1:
            raise RecloserError("One page shows one data set; name it with --data.")
        return str(validation.render_html(reports[0]))
    if output is Format.TEXT:
        return "\n\n".join(validation.render_text(report) for report in reports)
    texts = [validation.render_json(report) for report in reports]
    return texts[0] if len(texts) == 1 else json.dumps([json.loads(text) for text in texts], indent=2)


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

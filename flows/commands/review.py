"""`recloser review`: a month of nights on this terminal."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from recloser.errors import RecloserError
from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import load_system
from recloser.values import utc_now

BAD_INPUT = 2


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def review(
    target: Annotated[str, typer.Argument(help="Folder that holds recloser.toml, or the file itself.")],
    month: Annotated[str | None, typer.Option(help="2026-11; default: the last whole one that has a night.")] = None,
    output: Annotated[Format, typer.Option("--format", help="How the result is printed.")] = Format.TEXT,
) -> None:
    """Sum up a month: failing, flaky, slow and obsolete tests, coverage, tiers, cost, quarantine; beside targets."""
    from flows.reviewed import print_review  # noqa: PLC0415 - pandas takes a second to import
    from recloser.nightly.review import Stretch, due_month  # noqa: PLC0415
    from recloser.nightly.review import review as summed_up  # noqa: PLC0415
    from recloser.report.review import review_markdown  # noqa: PLC0415

    now = utc_now()
    try:
        named = None if month is None else Stretch.month(month)
        system = load_system(target)
        with Store.open(load_settings().database_url) as store:
            stretch = named or due_month(store.history, system.name, now.date())
            told = summed_up(store.history, system, stretch, now)
    except RecloserError as error:
        typer.echo(f"recloser: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from None
    if output is Format.JSON:
        typer.echo(told.model_dump_json(indent=2))
    elif output is Format.MARKDOWN:
        typer.echo(review_markdown(told, "The month"), nl=False)
    else:
        print_review(told)

"""`recloser nightly`: run the nightly flow on this terminal."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from flows.local import leave, listening, quieten, run_here
from recloser.errors import RecloserError
from recloser.settings import load_settings
from recloser.target import load_system

if TYPE_CHECKING:
    from recloser.values import CycleReport

COULD_NOT_JUDGE = 3


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"


def nightly(
    target: Annotated[str, typer.Argument(help="Folder that holds recloser.toml, or the file itself.")],
    output: Annotated[Format, typer.Option("--format", help="How the result is printed.")] = Format.TEXT,
) -> None:
    """Test everything a target declares: start its services, judge its data, run its suites, compare, report.

    A night that was killed goes on where it was when the same command is given again on the same code.

    Exit codes: 0 green, 1 something failed, 2 a regression (it passed in the last green night), 3 could not be judged.
    """
    try:
        load_system(target)  # bad input is found in milliseconds, before a Prefect server is started for the run
        report, is_heard = _run(target)
    except RecloserError as error:
        typer.echo(f"recloser: {error}", err=True)
        raise typer.Exit(COULD_NOT_JUDGE) from None
    _print(report, output)
    code = report.cycle.verdict.exit_code if report.cycle.verdict else COULD_NOT_JUDGE
    if not is_heard:
        leave(code)
    raise typer.Exit(code)


def _run(target: str) -> tuple[CycleReport, bool]:
    """The night's report, and whether Prefect's server was there to its end."""
    quieten()
    from flows.night_console import TerminalNightNarrator  # noqa: PLC0415 - Prefect takes a second to import
    from recloser.nightly import NightlyError  # noqa: PLC0415
    from tasks.night_narration import NIGHT_TERMINAL  # noqa: PLC0415

    narrator = TerminalNightNarrator()
    state = None
    try:
        with listening(NIGHT_TERMINAL, narrator):
            state = run_here("nightly", {"target": target})
    except Exception as error:  # of Prefect, whose server is gone: a verdict stands all the same
        if narrator.report is None:
            raise NightlyError(f"the flow run ended without a verdict: {type(error).__name__}: {error}") from error
    finally:
        narrator.stop()
    if narrator.report is not None:
        return narrator.report, state is not None
    if state is not None:
        state.result()  # raises what stopped the flow
    raise NightlyError("the flow run ended without a verdict")


def _print(report: CycleReport, output: Format) -> None:
    from flows.nightly_summary import print_night  # noqa: PLC0415 - needed at the end only
    from recloser.report.nightly import nightly_json  # noqa: PLC0415

    if output is Format.JSON:
        typer.echo(nightly_json(report))
        return
    page = load_settings().home / "nights" / report.cycle.cycle_id / "nightly.html"
    print_night(report, page if page.exists() else None)

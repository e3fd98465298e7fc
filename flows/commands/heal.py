"""`recloser heal`: run the heal flow on this terminal."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.selection import selection
from flows.local import listening, quieten, run_here
from flows.summary import print_summary
from recloser.aws import connect
from recloser.errors import RecloserError
from recloser.healing import HealingError, NotReady, ask_for, prepare
from recloser.report import to_json
from recloser.settings import load_settings
from recloser.target import load_target
from recloser.values import FixMode

if TYPE_CHECKING:
    from recloser.values import Incident


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"


def heal(  # noqa: PLR0917 - typer reads the parameters; nobody calls this by position
    target: Annotated[str, typer.Argument(help="Folder that holds recloser.toml, or the file itself.")],
    iterations: Annotated[int, typer.Option(min=1, max=100, help="How many attempts may be made.")] = 10,
    fix_mode: Annotated[FixMode, typer.Option(help="How far Recloser may go by itself.")] = FixMode.AUTO,
    use_test_data: Annotated[bool, typer.Option("--use-test-data", help="Run on freshly generated inputs.")] = False,
    minimise: Annotated[bool, typer.Option("--minimise", help="Once it works, take back what was not needed.")] = False,
    failed_on: Annotated[str | None, typer.Option(help="Heal the jobs that have failed on this queue.")] = None,
    since: Annotated[str, typer.Option(help="How far back to look at the queue: 90m, 2h, 1d.")] = "2h",
    jobs: Annotated[
        str | None, typer.Option(help="Heal the failed jobs named in this file, one id a line; - reads standard input.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Also show what was ruled out, and diffs.")] = False,
    output: Annotated[Format, typer.Option("--format", help="How the result is printed.")] = Format.TEXT,
) -> None:
    """Submit a Batch job, find out why it fails, fix what is safe to fix, until it works or nothing safe is left.

    With --failed-on or --jobs nothing new is submitted: jobs that have failed are grouped by what they died of, and
    each group is one incident, one change, and all its jobs resubmitted with it.

    Exit codes: 0 the job works, 1 it does not (locked out, iterations used, report-only), 2 bad input.
    """
    try:
        _check(target, fix_mode, use_test_data)
        chosen = selection(failed_on, since, jobs, iterations=iterations, alone=use_test_data or minimise)
    except RecloserError as error:
        typer.echo(f"recloser: {error}", err=True)
        raise typer.Exit(2) from None
    parameters: dict[str, Any] = {"target": target, "iterations": iterations, "fix_mode": fix_mode}
    if chosen is None:
        single = {"use_test_data": use_test_data, "minimise": minimise}
        (incident,) = _run_flow("heal", parameters | single, verbose=verbose)
        _print(incident, output)
        raise typer.Exit(0 if incident.verdict.is_success else 1)
    incidents = _run_flow("heal_fleet", parameters | chosen, verbose=verbose)
    _print_all(incidents, output)
    raise typer.Exit(0 if all(incident.verdict.is_success for incident in incidents) else 1)


def _check(target: str, fix_mode: FixMode, use_test_data: bool) -> None:
    """Find bad input in milliseconds, before a Prefect server is started for the run."""
    ask_for(prepare(load_target(target), connect(load_settings())), fix_mode, use_test_data=use_test_data)
    if fix_mode is FixMode.MANUAL and not sys.stdin.isatty() and not os.environ.get("PREFECT_API_URL"):
        raise NotReady(
            "manual needs someone to ask: run it at a terminal, or set PREFECT_API_URL to a Prefect server "
            "in whose UI the paused flow run can be answered"
        )


def _run_flow(story: str, parameters: dict[str, Any], *, verbose: bool) -> list[Incident]:
    quieten()
    from flows.console import TerminalNarrator  # noqa: PLC0415 - Prefect takes a second to import
    from tasks.narration import TERMINAL  # noqa: PLC0415

    narrator = TerminalNarrator(verbose=verbose)
    with listening(TERMINAL, narrator):
        state = run_here(story, parameters)
    if not narrator.incidents and state.name != "NothingFailed":
        state.result()  # raises what stopped the flow
        raise HealingError(f"the flow run ended as {state.name} without a verdict: {state.message}")
    return narrator.incidents


def _print_all(incidents: list[Incident], output: Format) -> None:
    if output is Format.JSON:
        typer.echo(json.dumps([incident.model_dump(mode="json") for incident in incidents], indent=2))
        return
    for incident in incidents:
        _print(incident, output)
    if not incidents:
        typer.echo("no failed job of the target was found that no earlier incident has taken on")


def _print(incident: Incident, output: Format) -> None:
    if output is Format.JSON:
        typer.echo(to_json(incident))
        return
    print_summary(incident)
    report = load_settings().home / "incidents" / incident.incident_id / "incident.md"
    owed = "" if report.is_file() else "  (owed: it could not be written; the next heal of this target writes it)"
    typer.echo(f"report: {report}{owed}")

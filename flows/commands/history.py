"""`recloser history`: what is remembered of a target's nights."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from flows import past_nights
from flows.kept import open_store
from recloser.store import is_held
from recloser.store.history import KEEP_CYCLES, KEEP_DAYS
from recloser.values import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recloser.values import Value

app = typer.Typer(
    no_args_is_help=True, help="A target's nights: one test's story, runs, slowest tests, weekly pass rate."
)


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"


Target = Annotated[str | None, typer.Option(help="Which target; may be left out where the store has only one.")]
Output = Annotated[Format, typer.Option("--format", help="How the result is printed.")]
Nights = Annotated[int, typer.Option("--last", min=1, max=1_000, help="How many nights, counted back from the newest.")]


@app.command("test")
def tell(
    name: Annotated[str, typer.Argument(help="A test id, or a part of it that no other test has.")],
    target: Target = None,
    last: Nights = 30,
    output: Output = Format.TEXT,
) -> None:
    """Tell one test's story: how it ended night by night, how long it took, of what it failed, since when."""
    with open_store() as store:
        history = store.history
        named = history.find_target(target)
        found = {
            one: (history.story(named, *one, last=last), history.test_weeks(named, *one))
            for one in history.find_tests(named, name)
        }
    if output is Format.JSON:
        _print_json(
            {"suite": suite, "test_id": test_id, "nights": _dumped(nights), "weeks": _dumped(weeks)}
            for (suite, test_id), (nights, weeks) in found.items()
        )
    else:
        for (suite, test_id), (nights, weeks) in found.items():
            past_nights.print_story(suite, test_id, nights, weeks)


@app.command()
def runs(target: Target = None, last: Nights = 20, output: Output = Format.TEXT) -> None:
    """List the nights with their verdicts, the newest first; times are UTC."""
    with open_store() as store:
        named = store.history.find_target(target)
        points = store.history.points(named, last=last)
        reasons = {cycle.cycle_id: cycle.reason for cycle in store.history.cycles(named, last=last)}
        left = "running" if is_held(store, named, "tested") else "interrupted"
    if output is Format.JSON:
        _print_json(
            point.model_dump(mode="json")
            | {"state": "closed" if point.verdict else left, "reason": reasons.get(point.cycle_id, "")}
            for point in reversed(points)
        )
    else:
        past_nights.print_runs(points, reasons, left)


@app.command()
def slow(
    target: Target = None,
    last: Nights = 20,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many tests.")] = 20,
    output: Output = Format.TEXT,
) -> None:
    """List the slowest tests, and whether they take longer than they did."""
    from recloser.analytics.slowest import slowest  # noqa: PLC0415 - pandas takes a second to import

    with open_store() as store:
        outcomes = store.history.outcomes(store.history.find_target(target), last=last)
    found = slowest(outcomes, limit)
    if output is Format.JSON:
        _print_json(_dumped(found))
    else:
        past_nights.print_slow(found, outcomes["cycle"].nunique())


@app.command()
def trend(
    target: Target = None,
    last: Annotated[int, typer.Option(min=1, max=1_000, help="How many weeks, counted back from the newest.")] = 26,
    output: Output = Format.TEXT,
) -> None:
    """Show the share of passed tests week by week, Monday to Sunday in UTC."""
    with open_store() as store:
        weeks = store.history.weeks(store.history.find_target(target), last=last)
    if output is Format.JSON:
        _print_json(week.model_dump(mode="json") | {"pass_rate": week.pass_rate} for week in weeks)
    else:
        past_nights.print_trend(weeks)


@app.command()
def prune(
    older_than: Annotated[int, typer.Option(min=1, help="Days since the night began.")] = KEEP_DAYS,
    keep_cycles: Annotated[
        int, typer.Option(min=0, help="Newest nights of each target that are kept whole.")
    ] = KEEP_CYCLES,
) -> None:
    """Fold old attempts into one row for each test and week; nights, verdicts and counts stay, green baselines too."""
    with open_store() as store:
        gone = store.history.prune(utc_now() - timedelta(days=older_than), keep_cycles=keep_cycles)
    typer.echo(f"{gone} attempts folded into weeks")


def _dumped(values: Iterable[Value]) -> list[object]:
    return [value.model_dump(mode="json") for value in values]


def _print_json(rows: Iterable[object]) -> None:
    typer.echo(json.dumps(list(rows), indent=2))

"""`recloser quarantine`: tests that run, are shown, and do not block."""

from __future__ import annotations

from datetime import UTC, timedelta
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Annotated, ParamSpec, TypeVar

import typer

from flows import quarantined
from flows.kept import open_store
from recloser.errors import RecloserError
from recloser.quarantine import QuarantineError, load_quarantine, made
from recloser.target import load_system
from recloser.values import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.quarantine import Quarantine
    from recloser.store import Store
    from recloser.target import System
    from recloser.values import QuarantineEntry

P = ParamSpec("P")
T = TypeVar("T")

app = typer.Typer(
    no_args_is_help=True, help="Tests that run, are shown and do not block: who answers, until when, why."
)


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"


Target = Annotated[str, typer.Argument(help="Folder that holds recloser.toml, or the file itself.")]
Test = Annotated[str, typer.Argument(metavar="TEST", help="A test id, or a part of it that no other test has.")]
SuiteName = Annotated[str | None, typer.Option("--suite", help="Its suite; TEST is then taken as it is.")]
Output = Annotated[Format, typer.Option("--format", help="How the result is printed.")]
BAD_INPUT = 2
LOOKED_BACK = 60
"""Nights whose outcomes are evidence."""


def _in_one_message(command: Callable[P, T]) -> Callable[P, T]:
    """What cannot be done as asked is one message and exit code 2."""

    @wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except RecloserError as error:
            typer.echo(f"recloser: {error}", err=True)
            raise typer.Exit(BAD_INPUT) from None

    return told


@app.command("list")
@_in_one_message
def list_entries(target: Target, output: Output = Format.TEXT) -> None:
    """List what is in quarantine; what has expired is marked, for it blocks again."""
    quarantine = load_quarantine(load_system(target))
    if output is Format.JSON:
        quarantined.print_entries_json(quarantine.entries, utc_now())
    else:
        quarantined.print_entries(quarantine, utc_now())


@app.command()
@_in_one_message
def add(
    target: Target,
    test: Test,
    *,
    reason: Annotated[str, typer.Option(help="Why, for whoever reads the pull request.")],
    suite: SuiteName = None,
    owner: Annotated[str | None, typer.Option(help="Who repairs it; default: [quarantine] owner.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="How long; default and most: [quarantine] max_days.")] = None,
    issue: Annotated[str, typer.Option(help="Where its repair is followed.")] = "",
) -> None:
    """Write a test into the quarantine, with what the store knows of it as evidence."""
    from recloser.quarantine.candidates import evidence_of  # noqa: PLC0415 - pandas takes a second to import

    system = load_system(target)
    quarantine, now = load_quarantine(system), utc_now()
    with open_store() as store:
        named = (suite, test) if suite is not None else _only(store, system, test)
        outcomes = store.history.outcomes(system.name, last=LOOKED_BACK, suites=(named[0],))
    today = now.astimezone(UTC).date()
    entry = made(
        suite=named[0],
        test=named[1],
        owner=owner if owner is not None else system.quarantine.owner,
        reason=reason,
        since=today,
        expires=today + timedelta(days=days or system.quarantine.max_days),
        issue=issue,
        evidence=evidence_of(outcomes, *named, now=now),
    )
    quarantine.added(entry).write()
    quarantined.print_change("added", entry, quarantine.file)


@app.command()
@_in_one_message
def release(target: Target, test: Test, suite: SuiteName = None) -> None:
    """Take a test out of the quarantine: from the next night on its failures block."""
    quarantine = load_quarantine(load_system(target))
    entry = _found(quarantine, test, suite)
    quarantine.without(*entry.key).write()
    quarantined.print_change("released", entry, quarantine.file)


@app.command()
@_in_one_message
def why(
    target: Target,
    test: Test,
    suite: SuiteName = None,
    last: Annotated[int, typer.Option(min=1, max=1_000, help="How many nights are evidence.")] = LOOKED_BACK,
    output: Output = Format.TEXT,
) -> None:
    """Show what the nights say of a test: states, score, rate, change point, and what would release it."""
    from recloser.quarantine.candidates import flake_standings, release_standing  # noqa: PLC0415

    system = load_system(target)
    quarantine, now = load_quarantine(system), utc_now()
    with open_store() as store:
        named = (suite, test) if suite is not None else _only(store, system, test)
        outcomes = store.history.outcomes(system.name, last=last, suites=(named[0],))
    told = quarantined.Told(
        suite=named[0],
        test=named[1],
        nights=int(outcomes["cycle"].nunique()),
        entry=quarantine.entry(*named),
        standings=flake_standings(outcomes, *named, now=now),
        release=release_standing(outcomes, quarantine, *named),
    )
    if output is Format.JSON:
        typer.echo(told.model_dump_json(indent=2))
    else:
        quarantined.print_why(told, now)


def _only(store: Store, system: System, name: str) -> tuple[str, str]:
    found = store.history.find_tests(system.name, name)
    if len(found) > 1:
        suites = ", ".join(suite for suite, _ in found)
        raise QuarantineError(f"{name!r} is a test of {suites}: name one with --suite")
    return found[0]


def _found(quarantine: Quarantine, name: str, suite: str | None) -> QuarantineEntry:
    """The entry that a person means."""
    mine = [entry for entry in quarantine.entries if suite in {None, entry.suite}]
    found = [entry for entry in mine if entry.test == name] or [entry for entry in mine if name in entry.test]
    if len(found) == 1:
        return found[0]
    said = "several tests in quarantine are" if found else "no test in quarantine is"
    raise QuarantineError(f"{quarantine.file}: {said} called {name!r}; `recloser quarantine list` has all of them")

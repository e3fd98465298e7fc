"""`recloser incidents`: what is remembered of past incidents, and what a person adds to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from flows import remembered
from flows.kept import UNITS, Retention, kept_since, open_store, this_user
from recloser.redaction import Redactor, shown
from recloser.values import Cause, Incident, Label, utc_now

if TYPE_CHECKING:
    from recloser.healing.memory import Replayed

app = typer.Typer(no_args_is_help=True, help="Past incidents: list, show, label with their cause, diagnose again.")

Id = Annotated[str, typer.Argument(help="An incident's id, or a beginning of it that no other shares.")]

_LISTED = {"incident_id", "target", "verdict", "opened_at", "closed_at", "reason"}


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"


Output = Annotated[Format, typer.Option("--format", help="How the result is printed.")]


@app.command("list")
def list_incidents(
    target: Annotated[str | None, typer.Option(help="Of this target only.")] = None,
    cause: Annotated[Cause | None, typer.Option(help="Diagnosed or labelled with this cause.")] = None,
    since: Annotated[str | None, typer.Option(help="Opened since: 2026-05-04, 2026-05-04T03:00, 12h, 7d, 2w.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most, newest first.")] = 20,
    output: Output = Format.TEXT,
) -> None:
    """List incidents, the newest first; times are UTC."""
    moment = None if since is None else parse_since(since, utc_now())
    with open_store() as store:
        found = store.incidents(target=target, cause=cause, since=moment, limit=limit)
        labels = store.memory.labels_in_force([one.incident_id for one in found])
    if output is Format.JSON:
        typer.echo(json.dumps([_brief(one, labels.get(one.incident_id)) for one in found], indent=2))
    else:
        remembered.print_list(found, labels)


@app.command()
def show(incident_id: Id, output: Output = Format.TEXT) -> None:
    """Show one incident: what failed, why, what was changed, and what past incidents say of it."""
    with open_store() as store:
        incident = store.incident(incident_id)
        labels = store.memory.labels(incident.incident_id)
        failures = store.memory.occurrences(incident.incident_id)
    if output is Format.JSON:
        whole = {
            "incident": incident.model_dump(mode="json"),
            "labels": [one.model_dump(mode="json") for one in labels],
            "failures": [one.model_dump(mode="json") for one in failures],
        }
        typer.echo(json.dumps(whole, indent=2))
    else:
        remembered.print_incident(incident, labels)


@app.command()
def label(
    incident_id: Id,
    cause: Annotated[Cause, typer.Argument(help="What the cause was.")],
    note: Annotated[str, typer.Option(help="Why, for whoever meets it next.")] = "",
    who: Annotated[str | None, typer.Option(help="Who says so; default: the user of this machine.")] = None,
) -> None:
    """Name an incident's cause, so that the next one like it is recognised."""
    if cause is Cause.UNKNOWN:
        raise typer.BadParameter("`unknown` is no cause; name one that `recloser incidents label --help` lists")
    with open_store() as store:
        incident = store.incident(incident_id)
        redact = Redactor(())
        word = Label(
            incident_id=incident.incident_id,
            cause=cause,
            note=shown(note, redact),
            who=shown(who or this_user(), redact),
            at=utc_now(),
        )
        store.memory.label(word)
        kept = store.memory.occurrences(incident.incident_id)
    typer.echo(f"{word.incident_id} is {cause}, says {word.who}")
    if not any(one.mould for one in kept):
        typer.echo("It left no text of its own, so nothing can be recognised by it.")


@app.command()
def replay(
    incident_id: Id,
    target: Annotated[str | None, typer.Option(help="Folder of its recloser.toml, if it is at hand.")] = None,
    output: Output = Format.TEXT,
) -> None:
    """Diagnose an incident again with today's signatures and labels, without an account; nothing is changed."""
    from recloser.healing.memory import replay as diagnose_again  # noqa: PLC0415 - boto3 is slow to import
    from recloser.target import load_target  # noqa: PLC0415

    with open_store() as store:
        found = diagnose_again(store, incident_id, None if target is None else load_target(target))
    if output is Format.JSON:
        typer.echo(json.dumps(list(map(_replayed, found)), indent=2))
    else:
        remembered.print_replay(found)


@app.command()
def prune(older_than: Retention = None) -> None:
    """Forget old incidents and everything that belongs to them; open ones and each target's last success stay."""
    with open_store() as store:
        typer.echo(f"{store.memory.forget(kept_since(older_than))} incidents forgotten")


def parse_since(text: str, now: datetime) -> datetime:
    """The moment a person means by `--since`.

    Args:
        text: A date, a date with a time (UTC where no zone is given), or an age like `12h`, `7d`, `2w`.
        now: What an age is counted back from.

    Raises:
        BadParameter: It is none of these.
    """
    try:
        if text[-1:] in UNITS and text[:-1].isdecimal():
            return now - int(text[:-1]) * UNITS[text[-1]]
        given = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"--since {text!r}: expected a date such as 2026-05-04, or an age such as 12h, 7d, 2w"
        ) from None
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)


def _brief(incident: Incident, label: Label | None) -> dict[str, object]:
    return incident.model_dump(mode="json", include=_LISTED) | {
        "attempts": len(incident.attempts),
        "causes": [str(cause) for cause in remembered.causes_of(incident)],
        "label": None if label is None else str(label.cause),
    }


def _replayed(found: Replayed) -> dict[str, object]:
    differences = [{"field": name, "before": was, "now": now} for name, was, now in found.differences]
    return found.model_dump(mode="json") | {"differences": differences}

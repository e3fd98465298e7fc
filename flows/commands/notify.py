"""`recloser notify`: try the channels, see what was sent, send what waits, ask for silence."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from flows.kept import UNITS, Retention, kept_since, open_store, this_user
from recloser.errors import RecloserError
from recloser.redaction import Redactor, shown
from recloser.settings import load_settings
from recloser.target import load_system
from recloser.values import DeliveryState, Silence, utc_now

if TYPE_CHECKING:
    from recloser.notify import Drained, Receivers
    from recloser.target import System
    from recloser.values import Delivery

app = typer.Typer(no_args_is_help=True, help="Who is told: try the channels, see what was sent, send what waits.")

Target = Annotated[str, typer.Argument(help="Folder that holds recloser.toml, or the file itself.")]
_SHOWN = 20


@app.command("test")
def try_channels(
    target: Target,
    channel: Annotated[str | None, typer.Option(help="Only this one; `issues` is the tracker.")] = None,
) -> None:
    """Send a harmless message over each channel, and show what the receiver answered.

    Exit codes: 0 every channel answered, 1 one did not.
    """
    system, receivers = _receivers(target)
    names = sorted({*receivers.channels, *receivers.missing})
    if channel is not None and channel not in names:
        raise typer.BadParameter(f"there is no channel {channel!r}; there are {', '.join(names)}")
    answers = {name: _tried(system, receivers, name) for name in names if channel in {None, name}}
    for name, (arrived, said) in answers.items():
        typer.echo(f"{name:<12}  {'ok' if arrived else 'FAILED':<6}  {said}")
    if not all(arrived for arrived, _ in answers.values()):
        raise typer.Exit(1)


@app.command()
def status(
    target: Annotated[str | None, typer.Argument(help="Folder of its recloser.toml; default: all targets.")] = None,
) -> None:
    """Show what waits, what was refused for good, and what was delivered last."""
    name = None
    if target is not None:
        system, receivers = _receivers(target)
        name = system.name
        for said in receivers.missing.values():
            typer.echo(f"not configured: {said}")
    with open_store() as store:
        live = store.outbox.deliveries(name, (DeliveryState.PENDING, DeliveryState.SENDING))
        dead = store.outbox.deliveries(name, (DeliveryState.DEAD,))
        done = store.outbox.deliveries(name, (DeliveryState.DELIVERED,), limit=_SHOWN)
    for title, deliveries in (("waiting", live), ("refused for good", dead), ("delivered last", done)):
        typer.echo(f"{title}: {len(deliveries) or 'nothing'}")
        for delivery in deliveries[-_SHOWN:]:
            typer.echo(f"  {_line(delivery)}")


@app.command()
def send(
    target: Target,
    dead: Annotated[bool, typer.Option("--dead", help="What was refused for good as well.")] = False,
    limit_s: Annotated[float | None, typer.Option(min=1, help="For how long; default: [notify] drain_s.")] = None,
) -> None:
    """Send what is due.

    Exit codes: 0 nothing is left, 1 something waits or was refused.
    """
    from recloser.notify import WallClock, drain  # noqa: PLC0415 - slow to import

    system, receivers = _receivers(target)
    with open_store() as store:
        if dead:
            store.outbox.revive(system.name, utc_now())
        drained = drain(store.outbox, system.name, receivers.channels, WallClock(), limit_s or system.notify.drain_s)
    left = sum(drained.waiting.values())
    _print_drained(drained, receivers, left)
    if left or drained.count(DeliveryState.DEAD):
        raise typer.Exit(1)


@app.command()
def heartbeat(target: Target) -> None:
    """Look whether the night that was due left a result, and tell of it; run it by something that outlives the night.

    Exit codes: 0 there is one, or none is due; 1 there is none.
    """
    from recloser.notify import WallClock, check_heartbeat  # noqa: PLC0415 - slow to import

    system, receivers = _receivers(target)
    if system.alerts.expected_by is None:
        raise RecloserError('nothing is expected of this target: declare [alerts] expected_by = "07:00"')
    with open_store() as store:
        finding, drained = check_heartbeat(store, system, receivers, WallClock())
    _print_drained(drained, receivers, sum(drained.waiting.values()))
    if finding is not None:
        typer.echo(f"{finding.title}: {finding.text}")
        raise typer.Exit(1)
    typer.echo("there is a result, or none is due")


@app.command()
def silence(
    fingerprint: Annotated[str, typer.Argument(help="The id that a message or an issue shows.")],
    lasting: Annotated[str, typer.Option("--for", help="12h, 7d, 2w; 0d ends a silence.")],
    why: Annotated[str, typer.Option(help="For whoever wonders.")],
    who: Annotated[str | None, typer.Option(help="Who asks; default: the user of this machine.")] = None,
) -> None:
    """Tell nobody of a fingerprint for a while; what was told already is still said to be over when it is."""
    now, redact = utc_now(), Redactor(())
    word = Silence(
        fingerprint=shown(fingerprint, redact),
        until=now + parse_duration(lasting),
        why=shown(why, redact),
        who=shown(who or this_user(), redact),
        at=now,
    )
    with open_store() as store:
        store.outbox.silence(word)
    typer.echo(f"{word.fingerprint} is silent until {word.until:%Y-%m-%d %H:%M} UTC")


@app.command()
def silences() -> None:
    """List the silences in force."""
    with open_store() as store:
        found = store.outbox.silences(utc_now())
    for one in found:
        typer.echo(f"{one.fingerprint}  until {one.until:%Y-%m-%d %H:%M} UTC  {one.who}: {one.why}")
    if not found:
        typer.echo("none")


@app.command()
def prune(older_than: Retention = None) -> None:
    """Forget notices, alerts and silences that came to their end long ago; what waits or lasts stays."""
    with open_store() as store:
        typer.echo(f"{store.outbox.forget(kept_since(older_than))} forgotten")


def parse_duration(text: str) -> timedelta:
    """A time span such as `12h`, `7d`, `2w`.

    Raises:
        BadParameter: It is none, or longer than a year.
    """
    if text[-1:] in UNITS and text[:-1].isdecimal() and len(text) <= len("9999h"):
        span = int(text[:-1]) * UNITS[text[-1]]
        if span <= timedelta(days=366):
            return span
    raise typer.BadParameter(f"--for {text!r}: expected a time span such as 12h, 7d or 2w, a year at most")


def _receivers(target: str) -> tuple[System, Receivers]:
    try:
        from recloser.notify import receivers_of  # noqa: PLC0415 - slow to import
    except ModuleNotFoundError as error:
        raise RecloserError(f"{error.name} is not installed; `recloser notify` needs `recloser[nightly]`") from error
    system = load_system(target)
    return system, receivers_of(system, os.environ, load_settings().home)


def _tried(system: System, receivers: Receivers, name: str) -> tuple[bool, str]:
    from recloser.notify import NotifyError, WallClock, try_channel  # noqa: PLC0415 - slow to import

    if name in receivers.missing:
        return False, receivers.missing[name]
    try:
        said = try_channel(system.name, name, receivers.channels[name], WallClock())
    except NotifyError as error:
        return False, shown(str(error), receivers.redact, limit=300)
    return True, shown(said, receivers.redact, limit=300)


def _line(delivery: Delivery) -> str:
    outcome = delivery.receipt or delivery.error or "not tried yet"
    subjects = ", ".join(line.finding.title for line in delivery.notice.lines[:2])
    more = f" and {len(delivery.notice.lines) - 2} more" if len(delivery.notice.lines) > 2 else ""  # noqa: PLR2004
    head = f"{delivery.created_at:%Y-%m-%d %H:%M}  {delivery.target}/{delivery.channel}  {delivery.notice.purpose}"
    return shown(f"{head}  {subjects}{more}  [{outcome}]", Redactor(()), limit=240)


def _print_drained(drained: Drained, receivers: Receivers, left: int) -> None:
    for name, counts in sorted(drained.counts.items()):
        said = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        if said:
            typer.echo(f"{name}: {said}")
    for name in drained.stuck:
        typer.echo(f"{name}: did not come back within the time limit")
    for name, why in drained.broken.items():
        typer.echo(f"{name}: {why}")
    for why in receivers.missing.values():
        typer.echo(f"not configured: {why}")
    typer.echo(f"{left} waiting" if left else "nothing is waiting")

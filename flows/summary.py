"""The end of a healing on standard output: verdict, attempts, changes, figures; plain text, never markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from recloser.report import between, duration, usd

if TYPE_CHECKING:
    from recloser.values import AttemptRecord, Incident, Metrics, Money


def print_summary(incident: Incident) -> None:
    """Print what a person needs to decide what to do next."""
    console = Console(highlight=False)
    style = "bold green" if incident.verdict.is_success else "bold red"
    console.print()
    console.print(Text.assemble((incident.verdict.upper(), style), f"  incident {incident.incident_id}"))
    console.print(Text(incident.reason))
    console.print()
    console.print(_attempts(incident))
    if incident.changes:
        console.print()
        console.print(_changes(incident))
    if incident.metrics:
        console.print()
        console.print(Text(_figures(incident.metrics)))
    if incident.money:
        console.print(Text(_bill(incident.money)))


def _attempts(incident: Incident) -> Table:
    table = Table("#", "state", "exit", "memory", "time", Column("cause", overflow="fold"), box=None)
    for attempt in incident.attempts:
        table.add_row(*(Text(cell) for cell in _attempt(attempt)))
    return table


def _attempt(attempt: AttemptRecord) -> tuple[str, ...]:
    return (
        str(attempt.number),
        str(attempt.state or "not submitted"),
        "" if attempt.exit_code is None else str(attempt.exit_code),
        f"{attempt.memory_mib} MiB" if attempt.memory_mib else "",
        between(attempt.started_at, attempt.stopped_at),
        f"{attempt.diagnosis.cause}: {attempt.diagnosis.summary}" if attempt.diagnosis else "",
    )


def _changes(incident: Incident) -> Table:
    table = Table("after", "change", "state", Column("to keep it", overflow="fold"), box=None)
    for change in incident.changes:
        table.add_row(str(change.attempt), Text(change.summary), str(change.state), Text(change.permanent))
    return table


def _figures(metrics: Metrics) -> str:
    return (
        f"time to detect {duration(metrics.time_to_detect_s)} · "
        f"time to recover {duration(metrics.time_to_recover_s)} · "
        f"{metrics.attempts} attempts · {metrics.changes_applied} changes ({metrics.changes_reverted} reverted) · "
        f"{metrics.manual_interventions} manual interventions · {duration(metrics.wall_s)} in all"
    )


def _bill(money: Money) -> str:
    spent = f"cost {usd(money.spent_usd)}"
    return f"{spent} · not spent on {money.refused_retries} doomed retries: {usd(money.saved_usd)} ({money.prices})"

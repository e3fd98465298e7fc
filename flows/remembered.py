"""Past incidents on a terminal: plain text in tables, never markup; times are UTC."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from flows.summary import print_summary
from recloser.redaction import clean
from recloser.report import moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recloser.healing.memory import Replayed
    from recloser.values import AttemptRecord, Cause, Incident, Label


def causes_of(incident: Incident) -> tuple[Cause, ...]:
    """What its attempts failed of, in order, each once."""
    return tuple(dict.fromkeys(attempt.diagnosis.cause for attempt in incident.attempts if attempt.diagnosis))


def print_list(incidents: Sequence[Incident], labels: Mapping[str, Label]) -> None:
    """One line for each."""
    if not incidents:
        _print("no incidents")
        return
    widest = max(len(incident.incident_id) for incident in incidents)
    table = Table(
        Column("incident", no_wrap=True, min_width=widest),
        Column("opened (UTC)", no_wrap=True, min_width=len("2026-05-04 03:02")),
        Column("target", overflow="fold"),
        Column("verdict", no_wrap=True, min_width=len("locked-out")),
        Column("#", justify="right"),
        Column("causes", overflow="fold"),
        box=None,
    )
    for incident in incidents:
        label = labels.get(incident.incident_id)
        told = f" (labelled {label.cause} by {label.who})" if label else ""
        cells = (
            incident.incident_id,
            f"{incident.opened_at.astimezone(UTC):%Y-%m-%d %H:%M}",
            incident.target,
            incident.verdict,
            len(incident.attempts),
            ", ".join(causes_of(incident)) + told,
        )
        table.add_row(*(Text(clean(str(cell))) for cell in cells))
    Console(highlight=False).print(table)


def print_incident(incident: Incident, labels: Sequence[Label]) -> None:
    """One incident, with the evidence of each failure."""
    print_summary(incident)
    for attempt in incident.attempts:
        if attempt.diagnosis:
            _print_failure(attempt)
    for label in labels:
        note = f": {label.note}" if label.note else ""
        _print(f"label    {label.cause}, by {label.who} on {moment(label.at)}{note}")
    _print(f"opened   {moment(incident.opened_at)}, closed {moment(incident.closed_at)}")


def _print_failure(attempt: AttemptRecord) -> None:
    diagnosis = attempt.diagnosis
    if diagnosis is None:
        return
    _print("")
    _print(f"attempt {attempt.number}: {diagnosis.cause} ({diagnosis.confidence:.0%}, {diagnosis.signature})", "bold")
    for line in diagnosis.evidence:
        _print(f"  {line.source}: {line.text}", "dim")
    for sentence in diagnosis.remembered:
        _print(f"  memory: {sentence}")
    for gap in diagnosis.not_checked:
        _print(f"  not checked: {gap}", "dim")


def print_replay(found: Sequence[Replayed]) -> None:
    """What has changed, attempt by attempt."""
    if not found:
        _print("no evidence was kept of this incident: it had no failure, or was written by an older Recloser")
    for one in found:
        differences = one.differences
        _print(f"attempt {one.attempt}: {one.now.cause} ({one.now.confidence:.0%})", "bold")
        for name, was, now in differences:
            _print(f"  {name}: {was or '(none)'} → {now or '(none)'}")
        if not differences:
            _print("  as before")
        for gap in one.now.not_checked:
            _print(f"  not checked: {gap}", "dim")


def _print(line: str, style: str = "") -> None:
    Console(highlight=False, soft_wrap=True).print(Text(clean(line), style=style))

"""The quarantine on a terminal: plain text, never markup, whatever a test is called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from recloser.redaction import clean
from recloser.values import FlakeStanding, QuarantineEntry, ReleaseStanding, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from recloser.quarantine import Quarantine


class Told(Value):
    """All that is said of one test."""

    suite: str
    test: str
    nights: int
    """In which its suite ran."""
    entry: QuarantineEntry | None
    standings: tuple[FlakeStanding, ...]
    release: ReleaseStanding | None


def print_entries(quarantine: Quarantine, at: datetime) -> None:
    """A few lines for each entry, in the order of the file."""
    if not quarantine.entries:
        _line(f"nothing is in quarantine ({quarantine.file})")
    for entry in quarantine.entries:
        _line(f"{entry.test}  (suite {entry.suite})")
        for line in _about(entry, at):
            _line(f"  {line}")


def print_entries_json(entries: Iterable[QuarantineEntry], at: datetime) -> None:
    """The same for a program."""
    rows = [entry.model_dump(mode="json") | {"expired": entry.is_expired(at)} for entry in entries]
    typer.echo(json.dumps(rows, indent=2))


def print_change(what: str, entry: QuarantineEntry, file: Path) -> None:
    """One line that says what was written."""
    _line(f"{what}: {entry.test} (suite {entry.suite}) in {file}")


def print_why(told: Told, at: datetime) -> None:
    """The evidence."""
    _line(f"{told.test}  (suite {told.suite}, {told.nights} nights)")
    for line in _about(told.entry, at) if told.entry else ("not in quarantine",):
        _line(f"  {line}")
    if not told.standings:
        _line("the store has no outcome of it")
    for standing in told.standings:
        _line(f"environment {standing.environment or 'unknown'}, tier {standing.tier}")
        for line in _evidence(standing):
            _line(f"  {line}")
    if told.release is not None:
        _line(f"release: {told.release.sentence}{'' if told.release.is_due else ' so far'}")


def _about(entry: QuarantineEntry, at: datetime) -> Iterator[str]:
    until = "EXPIRED" if entry.is_expired(at) else "until"
    issue = f", {entry.issue}" if entry.issue else ""
    yield f"in quarantine since {entry.since}, {until} {entry.expires}, owner {entry.owner}{issue}"
    yield entry.reason


def _evidence(standing: FlakeStanding) -> Iterator[str]:
    tally = standing.tally
    probed = ", a probe failed in one of them" if standing.positive_probe else ""
    yield f"states: {standing.states}, mixed: {standing.mixed_states}{probed}"
    above = "above" if standing.score > standing.threshold else "not above"
    yield f"score: {standing.score:.2%}, {above} the threshold of {standing.threshold:.0%}"
    if tally.runs:
        of = f"{tally.failures} of {tally.runs} runs where it also passed"
        yield f"failure rate: {standing.rate:.1%} ({standing.low:.1%} to {standing.high:.1%} at 90 %), {of}"
        yield from _missed(standing)
    else:
        yield "failure rate: unknown, it passed in no state"
    yield f"change point: {_change(standing)}"
    yield f"verdict: {_verdict(standing)}"


def _missed(standing: FlakeStanding) -> Iterator[str]:
    """That it never failed does not say that it is not flaky."""
    if not standing.tally.failures:
        from recloser.analytics.flakes import chance_to_miss  # noqa: PLC0415 - scipy takes a second to import

        chance = float(chance_to_miss(standing.threshold, standing.tally.runs))
        yield f"one that fails {standing.threshold:.0%} of the time would pass so often with {chance:.0%}"


def _change(standing: FlakeStanding) -> str:
    if not standing.changed_in or standing.rate_before is None or standing.rate_after is None:
        return "none"
    rates = f"failed {standing.rate_before:.0%} before and {standing.rate_after:.0%} after"
    said = "broken since then" if standing.broken else "not enough to call it broken"
    return f"{standing.changed_in} ({rates}; ln Bayes factor {standing.change_evidence:.1f}): {said}"


def _verdict(standing: FlakeStanding) -> str:
    if standing.broken:
        return "broken: to be repaired, not quarantined"
    if standing.quarantine:
        return "flaky enough for quarantine"
    if standing.mixed_states:
        return "suspect: it passed and failed on the same code, but the evidence does not suffice for quarantine"
    return "nothing speaks for quarantine"


def _line(text: str) -> None:
    typer.echo(clean(text, limit=5_000))

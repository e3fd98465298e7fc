"""An incident's attempts and changes as rows of a table.

The Prefect UI renders a table artifact's cells as Markdown, so the cells are escaped like those of the report.
"""

from collections.abc import Iterable

from recloser.report.markdown import NOTHING, Markdown, cell_code, escape_inline
from recloser.report.times import between, moment
from recloser.report.words import changes_after, left_out, level_words, percent, prose, state_words, usd
from recloser.values import AttemptRecord, ChangeRecord, Incident, Standing

ATTEMPT_COLUMNS = ("#", "job id", "state", "exit", "cause", "memory", "duration", "cost", "changed after it")
CHANGE_COLUMNS = ("change", "after attempt", "remedy", "level", "state", "summary", "note", "settled")

RECORD_COLUMNS = ("remedy", "signature", "tried", "worked", "expected", "last", "state")


def record_rows(standings: Iterable[Standing]) -> list[dict[str, str]]:
    """One row for each remedy and signature: how often it was tried and worked, and whether it is still used."""
    return [_row(RECORD_COLUMNS, _record_cells(standing)) for standing in standings]


def attempt_rows(incident: Incident) -> list[dict[str, str]]:
    """One row for each attempt, its cells safe as Markdown and without a line end."""
    return [_row(ATTEMPT_COLUMNS, cells) for cells in attempt_cells(incident)]


def change_rows(incident: Incident) -> list[dict[str, str]]:
    """One row for each change, its cells safe as Markdown and without a line end."""
    return [_row(CHANGE_COLUMNS, _change_cells(change)) for change in incident.changes]


def attempt_cells(incident: Incident) -> list[tuple[Markdown, ...]]:
    """The cells of each attempt, in the order of `ATTEMPT_COLUMNS`."""
    return [
        _attempt_cells(attempt, _without(left_out(incident, attempt)) or _changed(changes_after(incident, attempt)))
        for attempt in incident.attempts
    ]


def _changed(changes: tuple[ChangeRecord, ...]) -> Markdown:
    return Markdown("; ".join(f"{prose(change.summary)} ({change.state})" for change in changes))


def _without(changes: tuple[ChangeRecord, ...]) -> Markdown:
    told = "; ".join(f"“{prose(change.summary)}”" for change in changes)
    return Markdown(told and f"(a trial without {told})")


def _row(columns: tuple[str, ...], cells: tuple[Markdown, ...]) -> dict[str, str]:
    return {column: str(cell) for column, cell in zip(columns, cells, strict=True)}


def _attempt_cells(attempt: AttemptRecord, changed: Markdown) -> tuple[Markdown, ...]:
    return (
        Markdown(attempt.number),
        cell_code(attempt.job_id) if attempt.job_id else NOTHING,
        Markdown(state_words(attempt)),
        NOTHING if attempt.exit_code is None else Markdown(attempt.exit_code),
        cell_code(attempt.diagnosis.cause) if attempt.diagnosis else NOTHING,
        NOTHING if attempt.memory_mib is None else Markdown(f"{attempt.memory_mib} MiB"),
        Markdown(between(attempt.started_at, attempt.stopped_at)),
        Markdown(usd(attempt.cost_usd)),
        changed or NOTHING,
    )


def _change_cells(change: ChangeRecord) -> tuple[Markdown, ...]:
    return (
        cell_code(change.change_id),
        Markdown(change.attempt),
        cell_code(change.remedy),
        escape_inline(level_words(change.level)),
        Markdown(change.state.value),
        prose(change.summary),
        prose(change.note) or NOTHING,
        Markdown(moment(change.settled_at)),
    )


def _record_cells(standing: Standing) -> tuple[Markdown, ...]:
    return (
        cell_code(standing.remedy),
        cell_code(standing.signature),
        Markdown(standing.tried),
        Markdown(standing.worked),
        Markdown(percent(standing.expected)),
        Markdown(moment(standing.last)),
        Markdown("retired" if standing.retired else "in use"),
    )

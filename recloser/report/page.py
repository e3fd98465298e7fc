"""The page: an incident arranged in the order a person needs it, every text in it Markdown already."""

import platform
from dataclasses import dataclass

from recloser import __version__
from recloser.report.fleet import FLEET_COLUMNS, fleet_cells, fleet_facts
from recloser.report.markdown import EMPTY, NOTHING, Markdown, cell_code, code_span, fence, table_row
from recloser.report.money import money_lines
from recloser.report.patch import patch_lines
from recloser.report.rows import ATTEMPT_COLUMNS, attempt_cells
from recloser.report.story import next_steps, verdict_sentence, what_happened
from recloser.report.times import duration, moment
from recloser.report.words import (
    clip,
    has_failed,
    left_out,
    level_words,
    passage,
    percent,
    prose,
    sentence,
    trial_words,
)
from recloser.values import AttemptRecord, ChangeRecord, Diagnosis, EvidenceLine, Incident, OutputCheck

LOG_LINES = 200
"""Lines of a log excerpt that are shown, from its end."""
LOG_LINE_LIMIT = 500
"""Characters of one log line that are shown."""

Lines = tuple[Markdown, ...]


@dataclass(frozen=True, slots=True)
class FailurePart:
    """One failed attempt."""

    title: Markdown
    facts: Lines
    evidence: Lines
    memory: Lines
    ruled_out: Lines
    not_checked: Lines
    log: Markdown


@dataclass(frozen=True, slots=True)
class ChangePart:
    """One change."""

    title: Markdown
    facts: Lines
    diff: Markdown
    permanent: Markdown
    undo: Markdown


@dataclass(frozen=True, slots=True)
class Page:
    """All that the template places."""

    title: Markdown
    verdict: Markdown
    happened: Markdown
    reason: Markdown
    steps: Lines
    attempts: Lines
    failures: tuple[FailurePart, ...]
    changes: tuple[ChangePart, ...]
    patch: Lines
    fleet: Lines
    trials: Lines
    outputs: Lines
    money: Lines
    metrics: Lines
    footer: Lines


def page_of(incident: Incident) -> Page:
    """Arrange an incident."""
    return Page(
        title=Markdown(f"{prose(incident.target) or EMPTY}: {incident.verdict}"),
        verdict=verdict_sentence(incident),
        happened=what_happened(incident),
        reason=sentence(incident.reason) if incident.reason.strip() else Markdown("No reason was recorded."),
        steps=next_steps(incident),
        attempts=_table(ATTEMPT_COLUMNS, attempt_cells(incident)),
        failures=tuple(_failure(attempt) for attempt in incident.attempts if has_failed(attempt)),
        changes=tuple(_change(number, change) for number, change in enumerate(incident.changes, start=1)),
        patch=patch_lines(incident),
        fleet=(*fleet_facts(incident), *_gap(_table(FLEET_COLUMNS, fleet_cells(incident)))),
        trials=_table(("attempt", "without", "outcome"), _trial_cells(incident)),
        money=money_lines(incident),
        outputs=_table(("output", "valid", "detail"), [_output_cells(check) for check in _last_outputs(incident)]),
        metrics=_table(("metric", "value"), _metric_cells(incident)),
        footer=_footer(incident),
    )


def _table(columns: tuple[str, ...], rows: list[tuple[Markdown, ...]]) -> Lines:
    if not rows:
        return ()
    head = table_row(map(Markdown, columns))
    return (head, table_row([Markdown("---")] * len(columns)), *map(table_row, rows))


def _gap(lines: Lines) -> Lines:
    """A table needs an empty line before it."""
    return (Markdown(), *lines) if lines else ()


def _failure(attempt: AttemptRecord) -> FailurePart:
    diagnosis = attempt.diagnosis
    return FailurePart(
        title=Markdown(f"Attempt {attempt.number}"),
        facts=(*_diagnosis_facts(diagnosis), *_hidden_facts(attempt), *_batch_facts(attempt)),
        evidence=tuple(map(_evidence, diagnosis.evidence)) if diagnosis else (),
        memory=tuple(map(sentence, diagnosis.remembered)) if diagnosis else (),
        ruled_out=tuple(Markdown(f"{code_span(out.cause)}: {sentence(out.why)}") for out in diagnosis.ruled_out)
        if diagnosis
        else (),
        not_checked=tuple(map(prose, diagnosis.not_checked)) if diagnosis else (),
        log=_log(attempt.log_excerpt),
    )


def _diagnosis_facts(diagnosis: Diagnosis | None) -> Lines:
    if diagnosis is None:
        return (Markdown("**Cause:** not diagnosed"),)
    cause = f"**Cause:** {code_span(diagnosis.cause)}, confidence {percent(diagnosis.confidence)}"
    about = f", about {code_span(diagnosis.subject)}" if diagnosis.subject else ""
    known_by = f"**Recognised by:** signature {code_span(diagnosis.signature)}"
    return Markdown(cause + about), Markdown(f"**Why:** {sentence(diagnosis.summary)}"), Markdown(known_by)


def _hidden_facts(attempt: AttemptRecord) -> Lines:
    if attempt.masked_by is None:
        return ()
    return (Markdown(f"**Hidden until now:** behind {code_span(attempt.masked_by)}, which had to be cleared first"),)


def _batch_facts(attempt: AttemptRecord) -> Lines:
    facts = (
        ("Job", code_span(attempt.job_name)),
        ("Region", attempt.region and code_span(attempt.region)),
        ("Definition", code_span(attempt.definition)),
        ("Image", attempt.image and code_span(attempt.image)),
        ("Status reason", prose(attempt.status_reason or "")),
        ("Container reason", prose(attempt.container_reason or "")),
    )
    return tuple(Markdown(f"**{name}:** {text}") for name, text in facts if text)


def _evidence(line: EvidenceLine) -> Markdown:
    return Markdown(f"{prose(line.source)}: {code_span(clip(line.text, LOG_LINE_LIMIT))}")


def _log(lines: tuple[str, ...]) -> Markdown:
    left_out = len(lines) - LOG_LINES
    note = (f"({left_out:,} earlier lines left out)",) if left_out > 0 else ()
    # A line of the log is one line of the report, whatever it holds.
    shown = (" ".join(clip(line, LOG_LINE_LIMIT).splitlines()) for line in lines[-LOG_LINES:])
    return fence("\n".join((*note, *shown))) if lines else Markdown("There is no log excerpt.")


def _change(number: int, change: ChangeRecord) -> ChangePart:
    note = f" ({prose(change.note)})" if change.note else ""
    return ChangePart(
        title=Markdown(f"Change {number}: {prose(change.summary)}"),
        facts=(
            Markdown(f"**State:** {change.state}{note}, since {moment(change.settled_at or change.planned_at)}"),
            Markdown(f"**Level:** {level_words(change.level)}"),
            Markdown(f"**Answers:** {code_span(change.cause)} of attempt {change.attempt}"),
            Markdown(f"**Remedy:** {code_span(change.remedy)}, change id {code_span(change.change_id)}"),
            *([Markdown(f"**Touches:** {prose(change.blast_radius)}")] if change.blast_radius else []),
            *([Markdown(f"**Costs:** {prose(change.cost)}")] if change.cost else []),
        ),
        diff=fence(change.diff, "diff"),
        permanent=passage(change.permanent),
        undo=passage(change.undo),
    )


def _trial_cells(incident: Incident) -> list[tuple[Markdown, ...]]:
    return [
        (
            Markdown(attempt.number),
            Markdown("; ".join(prose(change.summary) for change in left_out(incident, attempt))),
            Markdown(trial_words(incident, attempt)),
        )
        for attempt in incident.attempts
        if attempt.without
    ]


def _last_outputs(incident: Incident) -> tuple[OutputCheck, ...]:
    return next((attempt.outputs for attempt in reversed(incident.attempts) if attempt.outputs), ())


def _output_cells(check: OutputCheck) -> tuple[Markdown, ...]:
    return cell_code(check.uri), Markdown("yes" if check.ok else "**no**"), prose(check.detail) or NOTHING


def _metric_cells(incident: Incident) -> list[tuple[Markdown, ...]]:
    if (metrics := incident.metrics) is None:
        return []
    figures = {
        "success": "yes" if incident.verdict.is_success else "no",
        "time to detect (mean)": duration(metrics.time_to_detect_s),
        "time to recover": duration(metrics.time_to_recover_s),
        "attempts": metrics.attempts,
        "changes applied": metrics.changes_applied,
        "changes reverted": metrics.changes_reverted,
        "manual interventions": metrics.manual_interventions,
        "one turn of the loop (median)": duration(metrics.turn_s),
        "whole duration": duration(metrics.wall_s),
    }
    return [(Markdown(name), Markdown(value)) for name, value in figures.items()]


def _footer(incident: Incident) -> Lines:
    data = "freshly generated test data" if incident.test_data else "the declared known-good data"
    return (
        Markdown(f"Incident {code_span(incident.incident_id)} of {code_span(incident.target)}"),
        Markdown(f"opened {moment(incident.opened_at)}, closed {moment(incident.closed_at)}"),
        Markdown(f"fix mode {incident.fix_mode}, at most {incident.iterations} attempts, on {data}"),
        Markdown(f"written by Recloser {__version__} on Python {platform.python_version()}"),
    )

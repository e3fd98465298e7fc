"""What became of each job of a fleet; a long table is cut, and says so."""

from collections import Counter

from recloser.report.markdown import NOTHING, Markdown, cell_code, code_span
from recloser.report.words import prose, usd
from recloser.values import Fleet, FleetJob, Incident, JobState

FLEET_COLUMNS = ("failed job", "resubmitted as", "state", "exit", "cost", "reason")
ROWS = 50
"""Jobs that are shown one by one: those that do not work first. All of them are in `incident.json`."""


def fleet_facts(incident: Incident) -> tuple[Markdown, ...]:
    """How many, of what, and how they ended."""
    fleet = incident.fleet
    if fleet is None:
        return ()
    states = Counter(job.state.value if job.state else "not ended" for job in fleet.jobs)
    told = ", ".join(f"{count} {state}" for state, count in states.most_common())
    shown = min(len(fleet.jobs), ROWS)
    return (
        Markdown(
            f"{len(fleet.jobs)} jobs of definition {code_span(fleet.definition)} failed on {code_span(fleet.queue)} "
            f"with one fingerprint ({code_span(fleet.fingerprint)}): one diagnosis, the same changes for all."
        ),
        Markdown(),
        Markdown(f"Their resubmissions: {told}. {_arrays(fleet)}{shown} of {len(fleet.jobs)} are shown."),
    )


def fleet_cells(incident: Incident) -> list[tuple[Markdown, ...]]:
    """The cells of each job that is shown, those that do not work first."""
    jobs = incident.fleet.jobs if incident.fleet else ()
    return [_cells(job) for job in sorted(jobs, key=lambda job: job.state is JobState.SUCCEEDED)[:ROWS]]


def fleet_rows(incident: Incident) -> list[dict[str, str]]:
    """One row for each job that is shown, its cells safe as Markdown."""
    return [
        {column: str(cell) for column, cell in zip(FLEET_COLUMNS, cells, strict=True)}
        for cells in fleet_cells(incident)
    ]


def _cells(job: FleetJob) -> tuple[Markdown, ...]:
    source = job.source_id if job.index is None else f"{job.source_id}:{job.index}"
    return (
        cell_code(source),
        cell_code(job.job_id) if job.job_id else NOTHING,
        Markdown(job.state.value if job.state else "not ended"),
        NOTHING if job.exit_code is None else Markdown(job.exit_code),
        Markdown(usd(job.cost_usd)),
        prose(job.reason) or NOTHING,
    )


def _arrays(fleet: Fleet) -> str:
    if not any(job.whole_array for job in fleet.jobs):
        return ""
    return (
        "Arrays were resubmitted whole, because only Batch may set AWS_BATCH_JOB_ARRAY_INDEX; with "
        "`[fleet] index_variable` their failed children alone would be. "
    )

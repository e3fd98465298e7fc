"""Collect what is known of an ended attempt. Whatever cannot be read is named as a gap and hides nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recloser.aws import LOG_GROUP, AwsError
from recloser.healing.outputs import check_outputs
from recloser.values import Evidence, JobSnapshot, JobState, JobTableRow, LogTail, utc_now

if TYPE_CHECKING:
    from recloser.healing.site import Site
    from recloser.redaction import Redactor


_TROUBLE = re.compile(r"error|exception|traceback|fatal|denied|panic|killed|not set|unbound|infeasible", re.IGNORECASE)
_BEFORE, _AFTER = 60, 60
"""Lines kept around the last sign of trouble, where the end of the log shows none."""


def collect(site: Site, job: JobSnapshot) -> Evidence:
    """Read log, job table row and declared outputs of an ended job.

    Args:
        site: The target in its account.
        job: The job as last described, in a terminal state.
    """
    gaps: list[str] = []
    redact = site.redactor(job)
    return Evidence(
        job=_redacted(job, redact),
        log=_log(site, job, redact, gaps),
        row=_row(site, job.job_id, gaps),
        outputs=check_outputs(site, job) if job.state is JobState.SUCCEEDED else (),
        gaps=tuple(gaps),
        collected_at=utc_now(),
    )


def _redacted(job: JobSnapshot, redact: Redactor) -> JobSnapshot:
    def safe(text: str | None) -> str | None:
        return None if text is None else redact(text)

    attempts = tuple(
        attempt.model_copy(
            update={
                "container_reason": safe(attempt.container_reason),
                "status_reason": safe(attempt.status_reason),
            }
        )
        for attempt in job.attempts
    )
    return job.model_copy(update={"status_reason": safe(job.status_reason), "attempts": attempts})


def _log(site: Site, job: JobSnapshot, redact: Redactor, gaps: list[str]) -> LogTail:
    stream = job.last_attempt.log_stream or job.log_stream
    if stream is None:
        return LogTail(note="Batch names no log stream: the container did not start")
    try:
        tail = site.account.logs.tail(stream, lines=site.target.watch.log_lines, redact=redact, group=_group(job))
    except AwsError as error:
        gaps.append(f"log: {error}")
        return LogTail(stream=stream, note="the log could not be read")
    if tail.note:
        gaps.append(f"log: {tail.note}")
    if job.state is JobState.SUCCEEDED or any(_TROUBLE.search(line.text) for line in tail.lines):
        return tail
    return _with_window(site, stream, tail, redact, gaps, group=_group(job))


def _group(job: JobSnapshot) -> str:
    return job.log_options.get("awslogs-group", LOG_GROUP)


def _with_window(site: Site, stream: str, tail: LogTail, redact: Redactor, gaps: list[str], *, group: str) -> LogTail:
    """The end of the log shows no trouble: look further back for the last line that does."""
    try:
        found = site.account.logs.window(stream, _TROUBLE, before=_BEFORE, after=_AFTER, redact=redact, group=group)
    except AwsError as error:
        gaps.append(f"log before its last {len(tail.lines)} lines: {error}")
        return tail
    older = tuple(line for line in found if not tail.lines or line.at < tail.lines[0].at)
    return tail.model_copy(update={"lines": (*older, *tail.lines)})


def _row(site: Site, job_id: str, gaps: list[str]) -> JobTableRow | None:
    try:
        return read_row(site, job_id)
    except AwsError as error:
        gaps.append(f"job table: {error}")
        return None


def read_row(site: Site, job_id: str) -> JobTableRow | None:
    """The job's row in the declared job table, where one is declared and written.

    Raises:
        AwsError: The table cannot be read.
    """
    table = site.target.watch.job_table
    if table is None:
        return None
    return site.account.job_table.row(
        table.name, job_id, key=table.key, status=table.status, phase=table.phase, heartbeat=table.heartbeat
    )

"""Which failed jobs a person means: what `--failed-on`, `--since` and `--jobs` say."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from recloser.healing import NotReady

_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_JOB_ID = re.compile(r"[A-Za-z0-9-]{1,64}(?::\d{1,4})?")
_LEAST_ITERATIONS = 2
_LONGEST_S = 7 * 86_400
"""Batch keeps ended jobs for at least seven days."""


def selection(
    failed_on: str | None, since: str, jobs: str | None, *, iterations: int, alone: bool
) -> dict[str, Any] | None:
    """The parameters of the fleet's flow; None if a single job is meant.

    Args:
        failed_on: A queue.
        since: A span of time such as `2h`.
        jobs: A file of job ids, `-` for standard input.
        iterations: How many attempts may be made; the failed job is the first of them.
        alone: Whether options were given that make sense for a single job only.

    Raises:
        NotReady: They contradict each other, or cannot be read.
    """
    since_s = span_s(since)
    if failed_on is None and jobs is None:
        return None
    if failed_on is not None and jobs is not None:
        raise NotReady("give either --failed-on or --jobs: they name the failed jobs in two ways")
    if alone:
        raise NotReady("--use-test-data and --minimise are for one job; leave them out with --failed-on and --jobs")
    if iterations < _LEAST_ITERATIONS:
        raise NotReady("--iterations: the failed job is the first attempt, so at least 2 are needed to try a change")
    return {"failed_on": failed_on, "since_s": since_s, "jobs": job_ids(jobs) if jobs is not None else ()}


def span_s(text: str) -> float:
    """A span of time in seconds.

    Raises:
        NotReady: It is not one, or longer than Batch keeps ended jobs.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise NotReady(f"--since: {text!r} is no span of time; expected a number and a unit, such as 90m, 2h or 1d")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds <= _LONGEST_S:
        raise NotReady(f"--since: {text} is not between a second and seven days, which is how long Batch keeps jobs")
    return seconds


def job_ids(source: str) -> tuple[str, ...]:
    """The ids in a file, one a line; empty lines and what follows a `#` are left out.

    Raises:
        NotReady: The file cannot be read, holds no id, or holds something else.
    """
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotReady(f"--jobs: {source} cannot be read: {error}") from error
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    ids = tuple(dict.fromkeys(filter(None, lines)))
    wrong = next((line for line in ids if not _JOB_ID.fullmatch(line)), None)
    if wrong is not None:
        raise NotReady(f"--jobs: {wrong[:80]!r} is no job id; expected one id a line, such as 7577205f-…, or PARENT:3")
    if not ids:
        raise NotReady(f"--jobs: {'standard input' if source == '-' else source} names no job")
    return ids

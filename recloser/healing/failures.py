"""Which jobs have failed together? Found on a queue or named by a person, and grouped by what they died of.

Jobs are listed and described by the page; one tail of each failed job's log is read, because an exit code alone tells
too little. One group is one incident: the same definition, the same queue, the same fingerprint.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from recloser.aws import AwsError
from recloser.diagnosis import fingerprint
from recloser.healing.errors import NotReady
from recloser.values import Evidence, JobState, LogTail, Value, Verdict, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recloser.healing.site import Site
    from recloser.store import Store
    from recloser.values import JobSnapshot

_READERS = 8
_LINES = 50
_INCIDENTS = 1_000
MARK = "recloser:incident"
"""The tag of every job that Recloser has submitted."""


class Selection(Value):
    """Which failed jobs a person means: those of a queue, or these."""

    queue: str | None = None
    since_s: float = 7_200
    """How far back a queue is looked at, in seconds."""
    job_ids: tuple[str, ...] = ()
    """Jobs, children of arrays, or whole arrays; of an array, the failed children are meant."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One submission to repeat: a job, one child of an array, or a whole array."""

    source_id: str
    tells: JobSnapshot
    """The failed job whose log says why; of an array, one of its children."""
    index: int | None = None

    @property
    def is_array(self) -> bool:
        """Whether it stands for a whole array."""
        return self.index is None and self.source_id != self.tells.job_id


@dataclass(frozen=True, slots=True)
class Group:
    """Jobs that failed of one cause, as far as their texts tell."""

    queue: str
    definition: str
    fingerprint: str
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Failures:
    """What was found, the largest group first."""

    groups: tuple[Group, ...]
    left_out: Mapping[str, int]
    """Why failed jobs are in no group, and how many for each reason."""


def find_failures(site: Site, store: Store, selection: Selection) -> Failures:
    """Find and group failed jobs of the target.

    Raises:
        NotReady: There are more than `fleet.max_jobs`.
        AwsError: Batch cannot be asked.
    """
    left_out: Counter[str] = Counter()
    units = _units(site, _selected(site, selection, left_out), left_out)
    settled = _settled(store, site.target.name)
    fresh = [unit for unit in units if (unit.source_id, unit.index) not in settled]
    left_out["taken on by an earlier incident"] += len(units) - len(fresh)
    limit = site.target.fleet.max_jobs
    if len(fresh) > limit:
        raise NotReady(
            f"{len(fresh)} failed jobs were found, and the target allows {limit} at once (fleet.max_jobs); "
            "take a shorter time with --since, or name the jobs with --jobs"
        )
    return Failures(groups=_grouped(site, fresh), left_out={why: count for why, count in left_out.items() if count})


def _selected(site: Site, selection: Selection, left_out: Counter[str]) -> dict[str, JobSnapshot]:
    """The jobs that are meant; of arrays, their parents or single children."""
    ids: Iterable[str] = selection.job_ids
    if selection.queue is not None:
        since = utc_now() - timedelta(seconds=selection.since_s)
        ids = (job.job_id for job in site.account.fleet.failed(selection.queue, since=since))
    asked = list(dict.fromkeys(ids))
    known = site.account.batch.describe(asked)
    left_out["not known to Batch any more"] += len(set(asked) - set(known))
    return known


def _units(site: Site, jobs: Mapping[str, JobSnapshot], left_out: Counter[str]) -> list[Unit]:
    meant = {}
    for job_id, job in jobs.items():
        if why := _not_meant(site, job):
            left_out[why] += 1
        else:
            meant[job_id] = job
    children = {job_id: site.account.fleet.failed_children(job_id) for job_id, job in meant.items() if job.array_size}
    described = site.account.batch.describe(child for ids in children.values() for child in ids)
    units = [unit for job in meant.values() if not job.array_size for unit in [_single(site, job)]]
    for parent, ids in children.items():
        units += _of_array(site, parent, [described[child] for child in ids if child in described])
    return list({(unit.source_id, unit.index): unit for unit in units}.values())


def _not_meant(site: Site, job: JobSnapshot) -> str | None:
    name = job.definition_arn.rsplit("/", 1)[-1].split(":")[0]
    if name != site.target.job.definition.rsplit("/", 1)[-1].split(":")[0]:
        return f"of another job definition than {site.target.job.definition}"
    if job.state is not JobState.FAILED:
        return "not failed"
    if job.is_cancelled or job.is_terminated:
        return "stopped by a person"
    return "submitted by Recloser itself" if MARK in job.tags else None


def _single(site: Site, job: JobSnapshot) -> Unit:
    parent, _, index = job.job_id.partition(":")
    if not index:
        return Unit(job.job_id, job)
    # Only Batch sets AWS_BATCH_JOB_ARRAY_INDEX: without a variable of its own a child cannot run outside its array.
    return Unit(parent, job, int(index)) if site.target.fleet.index_variable else Unit(parent, job)


def _of_array(site: Site, parent: str, failed: list[JobSnapshot]) -> list[Unit]:
    if site.target.fleet.index_variable:
        return [_single(site, child) for child in failed]
    return [Unit(parent, failed[0])] if failed else []


def _settled(store: Store, target: str) -> set[tuple[str, int | None]]:
    incidents = store.incidents(target=target, limit=_INCIDENTS)
    return {
        (job.source_id, job.index)
        for incident in incidents
        if incident.fleet is not None
        for job in incident.fleet.jobs
        if job.job_id is not None or incident.verdict is Verdict.OPEN
    }


def _grouped(site: Site, units: list[Unit]) -> tuple[Group, ...]:
    groups: dict[tuple[str, str, str], list[Unit]] = defaultdict(list)
    with ThreadPoolExecutor(_READERS) as readers:
        for unit, print_ in zip(units, readers.map(lambda unit: _fingerprint(site, unit.tells), units), strict=True):
            groups[unit.tells.queue, unit.tells.definition_arn, print_].append(unit)
    found = [Group(queue, definition, print_, tuple(of)) for (queue, definition, print_), of in groups.items()]
    return tuple(sorted(found, key=lambda group: -len(group.units)))


def _fingerprint(site: Site, job: JobSnapshot) -> str:
    stream = job.last_attempt.log_stream or job.log_stream
    try:
        log = site.account.logs.tail(stream, lines=_LINES, redact=site.redactor(job)) if stream else LogTail()
    except AwsError:  # a log that cannot be read leaves the reasons and the exit code
        log = LogTail(note="the log could not be read")
    return fingerprint(Evidence(job=job, log=log, collected_at=utc_now()))

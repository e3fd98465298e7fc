"""The log of the last successful run, to tell what is unusual about a failure: found through the account, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.aws import LOG_GROUP, AwsError
from recloser.values import Value

if TYPE_CHECKING:
    from recloser.healing.site import Site
    from recloser.values import AttemptRecord, JobSnapshot


class GoodLog(Value):
    """What is known of the log of the last successful run."""

    lines: tuple[str, ...] = ()
    """Its end, oldest line first, as many as are read of a failed attempt's; empty where there is none."""
    gap: str | None = None
    """What could not be read of it, in plain words."""


def good_log(site: Site, failed: JobSnapshot, success: AttemptRecord | None) -> GoodLog:
    """Read the log of the last successful run.

    Args:
        site: The target in its account.
        failed: The job to be compared; without a remembered success its queue is searched for one of its definition.
        success: The last success that is remembered; of one that Batch has forgotten, its last lines are.
    """
    try:
        job_id = success.job_id if success else _newest(site, failed)
        if job_id is None:
            return GoodLog(gap="what a good run's log does not have: no successful run is known to compare with")
        job = site.account.batch.describe([job_id]).get(job_id)
        if job is None:
            return _kept(success, f"Batch knows job {job_id}, the last success, no more")
        return _read(site, job, success)
    except AwsError as error:
        return _kept(success, f"the log of the last success: {error}")


def _newest(site: Site, failed: JobSnapshot) -> str | None:
    return site.account.fleet.newest_success(failed.queue, failed.definition_arn)


def _read(site: Site, job: JobSnapshot, success: AttemptRecord | None) -> GoodLog:
    stream = job.last_attempt.log_stream or job.log_stream
    if stream is None:
        return _kept(success, f"job {job.job_id}, the last success, has no log stream")
    group = job.log_options.get("awslogs-group", LOG_GROUP)
    lines = site.target.watch.log_lines
    tail = site.account.logs.tail(stream, lines=lines, redact=site.redactor(job), group=group)
    if tail.note:
        return _kept(success, f"the last success, job {job.job_id}: {tail.note}")
    return GoodLog(lines=tuple(line.text for line in tail.lines))


def _kept(success: AttemptRecord | None, why: str) -> GoodLog:
    """Without the log: the lines that the store keeps of every attempt, and the gap."""
    lines = success.log_excerpt if success else ()
    with_what = f"compared with the {len(lines)} lines kept of it" if lines else "not compared with a good run's log"
    return GoodLog(lines=lines, gap=f"{with_what}: {why}")

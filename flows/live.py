"""Diagnose a job where it ran: evidence is read from the account, and read-only probes check what it suggests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recloser.aws import connect
from recloser.errors import RecloserError
from recloser.healing.diagnosis import diagnose
from recloser.healing.evidence import collect
from recloser.healing.good_log import good_log
from recloser.healing.site import Site, prepare
from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import Target, load_target

if TYPE_CHECKING:
    from recloser.settings import Settings
    from recloser.values import AttemptRecord, Diagnosis, JobSnapshot


class NothingToDiagnoseError(RecloserError):
    """The job cannot be diagnosed: Batch does not know it, or it has not failed."""


def diagnose_job(job_id: str, folder: str | None) -> Diagnosis:
    """Say why a job failed; the account is only read.

    Args:
        job_id: Id of an ended job.
        folder: Where its `recloser.toml` lies; without one only what Batch itself says of the job is known.

    Raises:
        NothingToDiagnoseError: Batch does not know the job (it forgets after about seven days), or it still runs.
        RecloserError: The account cannot be asked, or the target is not valid.
    """
    settings = load_settings()
    account = connect(settings)
    job = account.batch.describe([job_id]).get(job_id)
    if job is None:
        raise NothingToDiagnoseError(
            f"Batch knows no job {job_id!r} in account {account.account_id}, region {account.region}"
        )
    if not job.state.is_terminal:
        raise NothingToDiagnoseError(f"job {job_id} is {job.state}: there is no end to diagnose yet")
    site = Site(target=bare_target(job), account=account) if folder is None else prepare(load_target(folder), account)
    success = None if folder is None else _last_success(settings, site.target.name)
    return diagnose(site, collect(site, job), good_log(site, job, success))


def _last_success(settings: Settings, target: str) -> AttemptRecord | None:
    with Store.open(settings.database_url) as store:
        return store.last_success(target)


def bare_target(job: JobSnapshot) -> Target:
    """What a job says of itself, for one that no `recloser.toml` declares."""
    name = "".join(letter if letter.isalnum() else "-" for letter in job.name.lower()).strip("-")[:60]
    role = (job.job_role_arn or "none").rsplit("/", 1)[-1]
    declared = {
        "name": name or "job",
        "folder": Path.cwd(),
        "job": {"queue": job.queue, "definition": job.definition_arn, "role": role},
    }
    return Target.model_validate(declared)

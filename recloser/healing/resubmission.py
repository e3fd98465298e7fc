"""The others of a fleet: once one of them has proved the change, all are resubmitted with it, each exactly once.

Every intended name is in the store before the first is submitted. A process that takes the work over looks all of
them up with one list of names, and submits only those that are not there.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from pydantic import SecretStr

from recloser.aws import AwsError
from recloser.healing import ledger, submission
from recloser.healing import watch as watching
from recloser.values import Fleet, FleetJob, JobSpec, JobState, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from recloser.healing.casebook import Casebook
    from recloser.healing.failures import Group
    from recloser.healing.narration import Narrator
    from recloser.healing.remedies import Change
    from recloser.healing.site import Site
    from recloser.values import JobSnapshot

_SUBMITTERS = 8
_WRITE_EVERY = 50
_REASON = 300
_REASONS = 5
"""How many different reasons of a fleet's failures are told."""


def fleet_of(site: Site, group: Group, incident_id: str) -> Fleet:
    """The fleet of a group, nothing of it submitted yet."""
    return Fleet(
        queue=group.queue,
        definition=group.definition.rsplit("/", 1)[-1],
        fingerprint=group.fingerprint,
        jobs=tuple(
            FleetJob(
                source_id=unit.source_id,
                index=unit.index,
                whole_array=unit.is_array,
                name=f"{site.target.name}-{incident_id}-j{number}",
                failed_usd=ledger.price_job(unit.tells, site.target.prices),
            )
            for number, unit in enumerate(group.units)
        ),
    )


class Resubmission:
    """The resubmission of a fleet's jobs, from the incident that holds it."""

    def __init__(self, site: Site, book: Casebook, narrator: Narrator, *, polled: Callable[[], None]) -> None:
        """Take it up where it stands; `polled` is called at every look."""
        self._site = site
        self._book = book
        self._narrator = narrator
        self._polled = polled

    @property
    def fleet(self) -> Fleet:
        """The fleet as it stands."""
        fleet = self._book.incident.fleet
        if fleet is None:
            raise AssertionError("only an incident with a fleet is resubmitted")
        return fleet

    @property
    def _sent(self) -> JobSpec:
        """Where the resubmissions go: the changes in force may name another queue, or another region."""
        failed = JobSpec(name=self.fleet.jobs[0].name, queue=self.fleet.queue, definition=self.fleet.definition)
        changes = (planned.change for planned in self._book.live())
        return submission.specify(self._site, name=failed.name, tags={}, changes=changes, base=failed)

    @property
    def _there(self) -> Site:
        return self._site.at(self._sent.region)

    def bases(self, jobs: Iterable[FleetJob]) -> dict[str, JobSpec]:
        """What jobs were submitted with, by the name of their resubmission; a job that Batch has forgotten has none."""
        jobs = tuple(jobs)
        known = self._site.account.fleet.specs(job.source_id for job in jobs)
        return {job.name: self._indexed(known[job.source_id], job) for job in jobs if job.source_id in known}

    def submit(self, changes: tuple[Change, ...], tags: Mapping[str, str], proved: str | None) -> None:
        """Submit what is not submitted yet.

        Args:
            changes: What is in force.
            tags: Of every job.
            proved: Id of the job that proved the changes: it is the first one's resubmission.
        """
        resumed = self.fleet.began_at is not None
        first, *others = self.fleet.jobs
        began = {"began_at": self.fleet.began_at or utc_now()}
        self._write([first.model_copy(update={"job_id": proved, "state": JobState.SUCCEEDED}), *others], **began)
        if resumed:
            self._adopt()
        self._submit_missing(changes, tags)

    def _adopt(self) -> None:
        """Find what a killed process had submitted; a job can be accepted and not listed for a while."""
        watching.rest(self._site.target.watch.list_lag_s)
        there = self._there.account
        known = there.fleet.named(self._sent.queue, f"{self.fleet.jobs[0].name.rpartition('-')[0]}-j")
        adopted = []
        for job in self.fleet.jobs:
            ids = known.get(job.name, ())
            for duplicate in ids[1:]:
                there.batch.terminate(duplicate, f"recloser: a duplicate of {ids[0]}")
            adopted.append(job if job.job_id or not ids else job.model_copy(update={"job_id": ids[0]}))
        self._write(adopted)

    def _submit_missing(self, changes: tuple[Change, ...], tags: Mapping[str, str]) -> None:
        missing = [job for job in self.fleet.jobs if job.job_id is None]
        bases = self.bases(missing)

        def submit(job: FleetJob) -> FleetJob:
            if job.name not in bases:
                return job.model_copy(update={"reason": "not submitted: Batch does not know the failed job any more"})
            told = {**tags, "recloser:retry-of": job.source_id}
            spec = submission.specify(self._site, name=job.name, tags=told, changes=changes, base=bases[job.name])
            try:
                return job.model_copy(update={"job_id": submission.submit_once(self._site, spec)})
            except AwsError as error:
                return job.model_copy(update={"reason": f"not submitted: {error}"[:_REASON]})

        with ThreadPoolExecutor(_SUBMITTERS) as submitters:
            done: list[FleetJob] = []
            for future in as_completed([submitters.submit(submit, job) for job in missing]):
                done.append(future.result())
                if len(done) == _WRITE_EVERY:
                    self._update(done)
                    done = []
            self._update(done)

    def wait(self) -> dict[str, JobSnapshot]:
        """Wait for all of them to end; arrays are watched by their parents.

        Returns:
            Those that had not been known to have ended, by their ids.
        """
        waiting = self.waiting()

        def looked(jobs: Iterable[JobSnapshot]) -> None:
            left = sum(1 for _ in jobs)
            self._polled()
            self._narrator.resubmitted(self.fleet, ended=len(self.fleet.jobs) - left)

        return watching.watch_all(self._there, waiting, looked=looked) if waiting else {}

    def waiting(self) -> list[str]:
        """Ids of the resubmissions that are not known to have ended."""
        return [job.job_id for job in self.fleet.jobs if job.job_id and not (job.state and job.state.is_terminal)]

    def settle(self, ended: Mapping[str, JobSnapshot]) -> None:
        """Write down how jobs have ended."""
        known = [(job, ended.get(job.job_id or "")) for job in self.fleet.jobs]
        self._update(self._ended(job, snapshot) for job, snapshot in known if snapshot is not None)
        self._narrator.resubmitted(self.fleet, ended=len(self.fleet.jobs))

    @property
    def all_work(self) -> bool:
        """Whether every job of the fleet has succeeded."""
        return self.fleet.count(JobState.SUCCEEDED) == len(self.fleet.jobs)

    @property
    def summary(self) -> str:
        """How many work again, and why the others do not."""
        jobs = self.fleet.jobs
        told = f"{self.fleet.count(JobState.SUCCEEDED)} of {len(jobs)} jobs that had failed of one cause work again"
        if self.all_work:
            return f"{told}."
        why = Counter(job.reason or "no reason is given" for job in jobs if job.state is not JobState.SUCCEEDED)
        most = "; ".join(f"{count} x {reason}" for reason, count in why.most_common(_REASONS))
        return f"{told}; the others did not: {most}."

    def stop(self) -> None:
        """Terminate those that have not ended."""
        for job_id in self.waiting():
            self._there.account.batch.terminate(job_id, "Cancelled by recloser: the healing was cancelled")

    def _ended(self, job: FleetJob, snapshot: JobSnapshot) -> FleetJob:
        last = snapshot.last_attempt
        why = last.container_reason or last.status_reason or snapshot.status_reason or ""
        return job.model_copy(
            update={
                "state": snapshot.state,
                "exit_code": last.exit_code,
                "reason": "" if snapshot.state is JobState.SUCCEEDED else self._site.redact(why)[:_REASON],
                "cost_usd": ledger.price_job(snapshot, self._site.target.prices),
            }
        )

    def _indexed(self, base: JobSpec, job: FleetJob) -> JobSpec:
        """One child by itself: not an array, its index in the variable the target declares for it."""
        variable = self._site.target.fleet.index_variable
        if job.index is None or variable is None:
            return base
        environment = {**base.environment, variable: SecretStr(str(job.index))}
        return base.model_copy(update={"array_size": None, "environment": environment})

    def _update(self, changed: Iterable[FleetJob]) -> None:
        by_name = {job.name: job for job in changed}
        self._write([by_name.get(job.name, job) for job in self.fleet.jobs])

    def _write(self, jobs: Iterable[FleetJob], **facts: object) -> None:
        self._book.write_fleet(self.fleet.model_copy(update={"jobs": tuple(jobs), **facts}))

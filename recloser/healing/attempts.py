"""The attempts of one incident: what is submitted, in which region it runs, and how it is watched and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.healing import ledger, submission
from recloser.healing import watch as watching
from recloser.healing.refusal import as_failed_job
from recloser.values import AttemptRecord, JobSnapshot, JobSpec, JobState, utc_now

if TYPE_CHECKING:
    from recloser.healing.casebook import Casebook
    from recloser.healing.narration import Narrator
    from recloser.healing.site import Site
    from recloser.store import Hold


class Attempts:
    """The job of one incident, submitted again and again; which attempt is due is for others to say."""

    def __init__(self, site: Site, book: Casebook, narrator: Narrator, hold: Hold, *, run_id: str) -> None:
        """Take up the attempts where the book has them."""
        self._site = site
        self._book = book
        self._narrator = narrator
        self._hold = hold
        self._run_id = run_id
        self.base: JobSpec | None = None
        """What a job of others was submitted with, if it is that job which is submitted again."""
        self.spec: JobSpec | None = None
        """The latest submission of this process."""

    @property
    def here(self) -> Site:
        """The site of the latest attempt: it may have moved to another region."""
        return self._site.at(self._book.attempt.region)

    @property
    def job_id(self) -> str:
        """The job of the latest attempt; empty while it is only intended."""
        return self._book.attempt.job_id or ""

    def begin_with(self, failed: JobSnapshot, base: JobSpec) -> None:
        """Take a job that has failed already for the first attempt; what is submitted is its like."""
        self.base = base
        if self._book.incident.attempts:
            return
        submitted_at = failed.created_at or utc_now()
        self._book.write_attempt(
            AttemptRecord(
                number=1,
                job_name=failed.name,
                job_id=failed.job_id,
                definition=failed.definition_arn.rsplit("/", 1)[-1],
                submitted_at=submitted_at,
                accepted_at=submitted_at,
            )
        )

    def submit(self, number: int, *, is_left: bool, without: tuple[str, ...]) -> str:
        """Submit an attempt and return its job id.

        Args:
            number: Of the attempt.
            is_left: Whether a process that is gone has begun it: what it has submitted is taken up.
            without: Ids of the changes that a trial goes without.
        """
        name = self._site.target.job.name or self._site.target.name
        self.spec = submission.specify(
            self._site,
            name=f"{name}-{self._book.incident.incident_id}-{number}",
            tags=self.tags(number),
            changes=(one.change for one in self._book.live() if one.record.change_id not in without),
            base=self.base,
        )
        if is_left and self._book.attempt.job_id:
            record = self._book.attempt
        else:
            record = submission.submit(self._site, self._book, self.spec, number, without=without)
        self._narrator.submitted(record)
        return record.job_id or ""

    def tags(self, number: int) -> dict[str, str]:
        """By which a job is found again: its incident, its attempt and the flow run."""
        tags = {"recloser:incident": self._book.incident.incident_id, "recloser:attempt": str(number)}
        return tags | ({"recloser:flow-run": self._run_id} if self._run_id else {})

    def end_stuck(self) -> None:
        """End the job of the latest attempt, if it has not ended: beside the next, two would run."""
        if not self._book.incident.attempts or not self._book.attempt.is_stuck:
            return
        self.terminate("Replaced by recloser: it did not move on")
        watching.watch_all(self.here, [self.job_id], looked=lambda _: self._hold.renew())

    def wait(self) -> JobSnapshot:
        """Wait until the latest attempt has ended or is stuck."""
        number = self._book.attempt.number
        return as_failed_job(self.here, self._book.attempt, self.spec) or watching.watch(
            self.here, self.job_id, number, self._narrator, polled=self._hold.renew
        )

    def end(self, job: JobSnapshot) -> JobSnapshot:
        """Write down how the latest attempt has ended; of an array that failed, a failed child tells why."""
        job = self._telling(job)
        self._book.write_attempt(ledger.booked(self._book.attempt, job, self._site.target.prices))
        return job

    def _telling(self, job: JobSnapshot) -> JobSnapshot:
        if job.array_size is None or job.state is JobState.SUCCEEDED:
            return job
        children = self.here.account.fleet.failed_children(job.job_id)
        return next(iter(self.here.account.batch.describe(children[:1]).values()), job)

    def terminate(self, why: str) -> None:
        """End the job of the latest attempt."""
        self.here.account.batch.terminate(self.job_id, why)

"""One healing: the steps of the loop, each of which leaves the incident in the store as far as it has come.

    submit → watch → collect → diagnose → plan → (approve) → apply → submit … → (try without each change)

The order is the flow's; the decisions are here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.aws import AwsError
from recloser.healing import diagnosis as diagnosing
from recloser.healing import doctor, ledger, memory
from recloser.healing import evidence as collecting
from recloser.healing.attempts import Attempts
from recloser.healing.casebook import Casebook, PlannedChange
from recloser.healing.errors import HealingError
from recloser.healing.good_log import GoodLog, good_log
from recloser.healing.masking import masked_by
from recloser.healing.minimise import Trials
from recloser.healing.permanent import fix_of
from recloser.healing.remedies import AcceptOutput, Case, stage_test_data
from recloser.healing.resubmission import Resubmission
from recloser.healing.treatment import Consent, Treatment
from recloser.store import Hold
from recloser.values import (
    Cause,
    Diagnosis,
    Evidence,
    Incident,
    JobSnapshot,
    Verdict,
    utc_now,
)

if TYPE_CHECKING:
    from recloser.healing.narration import Narrator
    from recloser.healing.site import Site
    from recloser.store import Store

_EXCERPT_LINES = 12


class Healing:
    """The healing of one target; one instance lives as long as its flow run."""

    def __init__(self, site: Site, store: Store, narrator: Narrator, incident: Incident, *, run_id: str = "") -> None:
        """Take up an incident.

        Args:
            site: The target in its account.
            store: Where everything is written down.
            narrator: Who is told.
            incident: A new, open incident.
            run_id: Id of the flow run, put on every job as a tag.
        """
        self.site = site
        self._store = store
        self._narrator = narrator
        self._hold = Hold(store, site.target.name)
        self._book = Casebook(store, incident)
        self._treatment = Treatment(site, self._book, narrator)
        self._trials = Trials(site, self._book, narrator)
        self._attempts = Attempts(site, self._book, narrator, self._hold, run_id=run_id)
        self._others = Resubmission(site, self._book, narrator, polled=self._hold.renew)
        self._without: tuple[str, ...] = ()
        narrator.opened(incident)

    @property
    def incident(self) -> Incident:
        """The incident as it stands."""
        return self._book.incident

    @property
    def attempt(self) -> int:
        """Number of the latest attempt, 0 before the first."""
        return len(self.incident.attempts)

    @property
    def label(self) -> str:
        """How a person tells this attempt from others."""
        return f"{self.site.target.name} #{max(self.attempt, 1)}"

    @property
    def next_label(self) -> str:
        """How a person tells the attempt that is about to be submitted."""
        return f"{self.site.target.name} #{self._due}"

    @property
    def _is_left(self) -> bool:
        """Whether the latest attempt was not brought to its end by the process that began it."""
        if self._trials.healed_by is not None:
            return self._trials.pending
        return self.attempt > 0 and not self._book.is_answered

    @property
    def _due(self) -> int:
        """Number of the attempt to submit: one that was left is taken up again."""
        return self.attempt if self._is_left else self.attempt + 1

    @property
    def goes_on(self) -> bool:
        """Whether another attempt is due to make the job work."""
        return self._is_open and self._trials.healed_by is None

    @property
    def _is_open(self) -> bool:
        return self.incident.verdict is Verdict.OPEN

    def stage_test_data(self) -> None:
        """Generate and upload fresh inputs, where they are asked for; they are removed when the incident closes."""
        if not self.incident.test_data or self._staged():
            return
        change = stage_test_data(self.site, self.incident.incident_id)
        asked_for = Diagnosis(cause=Cause.UNKNOWN, signature="none", summary="asked for", confidence=1)
        planned = self._book.plan(change, self.site, asked_for)
        if not self.apply(planned):
            failed = self.incident.changes[-1]
            raise HealingError(f"the test data could not be staged: {failed.note}")

    def adopt(self, failed: JobSnapshot) -> None:
        """Begin from a job that has failed already: it is the first attempt, and what is submitted is its like.

        Raises:
            HealingError: Batch does not know any more what it was submitted with.
        """
        first, *_ = self._others.fleet.jobs
        base = self._others.bases([first]).get(first.name)
        if base is None:
            raise HealingError(f"Batch does not know job {first.source_id} any more, so it cannot be submitted again")
        self._attempts.begin_with(failed, base)

    def submit(self) -> str:
        """Submit the next attempt and return its job id; one that was left without an answer is taken up again."""
        if not self._is_left:
            self._attempts.end_stuck()
        return self._attempts.submit(self._due, is_left=self._is_left, without=self._without)

    def watch(self) -> JobSnapshot:
        """Wait until the attempt has ended or is stuck; of an array that failed, a failed child tells why."""
        try:
            job = self._attempts.wait()
        except Exception:
            raise
        except BaseException:  # a cancellation, Ctrl-C or a stop of the worker is no Exception
            self.cancel()
            raise
        return self._attempts.end(job)

    def cancel(self) -> None:
        """Do with the running job what the target asks, and say which: terminate it and close, or leave it."""
        if self._trials.healed_by is not None and self.incident.fleet is None:
            self._trials.recover()
            self.close(Verdict.HEALED, f"{self._success()} The search for the minimal fix was cancelled.")
            return
        if self.incident.fleet is not None and self.site.target.watch.on_cancel == "terminate":
            self._others.stop()
        job_id = self._book.attempt.job_id if self.attempt else None
        if job_id is None:
            self.close(Verdict.CANCELLED, "The healing was cancelled before a job was submitted.")
            return
        if self.site.target.watch.on_cancel == "leave":
            self._narrator.refused((f"cancelled: job {job_id} was left as it is; the same command takes it up again",))
            return
        self._attempts.terminate("Cancelled by recloser: the healing was cancelled")
        self.close(Verdict.CANCELLED, f"The healing was cancelled; job {job_id} was terminated (watch.on_cancel).")

    def release(self) -> None:
        """Let go of the target; an incident without a verdict stays open for the same command to resume."""
        self._hold.release()

    def recover(self) -> None:
        """Settle what a killed process left half done: undo a change it was writing, verify one it had written."""
        self._treatment.recover()
        self._accept()
        if self.attempt:
            self._trials.recover()
        if self._trials.healed_by is not None and not self._is_more_due:
            self._succeed()

    def collect(self, job: JobSnapshot) -> Evidence:
        """Gather the evidence of the ended attempt; a success is checked against the declared outputs."""
        evidence = collecting.collect(self._attempts.here, job)
        last = evidence.job.last_attempt
        record = self._book.amend_attempt(
            status_reason=last.status_reason or evidence.job.status_reason,
            container_reason=last.container_reason,
            outputs=evidence.outputs,
            log_excerpt=tuple(line.text for line in evidence.log.lines[-_EXCERPT_LINES:]),
            collected_at=utc_now(),
        )
        self._narrator.ended(record)
        if record.succeeded and not self._is_more_due:
            self._succeed()
        return evidence

    @property
    def _is_more_due(self) -> bool:
        """Whether something is left to do for a job that works: find its minimal fix, or see to its fleet."""
        return self.incident.minimise or self.incident.fleet is not None

    def resubmit_others(self) -> bool:
        """Submit the other jobs of the fleet with what has made the first one work.

        Returns:
            Whether there is anything to watch.
        """
        proof = self._trials.healed_by
        if not self._is_open or proof is None or self.incident.fleet is None:
            return False
        changes = tuple(planned.change for planned in self._book.live())
        self._others.submit(changes, self._attempts.tags(proof.number), proof.job_id)
        return True

    def watch_others(self) -> None:
        """Wait for the jobs of the fleet, and close the incident with what became of them."""
        try:
            ended = self._others.wait()
        except Exception:
            raise
        except BaseException:  # a cancellation, Ctrl-C or a stop of the worker is no Exception
            if self.site.target.watch.on_cancel == "terminate":
                self._others.stop()
                self.close(Verdict.CANCELLED, "The healing was cancelled; the resubmitted jobs were terminated.")
            raise
        self._others.settle(ended)
        verdict = Verdict.HEALED if self._others.all_work else Verdict.LOCKED_OUT
        self.close(verdict, self._others.summary)

    def _succeed(self) -> None:
        self.close(Verdict.HEALTHY if self._is_clean else Verdict.HEALED, self._success())

    @property
    def _is_clean(self) -> bool:
        return self._trials.healed_by is self.incident.attempts[0]

    def _success(self) -> str:
        healed = self._trials.healed_by
        which = "the first attempt" if healed is None or self._is_clean else f"attempt {healed.number}"
        return f"The job succeeded at {which} and left its declared outputs."

    def try_without(self) -> bool:
        """Prepare the next run of the search for the minimal fix; without one the incident closes.

        Only where it was asked for, and the job works.

        Returns:
            Whether a run is due: submit, watch and collect it, then `judge`.
        """
        if not self._is_open or self._trials.healed_by is None:
            return False
        run = self._trials.begin() if self.incident.minimise and not self._is_clean else None
        self._without = run or ()
        if run is None:
            minimal = f" {self._trials.summary}" if self.incident.minimise and not self._is_clean else ""
            self.close(Verdict.HEALTHY if self._is_clean else Verdict.HEALED, self._success() + minimal)
        return run is not None

    def judge(self, evidence: Evidence) -> None:
        """Settle what a run of the search for the minimal fix has shown."""
        self._attempts.end_stuck()
        if self._book.attempt.succeeded:
            self._trials.judge(None)
            return
        diagnosis = self.diagnose(evidence)
        self._trials.judge(diagnosis)
        if not self._book.attempt.without:
            self.close(Verdict.LOCKED_OUT, f"With its fix in place the job failed again: {diagnosis.summary}.")

    def give_up(self, error: Exception) -> None:
        """Close what cannot go on; a job that works already stays healed, with every change it was healed by."""
        if self._trials.healed_by is None or self.incident.fleet is not None:
            self.close(Verdict.LOCKED_OUT, f"Healing could not go on: {error}")
            return
        try:
            self._trials.recover()
        except (AwsError, HealingError) as failure:
            self.close(Verdict.LOCKED_OUT, f"{self._success()} But then: {failure}")
            return
        self.close(Verdict.HEALED, f"{self._success()} The search for the minimal fix ended early: {error}")

    def diagnose(self, evidence: Evidence) -> Diagnosis:
        """Name the cause of the failure."""
        target, incident_id = self.site.target.name, self.incident.incident_id
        stuck = evidence.job.stuck_s is not None
        own = (
            doctor.examine(self._attempts.here, evidence)
            if stuck
            else diagnosing.diagnose(self._attempts.here, evidence, self._good_log(evidence))
        )
        diagnosis = memory.consult(self._store.memory, evidence, own, incident_id=incident_id, target=target)
        *earlier, latest = self.incident.attempts
        hidden_by = None if latest.without else masked_by(earlier, latest, diagnosis)
        attempt = self._book.amend_attempt(diagnosis=diagnosis, diagnosed_at=utc_now(), masked_by=hidden_by)
        if not attempt.without:  # a failure that minimising provoked is no failure of the job
            memory.remember(self._store.memory, self.site, incident_id, attempt, evidence)
        self._narrator.diagnosed(diagnosis)
        return diagnosis

    def _good_log(self, evidence: Evidence) -> GoodLog | None:
        """The log of the last success; nothing is read where there is no log to compare."""
        success = self._store.last_success(self.site.target.name)
        where = self.site.at(success.region) if success else self._attempts.here
        return good_log(where, evidence.job, success) if evidence.log.lines else None

    def plan(self, evidence: Evidence, diagnosis: Diagnosis) -> PlannedChange | None:
        """Take back what did not help, then choose the next safe remedy; without one the incident closes."""
        self._treatment.revert_ineffective(diagnosis)
        planned, refusals = self._treatment.choose(self._case(evidence, diagnosis))
        if planned is None:
            self._lock_out(diagnosis, refusals)
            return None
        return None if self._iterations_used(planned) else planned

    def _iterations_used(self, planned: PlannedChange) -> bool:
        """A change that no attempt could prove is not made."""
        if self.attempt < self.incident.iterations:
            return False
        self.decline(planned, "the iterations are used: no attempt is left to prove it")
        used = f"All {self.incident.iterations} iterations are used"
        self.close(Verdict.EXHAUSTED, f"{used}. Next would be: {planned.record.summary}.")
        return True

    def _case(self, evidence: Evidence, diagnosis: Diagnosis) -> Case:
        if self._attempts.spec is None:
            raise HealingError("nothing was submitted yet")
        return Case(
            site=self._attempts.here,
            incident=self.incident,
            spec=self._attempts.spec,
            evidence=evidence,
            diagnosis=diagnosis,
            last_success=self._store.last_success(self.site.target.name),
            seen=len(self._book.answers(diagnosis)) + 1,
        )

    def _lock_out(self, diagnosis: Diagnosis, refusals: tuple[str, ...]) -> None:
        self._treatment.revert(
            self._book.answers(diagnosis), "it did not cure the problem, and nothing further is safe"
        )
        self._narrator.refused(refusals)
        refused = self._book.attempt.status_reason if self._book.attempt.refused else None
        why = f"Batch refused the submission: {refused}. " if refused else ""
        why += f"{diagnosis.cause} ({diagnosis.cause.cause_class}): {diagnosis.summary}."
        what = "Nothing safe is left: " + "; ".join(refusals) if refusals else "No remedy is safe for this cause."
        left = f" Job {self._book.attempt.job_id} was left as it is." if self._book.attempt.is_stuck else ""
        self.close(Verdict.LOCKED_OUT, f"{why} {what}{left}")

    def report_only(self, planned: PlannedChange) -> None:
        """Leave a plan as a proposal and close."""
        self.decline(planned, "report-only: nothing is changed")
        self.close(Verdict.REPORTED, f"Report-only. Proposed: {planned.record.summary}.")

    def decline(self, planned: PlannedChange, note: str) -> None:
        """Leave a plan as a proposal."""
        self._treatment.decline(planned, note)

    def answered(self) -> None:
        """A person was asked and answered."""
        self._book.manual_interventions += 1

    def consent(self, planned: PlannedChange, consent: Consent) -> None:
        """A person approves a change outside the guardrails: this one, and no other."""
        self._treatment.consent(planned, consent)

    def apply(self, planned: PlannedChange) -> bool:
        """Apply and verify one change; what cannot be verified is taken back, and False returned."""
        in_force = self._treatment.apply(planned)
        self._accept()
        return in_force

    def _accept(self) -> None:
        """A job whose outputs were found good although it failed has no further attempt."""
        for planned in self._book.live():
            if isinstance(planned.change, AcceptOutput):
                self.close(Verdict.HEALED, f"{planned.record.summary[0].upper()}{planned.record.summary[1:]}.")

    def _staged(self) -> tuple[PlannedChange, ...]:
        return tuple(known for known in self._book.live() if known.record.remedy == "stage_test_data")

    def close(self, verdict: Verdict, reason: str) -> Incident:
        """End the incident: staged test data goes, effective changes stay."""
        if self._is_open:
            self._treatment.revert(self._staged(), "the incident is closed")
            money = ledger.account_for(self.incident.attempts, self.site.target.prices, self.incident.fleet)
            patch = fix_of(self.site, self._book.live(), self._attempts.base) if verdict is Verdict.HEALED else None
            self._narrator.closed(self._book.close(verdict, reason, money=money, patch=patch))
        return self.incident

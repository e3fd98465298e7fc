"""Which of the changes are needed? One run without each, cheapest first; what the job can do without is taken back.

A change that travels with the submission is only left out of the trial's submission: the account keeps it until the
trial has succeeded. One that lives in the account has to be taken back for its trial; that is written down first, and
it is put back as soon as the trial fails, is cancelled, or its process is found dead.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from recloser.aws import AwsError
from recloser.healing import submission
from recloser.healing.errors import HealingError
from recloser.healing.outputs import outputs_of
from recloser.healing.remedies import GrantPermission
from recloser.values import AutonomyLevel, ChangeState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.healing.casebook import Casebook, PlannedChange
    from recloser.healing.narration import Narrator
    from recloser.healing.site import Site
    from recloser.values import AttemptRecord, Diagnosis, JobSpec


_NOT_NEEDED = "not needed"


class Trials:
    """The search for the minimal fix of a job that works again."""

    def __init__(self, site: Site, book: Casebook, narrator: Narrator) -> None:
        """Take up the search where it stands: all that is known of it is in the incident."""
        self._site = site
        self._book = book
        self._narrator = narrator
        self.note = ""
        """Why the search ended before everything was tried."""

    @property
    def healed_by(self) -> AttemptRecord | None:
        """The attempt that succeeded with every change in force; before it there is nothing to search."""
        attempts = self._book.incident.attempts
        return next((one for one in attempts if one.succeeded and one.collected_at and not one.without), None)

    @property
    def pending(self) -> bool:
        """Whether the latest attempt is a run of this search that has not been judged."""
        healed = self.healed_by
        latest = self._book.attempt
        later = healed is not None and latest.number > healed.number
        return later and latest.collected_at is None and not latest.abandoned

    @property
    def summary(self) -> str:
        """What the search has found, in a sentence or two."""
        given_up = sum(one.record.note.startswith(_NOT_NEEDED) for one in self._book.in_state(ChangeState.REVERTED))
        kept = len(tuple(self._live()))
        found = f"Its minimal fix is {kept} of {kept + given_up} changes; {given_up} taken back as not needed."
        return f"{found} The search ended early: {self.note}." if self.note else found

    def begin(self) -> tuple[str, ...] | None:
        """Prepare the next run.

        Returns:
            Ids of the changes it is to go without: none for a run that only restores the outputs a failed trial spoilt.
            None when there is nothing left to try.

        Raises:
            AwsError: A change could not be taken back.
        """
        if self.pending:
            return self._book.attempt.without
        self._drop_superseded()
        for planned in self._candidates():
            if not self._affordable():
                break
            self._narrator.tried_without(planned.record)
            if not self._is_submitted(planned):
                self._take_out(planned)
            return (planned.record.change_id,)
        return () if self._outputs_are_spoilt() else None

    def judge(self, diagnosis: Diagnosis | None) -> None:
        """Settle the change that the latest run went without.

        Args:
            diagnosis: Why that run failed; None if it succeeded.
        """
        for planned in self._left_out(self._book.attempt):
            if diagnosis is None:
                self._give_up(planned, self._book.attempt)
            elif planned.record.state is ChangeState.WITHHELD:
                self._put_back(planned, f"attempt {self._book.attempt.number} without it failed")

    def recover(self) -> None:
        """Settle what a killed or cancelled process left: a change that is out of the account goes back into it."""
        for attempt in self._book.incident.attempts:
            for planned in self._left_out(attempt):
                if attempt.collected_at and attempt.succeeded and not attempt.abandoned:
                    self._give_up(planned, attempt)
        for planned in self._book.in_state(ChangeState.WITHHELD):
            self._abandon_trial_of(planned)
            self._put_back(planned, "its trial was interrupted")

    def _candidates(self) -> list[PlannedChange]:
        tried = {
            change_id
            for attempt in self._book.incident.attempts
            if not attempt.abandoned
            for change_id in attempt.without
        }
        return sorted(
            (
                one
                for one in self._live()
                if one.record.change_id not in tried and not self._is_built_upon(one) and not self._is_a_person_s(one)
            ),
            key=lambda one: (not self._is_submitted(one), one.change.settle_s, one.record.attempt),
        )

    def _live(self) -> Iterator[PlannedChange]:
        """Nothing is left of a retry that could be taken back; staged data goes anyway when the incident closes."""
        return (
            planned
            for planned in self._book.live()
            if planned.record.level is not AutonomyLevel.RETRY and planned.record.remedy != "stage_test_data"
        )

    def _is_a_person_s(self, planned: PlannedChange) -> bool:
        """A grant outside the boundary that a person approved: taken out, it could not be put back unasked."""
        change = planned.change
        return isinstance(change, GrantPermission) and bool(change.outside(self._site))

    def _affordable(self) -> bool:
        healed = self.healed_by
        limits = self._site.target.guardrails.minimise
        extra = [one for one in self._book.incident.attempts if healed and one.number > healed.number]
        if len(extra) >= limits.max_attempts:
            self.note = (
                f"{limits.max_attempts} runs were made, and no more are allowed (guardrails.minimise.max_attempts)"
            )
            return False
        spent_usd = sum(one.cost_usd or 0.0 for one in extra)
        next_usd = (healed.cost_usd or 0.0) if healed else 0.0
        if limits.max_cost_usd is not None and spent_usd + next_usd > limits.max_cost_usd:
            self.note = f"another run would cost more than {limits.max_cost_usd} USD (guardrails.minimise.max_cost_usd)"
            return False
        return True

    def _drop_superseded(self) -> None:
        """A size that a later step of the same remedy has replaced is in no submission any more."""
        for planned in tuple(self._live()):
            later = [one for one in self._live() if one.record.remedy == planned.record.remedy]
            covered = planned is not later[-1] and self._is_submitted(planned) and self._is_built_upon(planned)
            if covered:
                planned.change.revert(self._book.place_of(planned, self._site))
                self._book.settle(planned, ChangeState.REVERTED, f"{later[-1].record.summary}: that covers it")

    def _is_submitted(self, planned: PlannedChange) -> bool:
        """Whether the change travels with the submission, so that leaving it out there is enough."""
        return self._spec(()) != self._spec((planned,))

    def _is_built_upon(self, planned: PlannedChange) -> bool:
        """Whether later changes cover or contain it, so that leaving it out alone would change nothing."""
        live = self._book.live()
        others = tuple(one for one in live if one is not planned)
        return self._is_submitted(planned) and self._spec(live) == self._spec(others)

    def _spec(self, changes: tuple[PlannedChange, ...]) -> JobSpec:
        return submission.specify(self._site, name="trial", tags={}, changes=(one.change for one in changes))

    def _left_out(self, attempt: AttemptRecord) -> tuple[PlannedChange, ...]:
        states = (ChangeState.VERIFIED, ChangeState.WITHHELD)
        return tuple(one for one in self._book.in_state(*states) if one.record.change_id in attempt.without)

    def _take_out(self, planned: PlannedChange) -> None:
        self._book.settle(planned, ChangeState.WITHHELD, "taken back for a trial without it")
        try:
            planned.change.revert(self._book.place_of(planned, self._site))
        except (AwsError, HealingError):
            self._put_back(planned, "it could not be taken back for a trial")
            raise

    def _give_up(self, planned: PlannedChange, trial: AttemptRecord) -> None:
        """The job works without it."""
        planned.change.revert(self._book.place_of(planned, self._site))
        why = f"{_NOT_NEEDED}: attempt {trial.number} succeeded without it"
        self._narrator.settled(self._book.settle(planned, ChangeState.REVERTED, why))

    def _put_back(self, planned: PlannedChange, why: str) -> None:
        try:
            planned.change.apply(self._book.place_of(planned, self._site))
            planned.change.verify(self._book.place_of(planned, self._site))
        except (AwsError, HealingError) as error:
            raise HealingError(
                f"{planned.record.summary} was taken back for a trial and could not be put back: {error}. "
                f"Run the same command again, or put it back by hand: {planned.record.permanent}"
            ) from error
        self._narrator.settled(self._book.settle(planned, ChangeState.VERIFIED, f"put back: {why}"))

    def _abandon_trial_of(self, planned: PlannedChange) -> None:
        latest = self._book.attempt
        if planned.record.change_id not in latest.without or latest.collected_at:
            return
        job_id = latest.job_id or self._accepted(latest)
        if job_id is not None:
            there = self._site.at(latest.region).account
            there.batch.terminate(job_id, "recloser: the trial without a change was interrupted")
        self._book.amend_attempt(
            job_id=job_id, abandoned="interrupted: the change was put back, so its outcome proves nothing"
        )

    def _accepted(self, trial: AttemptRecord) -> str | None:
        """The job of a trial that was killed before it had the answer to its submission."""
        spec = self._spec(tuple(one for one in self._book.live() if one.record.change_id not in trial.without))
        return submission.adopt(self._site, spec.model_copy(update={"name": trial.job_name}), trial.submitted_at)

    def _outputs_are_spoilt(self) -> bool:
        """Whether a failed trial has damaged what the last success had left."""
        good = [one for one in self._book.incident.attempts if one.succeeded and one.collected_at]
        latest = self._book.attempt
        if not good or good[-1] is latest or not latest.without or not self._site.target.outputs:
            return False
        since = good[-1].started_at or latest.submitted_at - timedelta(days=1)
        return not all(check.ok for check in outputs_of(self._site, job_id=good[-1].job_id or "", started_at=since))

"""The changes of one incident: which is next, and how each is made, confirmed, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from recloser.aws import AwsError
from recloser.healing import watch as watching
from recloser.healing.casebook import APPROVED
from recloser.healing.errors import HealingError, Proposed, Refused
from recloser.healing.remedies import REMEDIES, GrantPermission, Proposal
from recloser.values import AutonomyLevel, ChangeState, FixMode, Value

if TYPE_CHECKING:
    from recloser.healing.casebook import Casebook, PlannedChange
    from recloser.healing.narration import Narrator
    from recloser.healing.remedies import Case, Change
    from recloser.healing.site import Site
    from recloser.values import Diagnosis


class Consent(Value):
    """A person's approval of one change outside the guardrails."""

    who: str = Field(min_length=1, max_length=200)
    why: str = Field(min_length=1, max_length=1_000)


def approved(change: Change, change_id: str) -> Change:
    """The same change as a person has approved it under this id; a grant judges that again when it is applied."""
    return change.model_copy(update={"approved": change_id}) if isinstance(change, GrantPermission) else change


class Treatment:
    """What is done about the failures of one incident; every step is in the book before the next is taken."""

    def __init__(self, site: Site, book: Casebook, narrator: Narrator) -> None:
        """Take up the treatment where the book has it."""
        self._site = site
        self._book = book
        self._narrator = narrator
        self._consents: dict[str, Consent] = {}

    def choose(self, case: Case) -> tuple[PlannedChange | None, tuple[str, ...]]:
        """Plan the next safe remedy of a cause; in `manual` also one that only a person may allow.

        Returns:
            The change, written down; or None, and why each remedy is out of the question.
        """
        spent = self._book.spent(case.diagnosis)
        refusals = [standing.said for standing in case.diagnosis.standings if standing.retired]
        refusals += [
            f"{name}: it was tried, or declined, for this problem" for name in case.diagnosis.remedies if name in spent
        ]
        for name in (name for name in case.diagnosis.remedies if name not in spent):
            try:
                self._within_budget(name)
                change = REMEDIES[name](case)
            except (Refused, AwsError) as refused:
                refusals.append(f"{name}: {refused}")
                asked = self._proposed(refused, case) if isinstance(refused, Proposed) else None
                if asked is None:
                    continue
                return asked, ()
            planned = self._book.plan(change, case.site, case.diagnosis)
            self._narrator.planned(planned.record)
            return planned, ()
        return None, tuple(refusals)

    def _proposed(self, proposed: Proposed, case: Case) -> PlannedChange | None:
        """What lies outside the guardrails: in `manual` to be asked about, else left as a proposal."""
        planned = self._book.plan(proposed.change, case.site, case.diagnosis, outside=str(proposed))
        if self._book.incident.fix_mode is FixMode.MANUAL and not isinstance(proposed.change, Proposal):
            self._narrator.planned(planned.record)
            return planned
        self.decline(planned, str(proposed))
        return None

    def consent(self, planned: PlannedChange, consent: Consent) -> None:
        """Take note that a person approves this one change outside the guardrails."""
        self._consents[planned.record.change_id] = consent

    def _within_budget(self, remedy: str) -> None:
        incident = self._book.incident
        if remedy == "accept_output" and incident.fleet is not None:
            raise Refused("the outputs of one job say nothing of the others of its fleet")
        counted = [change for change in incident.changes if change.level is not AutonomyLevel.RETRY]
        allowed = self._site.target.guardrails.max_changes
        if remedy != "retry_same" and len(counted) >= allowed:
            raise Refused(f"the incident's budget of {allowed} changes is used (guardrails.max_changes)")

    def apply(self, planned: PlannedChange) -> bool:
        """Apply and verify one change; what cannot be verified is taken back, and False returned.

        One outside the guardrails is applied only as a person has approved it.
        """
        consent = self._consents.get(planned.record.change_id)
        if planned.outside and consent is None:
            self.decline(planned, planned.outside)
            return False
        change = approved(planned.change, planned.record.change_id) if planned.outside else planned.change
        try:
            change.apply(self._book.place_of(planned, self._site))
        except (AwsError, HealingError) as error:
            self._abandon(planned, error)
            return False
        note = f"{planned.outside}{APPROVED}{consent.who}: {consent.why}" if planned.outside and consent else ""
        self._book.settle(planned, ChangeState.APPLIED, self._site.redact(note))
        return self.confirm(planned)

    def confirm(self, planned: PlannedChange) -> bool:
        """Verify a change that was applied, and wait until it takes effect."""
        try:
            planned.change.verify(self._book.place_of(planned, self._site))
        except (AwsError, HealingError) as error:
            self._abandon(planned, error)
            return False
        self._narrator.settled(self._book.settle(planned, ChangeState.VERIFIED))
        if planned.change.settle_s and self._book.incident.attempts:
            watching.rest(planned.change.settle_s)
            self._book.amend_attempt(rested_s=planned.change.settle_s)
        return True

    def _abandon(self, planned: PlannedChange, error: Exception) -> None:
        note = str(error)
        try:
            planned.change.revert(self._book.place_of(planned, self._site))
        except (AwsError, HealingError) as failure:
            note = f"{note}; and taking it back failed: {failure}"
        self._narrator.settled(self._book.settle(planned, ChangeState.FAILED, note))

    def recover(self) -> None:
        """Settle what a killed process left half done: undo a change it was writing, verify one it had written."""
        for planned in self._book.unsettled():
            if planned.record.state is ChangeState.APPLIED:
                self.confirm(planned)
                continue
            planned.change.revert(self._book.place_of(planned, self._site))
            record = self._book.settle(planned, ChangeState.UNDONE, "the process died while applying it")
            self._narrator.settled(record)

    def decline(self, planned: PlannedChange, note: str) -> None:
        """Leave a plan as a proposal."""
        self._narrator.settled(self._book.settle(planned, ChangeState.DECLINED, note))

    def revert_ineffective(self, diagnosis: Diagnosis) -> None:
        """The same problem again: whatever was meant to cure it, and may not be tried further, is taken back."""
        answers = self._book.answers(diagnosis)
        if answers and len(answers) >= answers[-1].change.steps:
            self.revert(answers, "the same problem came back: it did not help")

    def revert(self, changes: tuple[PlannedChange, ...], why: str) -> None:
        """Take changes back, the latest first; one that cannot be is left to a person, by name."""
        for planned in reversed(changes):
            try:
                planned.change.revert(self._book.place_of(planned, self._site))
            except (AwsError, HealingError) as error:
                why = f"{why}; taking it back failed, do it by hand: {error}"
                self._narrator.refused((f"{planned.record.summary} could not be reverted: {error}",))
            self._narrator.settled(self._book.settle(planned, ChangeState.REVERTED, why))

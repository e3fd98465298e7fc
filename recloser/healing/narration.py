"""What a healing tells whoever is looking on: a terminal, a flow run's log, or nobody."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from recloser.values import JobSnapshot, JobTableRow, Value

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.healing.failures import Failures
    from recloser.values import AttemptRecord, ChangeRecord, Diagnosis, Fleet, Incident


class Sighting(Value):
    """One look at a running attempt."""

    attempt: int
    job: JobSnapshot
    row: JobTableRow | None = None
    last_line: str | None = None
    last_line_at: datetime | None = None


class Narrator:
    """Told of every step as it happens, and never asked for anything.

    This one says nothing: the store and the report hold everything all the same. Others say what they override.
    """

    def owed(self, report: Path) -> None:
        """A report that an earlier process could not write any more was written."""

    def found(self, failures: Failures) -> None:
        """Jobs that have failed together were found, or none."""

    def opened(self, incident: Incident) -> None:
        """The healing begins."""

    def submitted(self, attempt: AttemptRecord) -> None:
        """A job was submitted."""

    def watching(self, sighting: Sighting) -> None:
        """The job was looked at; called every poll."""

    def ended(self, attempt: AttemptRecord) -> None:
        """The attempt has ended."""

    def diagnosed(self, diagnosis: Diagnosis) -> None:
        """The cause is named."""

    def planned(self, change: ChangeRecord) -> None:
        """A change is about to be applied or asked about."""

    def settled(self, change: ChangeRecord) -> None:
        """A change was applied, declined, reverted, or failed."""

    def tried_without(self, change: ChangeRecord) -> None:
        """The job works; it is now run without this change, to see whether it is needed."""

    def resubmitted(self, fleet: Fleet, *, ended: int) -> None:
        """The other jobs of a fleet are on their way; called every poll."""

    def refused(self, reasons: tuple[str, ...]) -> None:
        """Remedies that are not available, and why."""

    def closed(self, incident: Incident) -> None:
        """The healing has ended; the incident holds everything."""

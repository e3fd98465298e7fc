"""Who is told of a healing: the flow run's log, unless the command line put a terminal in its place."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from prefect.logging import get_run_logger

from recloser.healing import Narrator

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.healing import Failures, Sighting
    from recloser.values import AttemptRecord, ChangeRecord, Diagnosis, Fleet, Incident

TERMINAL: ContextVar[Narrator | None] = ContextVar("terminal", default=None)
"""Set by the command line around the flow call; a worker leaves it empty."""


class LogNarrator(Narrator):
    """Writes the healing to the flow run's log, one line a step."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._last_seen: tuple[int, str] | None = None

    def owed(self, report: Path) -> None:
        """Log where it lies."""
        get_run_logger().info("a report was owed by a healing that was killed: %s", report)

    def found(self, failures: Failures) -> None:
        """Log the groups, and what is in none of them."""
        for group in failures.groups:
            get_run_logger().info("%d jobs of %s failed alike", len(group.units), group.definition)
        for why, count in failures.left_out.items():
            get_run_logger().info("%d left out: %s", count, why)

    def opened(self, incident: Incident) -> None:
        """Log the incident's id."""
        get_run_logger().info("incident %s opened", incident.incident_id)

    def submitted(self, attempt: AttemptRecord) -> None:
        """Log the job id."""
        get_run_logger().info("attempt %d: submitted as job %s", attempt.number, attempt.job_id)

    def watching(self, sighting: Sighting) -> None:
        """Log changes of state only; a poll is not news."""
        seen = (sighting.attempt, str(sighting.job.state))
        if seen != self._last_seen:
            self._last_seen = seen
            get_run_logger().info("attempt %d: %s %s", sighting.attempt, sighting.job.state, sighting.last_line or "")

    def ended(self, attempt: AttemptRecord) -> None:
        """Log how the attempt ended."""
        get_run_logger().info(
            "attempt %d: %s, exit %s", attempt.number, "ok" if attempt.succeeded else "failed", attempt.exit_code
        )

    def diagnosed(self, diagnosis: Diagnosis) -> None:
        """Log the cause."""
        get_run_logger().warning("%s (%.0f %%): %s", diagnosis.cause, diagnosis.confidence * 100, diagnosis.summary)
        for sentence in diagnosis.remembered:
            get_run_logger().info("memory: %s", sentence)

    def planned(self, change: ChangeRecord) -> None:
        """Log the plan."""
        get_run_logger().info("plan %s: %s", change.change_id, change.summary)

    def settled(self, change: ChangeRecord) -> None:
        """Log what became of the plan."""
        get_run_logger().info("%s: %s %s", change.change_id, change.state, change.note)

    def tried_without(self, change: ChangeRecord) -> None:
        """Log what the next attempt goes without."""
        get_run_logger().info("is it needed? the next attempt goes without %s: %s", change.change_id, change.summary)

    def resubmitted(self, fleet: Fleet, *, ended: int) -> None:
        """Log the two ends of it; a poll is not news."""
        if ended in {1, len(fleet.jobs)}:
            get_run_logger().info("%d jobs resubmitted with the change, %d ended", len(fleet.jobs), ended)

    def refused(self, reasons: tuple[str, ...]) -> None:
        """Log why a remedy is not available."""
        for reason in reasons:
            get_run_logger().warning("not available: %s", reason)

    def closed(self, incident: Incident) -> None:
        """Log the verdict."""
        get_run_logger().info("incident %s: %s. %s", incident.incident_id, incident.verdict, incident.reason)


def narrator() -> Narrator:
    """The terminal, where there is one; else the flow run's log."""
    return TERMINAL.get() or LogNarrator()

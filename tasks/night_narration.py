"""Who is told of a night: the flow run's log, unless the command line put a terminal in its place; and a bar."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from prefect.logging import get_run_logger

from recloser.nightly import NightNarrator

if TYPE_CHECKING:
    from recloser.values import Cycle, CycleReport, Judgement

NIGHT_TERMINAL: ContextVar[NightNarrator | None] = ContextVar("night_terminal", default=None)
"""Set by the command line around the flow call; a worker leaves it empty."""


class LogNightNarrator(NightNarrator):
    """Writes the night to the flow run's log, one line a step."""

    def opened(self, cycle: Cycle, *, resumed: bool) -> None:
        """Log the night's id."""
        get_run_logger().info("night %s of %s %s", cycle.cycle_id, cycle.target, "goes on" if resumed else "opened")

    def began(self, stage: str) -> None:
        """Log the step."""
        get_run_logger().info("%s: begins", stage)

    def ended(self, stage: str, judgement: Judgement, reason: str) -> None:
        """Log how it ended."""
        get_run_logger().info("%s: %s %s", stage, judgement, reason)

    def closed(self, report: CycleReport) -> None:
        """Log the verdict."""
        get_run_logger().info("%s: %s", report.cycle.verdict, report.cycle.reason)

    def sent(self, report: CycleReport) -> None:
        """Log what was delivered, and what was not."""
        for line in report.sent:
            get_run_logger().info("sent: %s", line)
        for line in report.deliveries:
            get_run_logger().warning("not delivered: %s", line)

    def unwritten(self, why: str) -> None:
        """Log what is missing."""
        get_run_logger().error("%s; the next night tries again", why)


class Narrators(NightNarrator):
    """Tells several."""

    def __init__(self, first: NightNarrator) -> None:
        """Begin with one; others join while the night runs."""
        self.members = [first]

    def opened(self, cycle: Cycle, *, resumed: bool) -> None:
        """Pass it on."""
        for member in self.members:
            member.opened(cycle, resumed=resumed)

    def began(self, stage: str) -> None:
        """Pass it on."""
        for member in self.members:
            member.began(stage)

    def moved(self, stage: str, done: int, total: int) -> None:
        """Pass it on."""
        for member in self.members:
            member.moved(stage, done, total)

    def ended(self, stage: str, judgement: Judgement, reason: str) -> None:
        """Pass it on."""
        for member in self.members:
            member.ended(stage, judgement, reason)

    def closed(self, report: CycleReport) -> None:
        """Pass it on."""
        for member in self.members:
            member.closed(report)

    def sent(self, report: CycleReport) -> None:
        """Pass it on."""
        for member in self.members:
            member.sent(report)

    def unwritten(self, why: str) -> None:
        """Pass it on."""
        for member in self.members:
            member.unwritten(why)


def narrator() -> NightNarrator:
    """The terminal, where there is one; else the flow run's log."""
    return NIGHT_TERMINAL.get() or LogNightNarrator()

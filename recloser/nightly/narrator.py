"""Who is told of a night while it runs: a terminal, a log, a progress bar in a UI; by default nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recloser.values import Cycle, CycleReport, Judgement


class NightNarrator:
    """Told of every step; the methods do nothing, so that a listener writes only those it needs."""

    def opened(self, cycle: Cycle, *, resumed: bool) -> None:
        """A night has begun, or goes on where it was killed."""

    def began(self, stage: str) -> None:
        """A step has begun: `services`, `data/NAME`, `suite/NAME`."""

    def moved(self, stage: str, done: int, total: int) -> None:
        """So many tests of a suite have ended; may be told from any thread."""

    def ended(self, stage: str, judgement: Judgement, reason: str) -> None:
        """A step has ended."""

    def closed(self, report: CycleReport) -> None:
        """The night has a verdict."""

    def unwritten(self, why: str) -> None:
        """A page could not be written; the next night tries again."""

    def sent(self, report: CycleReport) -> None:
        """Those who had to be told have been, or could not be; nothing else has changed since it was closed."""

"""The night on a terminal: a bar for each suite that runs, a line for each step that ended."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from recloser.nightly import NightNarrator
from recloser.values import Judgement

if TYPE_CHECKING:
    from rich.progress import TaskID

    from recloser.values import Cycle, CycleReport

_STYLE_OF = {Judgement.PASSED: "green", Judgement.FAILED: "red", Judgement.NOT_VERIFIED: "yellow"}


class TerminalNightNarrator(NightNarrator):
    """Tells a night on standard error, so that standard output holds the result alone."""

    def __init__(self) -> None:
        """Nothing is shown before the night is opened."""
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._lock = Lock()
        self._tasks: dict[str, TaskID] = {}
        self.report: CycleReport | None = None

    def opened(self, cycle: Cycle, *, resumed: bool) -> None:
        """Name the night, so that it can be found again."""
        self._bars.start()
        self._line("night", f"{cycle.cycle_id} of {cycle.target}{', goes on where it was' if resumed else ''}", "bold")

    def began(self, stage: str) -> None:
        """A bar that waits for its length."""
        with self._lock:
            self._tasks[stage] = self._bars.add_task(f"{stage:>24}", total=None)

    def moved(self, stage: str, done: int, total: int) -> None:
        """Move the bar."""
        with self._lock:
            if stage in self._tasks:
                self._bars.update(self._tasks[stage], completed=done, total=total)

    def ended(self, stage: str, judgement: Judgement, reason: str) -> None:
        """One line in its place."""
        with self._lock:
            if stage in self._tasks:
                self._bars.remove_task(self._tasks.pop(stage))
        self._line(stage, f"{judgement}{': ' + reason if reason else ''}", _STYLE_OF[judgement])

    def closed(self, report: CycleReport) -> None:
        """Keep the report for whoever started the night."""
        self.stop()
        self.report = report

    def sent(self, report: CycleReport) -> None:
        """The same, with what became of the messages."""
        self.report = report

    def unwritten(self, why: str) -> None:
        """One line."""
        self._line("page", f"{why}; the next night tries again", "red")

    def stop(self) -> None:
        """Take the bars away."""
        self._bars.stop()

    def _line(self, head: str, text: str, style: str) -> None:
        self._console.print(Text.assemble((f"{head:>24}  ", "bold"), (text, style)))

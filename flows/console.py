"""The healing on a terminal: one line a step, and a live line while an attempt runs.

Everything shown here went through the redactor where it was read; it is printed as plain text, never as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from recloser.healing import Narrator
from recloser.values import ChangeState, FixMode

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.healing import Failures, Sighting
    from recloser.values import AttemptRecord, ChangeRecord, Diagnosis, Fleet, Incident

_LAST_LINE_WIDTH = 100
_STYLE_OF = {
    ChangeState.VERIFIED: ("done", "green"),
    ChangeState.REVERTED: ("reverted", "yellow"),
    ChangeState.WITHHELD: ("taken back for a trial", "yellow"),
    ChangeState.FAILED: ("failed", "red"),
    ChangeState.DECLINED: ("not applied", "yellow"),
}


class TerminalNarrator(Narrator):
    """Tells a healing on standard error, so that standard output holds the result alone."""

    def __init__(self, *, verbose: bool = False) -> None:
        """Tell the essentials, or with `verbose` also what was ruled out and every diff."""
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._verbose = self._shows_diffs = verbose
        self._live: Live | None = None
        self._last_state: str | None = None
        self.incidents: list[Incident] = []

    def owed(self, report: Path) -> None:
        """Where it lies."""
        self._line("report", f"an earlier healing was ended before it could write this one: {report}", style="yellow")

    def found(self, failures: Failures) -> None:
        """The groups, and what is in none of them."""
        for group in failures.groups:
            self._line("failed", f"{len(group.units)} jobs of {group.definition.rsplit('/', 1)[-1]} alike")
        for why, count in failures.left_out.items():
            self._line("", f"{count} left out: {why}", style="dim")

    def opened(self, incident: Incident) -> None:
        """Name the incident, so that it can be found again."""
        # Who is asked, or told what would be done, decides on the exact change.
        self._shows_diffs = self._verbose or incident.fix_mode is not FixMode.AUTO
        self._line("incident", f"{incident.incident_id} of {incident.target}")

    def submitted(self, attempt: AttemptRecord) -> None:
        """Head of an attempt."""
        self._last_state = None
        self._line(f"attempt {attempt.number}", f"submitted as job {attempt.job_id}", style="bold")

    def watching(self, sighting: Sighting) -> None:
        """The live line; without a terminal, a line per change of state."""
        state = str(sighting.job.state)
        phase = f" · {sighting.row.status} {sighting.row.phase or ''}".rstrip() if sighting.row else ""
        last = f" · {sighting.last_line[:_LAST_LINE_WIDTH]}" if sighting.last_line else ""
        text = Text(f"  {state}{phase}{last}", style="dim", overflow="ellipsis", no_wrap=True)
        if self._console.is_terminal:
            self._show_live(text)
        elif state != self._last_state:
            self._line("", state + phase)
        self._last_state = state

    def _show_live(self, text: Text) -> None:
        if self._live is None:
            self._live = Live(console=self._console, transient=True, auto_refresh=False)
            self._live.start()
        self._live.update(text, refresh=True)

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def ended(self, attempt: AttemptRecord) -> None:
        """How the attempt ended."""
        self._stop_live()
        exit_code = "no exit code" if attempt.exit_code is None else f"exit {attempt.exit_code}"
        if attempt.succeeded:
            self._line("", f"succeeded, {exit_code}, {len(attempt.outputs)} outputs checked", style="green")
            return
        reason = attempt.container_reason or attempt.status_reason or ""
        how = f"stuck, {attempt.state}" if attempt.is_stuck else f"failed, {exit_code}"
        self._line("", f"{how} {'· ' + reason if reason else ''}", style="red")
        for check in attempt.outputs:
            if not check.ok:
                self._line("", f"output {check.uri} {check.detail}", style="red")

    def diagnosed(self, diagnosis: Diagnosis) -> None:
        """Why it failed, and what says so."""
        self._line("because", f"{diagnosis.summary} ({diagnosis.cause}, {diagnosis.confidence:.0%})")
        for seen in diagnosis.evidence if self._verbose else diagnosis.evidence[-2:]:
            self._line("", f"{seen.source}: {seen.text[:200]}", style="dim")
        for sentence in diagnosis.remembered:
            self._line("", f"memory: {sentence}", style="dim")
        if self._verbose:
            for item in diagnosis.ruled_out:
                self._line("", f"not {item.cause}: {item.why}", style="dim")
            for gap in diagnosis.not_checked:
                self._line("", f"not checked: {gap}", style="dim")

    def planned(self, change: ChangeRecord) -> None:
        """What is about to be done."""
        self._line("change", f"{change.summary} [{change.level}]", style="cyan")
        if change.note:
            self._line("", f"outside the guardrails: {change.note}", style="yellow")
        if self._shows_diffs:
            for row in change.diff.splitlines():
                self._line("", row, style="dim")

    def settled(self, change: ChangeRecord) -> None:
        """What became of it."""
        word, style = _STYLE_OF.get(change.state, (str(change.state), ""))
        self._line("", f"{word}{': ' + change.note if change.note else ''}", style=style)

    def tried_without(self, change: ChangeRecord) -> None:
        """What the next attempt goes without."""
        self._line("without", f"is it needed? {change.summary}", style="cyan")

    def resubmitted(self, fleet: Fleet, *, ended: int) -> None:
        """How many of a fleet have ended."""
        told = f"{len(fleet.jobs)} jobs resubmitted with the change, {ended} ended"
        if told != self._last_state:
            self._line("fleet", told)
        self._last_state = told

    def refused(self, reasons: tuple[str, ...]) -> None:
        """What cannot be done, and why."""
        for reason in reasons:
            self._line("", f"not available: {reason}", style="yellow")

    def closed(self, incident: Incident) -> None:
        """Keep the incident for whoever started the run; a fleet has one for each cause."""
        self._stop_live()
        self.incidents.append(incident)

    @property
    def incident(self) -> Incident | None:
        """The last that was closed."""
        return self.incidents[-1] if self.incidents else None

    def _line(self, head: str, text: str, *, style: str = "") -> None:
        self._stop_live()
        self._console.print(Text.assemble((f"{head:>10}  ", "bold"), (text, style)))

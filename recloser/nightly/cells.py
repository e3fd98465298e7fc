"""The quarantine in a night: what does not block, who comes in, who is let go; a file not valid holds nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.quarantine import Quarantine, QuarantineError, apply, expiry_findings, load_quarantine
from recloser.values import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from recloser.quarantine import Turnover
    from recloser.target import System
    from recloser.values import Finding, Outage


class Cells:
    """The quarantine of a target as a night finds it."""

    def __init__(self, system: System) -> None:
        """Read the file."""
        self._quarantine: Quarantine | None = None
        self._notes: tuple[str, ...] = ()
        self._now = utc_now()
        try:
            self._quarantine = load_quarantine(system)
        except QuarantineError as error:
            self._notes = (f"quarantine: {error}",)

    @property
    def held(self) -> frozenset[tuple[str, str]]:
        """Suite and test of what does not block."""
        return self._quarantine.held(self._now) if self._quarantine else frozenset()

    @property
    def expired(self) -> tuple[Finding, ...]:
        """One finding for each entry that nobody has looked at in time."""
        return expiry_findings(self._quarantine, self._now) if self._quarantine else ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Why nobody is held, where the file is not valid."""
        return self._notes

    def turned_over(self, outcomes: pd.DataFrame, outages: tuple[Outage, ...]) -> tuple[str, ...]:
        """Let go and take in what the target lets a night do by itself, and propose the rest.

        Only once the verdict is stored: the file is part of the code, and a night goes on only on the same code.
        """
        from recloser.quarantine.candidates import proposals, releases  # noqa: PLC0415 - scipy takes a second

        quarantine = self._quarantine
        if quarantine is None:
            return ()
        proposed = proposals(outcomes, quarantine, now=self._now, outages=outages)
        try:
            turnover = apply(quarantine, proposed, releases(outcomes, quarantine, outages=outages))
        except QuarantineError as error:
            return (f"the quarantine is as it was: {error}",)
        return tuple(_said(turnover))


def _said(turnover: Turnover) -> Iterator[str]:
    for entry in turnover.added:
        yield f"put into quarantine until {entry.expires}: {entry.suite} {entry.test} ({entry.reason})"
    for release in turnover.released:
        yield f"released from quarantine: {release.entry.suite} {release.entry.test}"
    for entry in turnover.proposed:
        yield f"proposed for quarantine: {entry.suite} {entry.test} ({entry.reason}); `recloser quarantine add`"
    for release in turnover.due:
        yield f"may leave quarantine: {release.entry.suite} {release.entry.test}; `recloser quarantine release`"

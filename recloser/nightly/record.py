"""What a night writes down as it goes; where the store is gone, the night goes on, and its page says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from recloser.store import StoreError
from recloser.values import Judgement, Stage, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from recloser.nightly.narrator import NightNarrator
    from recloser.store.history import History
    from recloser.values import Value

Kept = TypeVar("Kept")


class Record:
    """The stages of one cycle in the store, and what could not be written there."""

    def __init__(self, history: History, cycle_id: str, narrator: NightNarrator) -> None:
        """Write down the stages of this cycle, and tell of each."""
        self.history = history
        self.narrator = narrator
        self.lost: list[str] = []
        """Why the store could not be used; once each."""
        self._cycle_id = cycle_id

    def keep(self, call: Callable[[], Kept]) -> Kept | None:
        """Use the store; None where it is gone."""
        try:
            return call()
        except StoreError as error:
            if (said := str(error)) not in self.lost:
                self.lost.append(said)
            return None

    def ended(self) -> frozenset[str]:
        """The stages that need not be repeated.

        Raises:
            StoreError: The store cannot be read.
        """
        return frozenset(stage.name for stage in self.history.stages(self._cycle_id) if stage.ended_at is not None)

    def begin(self, stage: str) -> datetime:
        """A stage begins; answers when."""
        started = utc_now()
        self.narrator.began(stage)
        self.keep(lambda: self.history.begin_stage(self._cycle_id, stage, started))
        return started

    def end(
        self, stage: str, started: datetime, judgement: Judgement, reason: str, result: Value | None = None
    ) -> None:
        """A stage has ended, with what a night that goes on needs to know of it."""
        done = Stage(name=stage, started_at=started, ended_at=utc_now(), judgement=judgement, reason=reason)
        kept = None if result is None else result.model_dump(mode="json")
        self.keep(lambda: self.history.end_stage(self._cycle_id, done, kept))
        self.narrator.ended(stage, judgement, reason)

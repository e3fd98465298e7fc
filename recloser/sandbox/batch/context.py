"""What an operation works with: the region of the caller's signature, the store and the scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recloser.sandbox.batch.scheduler import Scheduler
    from recloser.sandbox.batch.store import Store


@dataclass(frozen=True, slots=True)
class Context:
    """One call."""

    region: str
    store: Store
    scheduler: Scheduler

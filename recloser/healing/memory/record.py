"""The record of every remedy that was tried on a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.healing.memory.ranking import standings
from recloser.values import Standing, utc_now

if TYPE_CHECKING:
    from recloser.store.memory import Memory


def record_of(memory: Memory, target: str) -> tuple[Standing, ...]:
    """How each remedy stands for each signature it was tried for, the latest try first."""
    now = utc_now()
    tried: dict[str, dict[str, None]] = {}
    for outcome in memory.record(target):
        tried.setdefault(outcome.signature, {})[outcome.remedy] = None
    found = [
        standing
        for signature, remedies in tried.items()
        for standing in standings(
            tuple(remedies),
            memory.outcomes(signature, target, remedies),
            signature=signature,
            target=target,
            now=now,
        )
    ]
    return tuple(sorted(found, key=lambda standing: standing.last or now, reverse=True))

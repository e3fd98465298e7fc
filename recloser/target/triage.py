"""How much is run again to know what a failure is: the `[triage]` table."""

from __future__ import annotations

from pydantic import Field

from recloser.target.base import Declared


class Triage(Declared):
    """What a night may spend on its own questions."""

    budget_s: float = Field(default=300.0, ge=0, le=86_400)
    """Time for confirmations at head and at the base, burn-in of new tests and order probes; 0: none is run, and a
    failure that was not confirmed is not called new."""
    timing_s: float = Field(default=120.0, ge=0, le=86_400)
    """Time for running what looks slower again, at head and at the base in turns."""
    base: bool = True
    """Whether the last good commit is checked out beside the target, and what fails is run there as well."""

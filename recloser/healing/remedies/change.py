"""What every change can do, and what a remedy is given to plan one.

A change is a frozen value: it holds all that is needed to apply it, to find it in place and to take it back, so
that it can be written to the store before anything is written to the account. `apply` and `revert` may be called
again after a kill; both end in the same state.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from recloser.values import AutonomyLevel, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.healing.site import Site
    from recloser.values import AttemptRecord, Diagnosis, Evidence, Incident, JobSpec


class Wording(Value):
    """A change as a person reads it."""

    summary: str
    diff: str
    permanent: str
    undo: str


class Change(Protocol):
    """One change to a submission or to the account."""

    @property
    def kind(self) -> str:
        """The discriminator it is stored under; also the remedy's name."""
        ...

    @property
    def level(self) -> AutonomyLevel:
        """How much consent it needs."""
        ...

    @property
    def steps(self) -> int:
        """How many times in a row it may be tried on the same problem before it counts as ineffective."""
        ...

    @property
    def settle_s(self) -> float:
        """How long to wait after applying it, in seconds."""
        ...

    def wording(self, site: Site) -> Wording:
        """Say what it does; never shows an environment value."""
        ...

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """The submission with this change in force; pure."""
        ...

    def apply(self, site: Site) -> None:
        """Write it to the account; nothing for a change of the submission alone."""
        ...

    def verify(self, site: Site) -> None:
        """Read it back.

        Raises:
            ChangeFailed: It is not in place.
        """
        ...

    def revert(self, site: Site) -> None:
        """Take it back."""
        ...

    def model_dump(self, *, mode: str = ...) -> dict[str, Any]:
        """The change as JSON, for the store."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """What a remedy may look at."""

    site: Site
    incident: Incident
    spec: JobSpec
    """The submission that failed, all live changes included."""
    evidence: Evidence
    diagnosis: Diagnosis
    last_success: AttemptRecord | None
    seen: int
    """How many attempts in a row failed with this problem; at least 1."""


if TYPE_CHECKING:
    Remedy = Callable[[Case], Change]
    """Plans one change, or raises `Refused` with the reason a person is shown."""


def unified(name: str, before: list[str], after: list[str]) -> str:
    """A unified diff of two short texts."""
    return "\n".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", lineterm="", n=3))

"""What a probe answers: a finding, one sentence, and the facts that remedies need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING

from pydantic import Field

from recloser.values import Evidence, Value

if TYPE_CHECKING:
    from recloser.diagnosis import Match
    from recloser.healing.site import Site


class Finding(Enum):
    """What a probe says of a diagnosis."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    OPEN = "open"
    """The account neither confirms nor refutes it."""
    NOT_CHECKED = "not checked"


class Probed(Value):
    """A probe's answer."""

    finding: Finding
    said: str
    """One sentence, shown as evidence, as the reason for ruling out, or as a gap; empty where it says nothing."""
    facts: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    instead: str | None = None
    """What the account shows in place of what it refutes: the id of the signature to conclude by."""


Probe = Callable[["Site", "Match", Evidence], Probed]


def confirmed(said: str, **facts: tuple[str, ...]) -> Probed:
    """The account shows what the text says."""
    return Probed(finding=Finding.CONFIRMED, said=said, facts=facts)


def refuted(said: str, *, instead: str | None = None, **facts: tuple[str, ...]) -> Probed:
    """The account shows otherwise; `instead` is the signature of what it shows."""
    return Probed(finding=Finding.REFUTED, said=said, instead=instead, facts=facts)


def undecided(said: str = "", **facts: tuple[str, ...]) -> Probed:
    """The account answered, and that decides nothing."""
    return Probed(finding=Finding.OPEN, said=said, facts=facts)


def not_checked(said: str, **facts: tuple[str, ...]) -> Probed:
    """The question could not be asked."""
    return Probed(finding=Finding.NOT_CHECKED, said=said, facts=facts)

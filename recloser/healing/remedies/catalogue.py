"""What each remedy is: `remedies.toml` and `proposals.toml`, read and checked."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from pydantic import Field, TypeAdapter

from recloser.values import AutonomyLevel, Value


class RemedyFacts(Value):
    """A remedy that Recloser can carry out."""

    level: AutonomyLevel
    guardrail: str
    blast_radius: str = Field(min_length=1)
    cost: str = Field(min_length=1)
    source: str = Field(min_length=1)


class ProposalFacts(Value):
    """A remedy that is only ever explained."""

    level: AutonomyLevel
    summary: str = Field(min_length=1)
    change: tuple[str, ...]
    undo: str = Field(min_length=1)
    source: str = Field(min_length=1)


@cache
def remedy_facts() -> dict[str, RemedyFacts]:
    """Facts of every remedy by name."""
    return TypeAdapter(dict[str, RemedyFacts]).validate_python(_read("remedies.toml"))


@cache
def proposal_facts() -> dict[str, ProposalFacts]:
    """Facts of every proposal by name."""
    return TypeAdapter(dict[str, ProposalFacts]).validate_python(_read("proposals.toml"))


def _read(name: str) -> dict[str, object]:
    return tomllib.loads(resources.files("recloser.healing.remedies").joinpath(name).read_text(encoding="utf-8"))

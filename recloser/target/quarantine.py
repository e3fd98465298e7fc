"""How tests come into quarantine and out of it: the `[quarantine]` table."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from recloser.target.base import Declared


class QuarantineRules(Declared):
    """The list itself is a file of its own, so that a change of it is a pull request of a few lines."""

    file: Path = Path("quarantine.toml")
    """Relative to `recloser.toml`."""
    max_days: int = Field(default=30, ge=1, le=366)
    """How long an entry holds at most before a person has to look at it again."""
    max_tests: int = Field(default=50, ge=0, le=1_000)
    """No entry is added beyond so many."""
    owner: str = Field(default="", max_length=200)
    """Who answers for an entry where nobody else is named."""
    automatic: bool = False
    """Whether a night adds what the evidence suffices for; otherwise its page proposes it."""
    release: bool = True
    """Whether a night removes what has earned its way out; otherwise its page proposes that."""

    @model_validator(mode="after")
    def _somebody_answers_for_it(self) -> Self:
        if self.automatic and not self.owner.strip():
            raise ValueError("`automatic` needs an `owner`: nothing is put aside that nobody answers for")
        return self

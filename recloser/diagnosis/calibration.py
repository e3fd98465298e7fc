"""What a finding is worth: the measured reliability of its tier. Counts and priors are data, see `calibration.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from pydantic import Field

from recloser.diagnosis.signature import Tier
from recloser.values import Value

THRESHOLD = 0.5
"""A cause is named from here on (the reference's scoring uses the same figure)."""
CEILING = 0.45
"""What a finding is worth at most that the evidence does not decide."""


class Record(Value):
    """How often findings of one tier were right."""

    prior: float = Field(gt=0, lt=1)
    right: int = Field(ge=0)
    wrong: int = Field(ge=0)


class Calibration(Value):
    """The table."""

    weight: float = Field(gt=0)
    source: str
    tier: Mapping[Tier, Record]

    def reliability(self, tier: Tier) -> float:
        """The probability that a finding of this tier is right, shrunk towards its prior."""
        record = self.tier[tier]
        seen = record.right + record.wrong
        estimate = (record.right + record.prior * self.weight) / (seen + self.weight)
        return min(estimate, CEILING) if tier is Tier.UNDECIDED else estimate


@cache
def calibration() -> Calibration:
    """The table that comes with Recloser."""
    text = resources.files("recloser.diagnosis").joinpath("calibration.toml").read_text(encoding="utf-8")
    return Calibration.model_validate(tomllib.loads(text))

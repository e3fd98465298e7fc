"""What an attempt costs: the owner's own price table, because prices differ by region, platform and contract."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads the annotations

from pydantic import Field

from recloser.target.base import Declared


class Rate(Declared):
    """What running containers cost on one queue."""

    vcpu_hour_usd: float = Field(ge=0)
    gib_hour_usd: float = Field(ge=0)
    spot_discount: float = Field(default=0.0, ge=0, lt=1)
    """Share taken off on spot capacity: 0.7 leaves 30 %."""
    minimum_s: float = Field(default=0.0, ge=0, le=3600)
    """A shorter run is paid as if it had lasted this long (Fargate bills at least a minute)."""


class Prices(Rate):
    """The `[prices]` table: one rate for all queues, and others for those that differ."""

    source: str = Field(min_length=1)
    """Where the figures come from: a price list, a contract, a bill."""
    as_of: date
    """When they were read there."""
    queues: dict[str, Rate] = Field(default_factory=dict)
    naive_retries: int = Field(default=3, ge=0, le=9)
    """How often a plain retry policy would have repeated a failed job: the yardstick for money not spent, used where
    the job itself declares no retry strategy."""

    def rate(self, queue: str) -> Rate:
        """The rate of a queue, named or by ARN."""
        return self.queues.get(queue.rsplit("/", 1)[-1], self)

"""The sizes and rules that remedies keep to: `limits.toml`, read and asked."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from recloser.values import Cause, CauseClass, Value

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pair(Value):
    """vCPUs and memory that Fargate offers together."""

    memory_mib: int
    vcpus: float


class _FargateRow(Value):
    source: str
    vcpus: float
    sizes_mib: tuple[int, ...] = ()
    min_mib: int = 0
    max_mib: int = 0
    step_mib: int = 0

    @model_validator(mode="after")
    def _listed_or_stepped(self) -> Self:
        if bool(self.sizes_mib) == bool(self.step_mib):
            raise ValueError("give either sizes_mib, or min_mib, max_mib and step_mib")
        return self

    def pairs(self) -> Iterator[Pair]:
        sizes = self.sizes_mib or range(self.min_mib, self.max_mib + 1, self.step_mib)
        return (Pair(vcpus=self.vcpus, memory_mib=size) for size in sizes)


class _Reserve(Value):
    source: str
    share: float = Field(ge=0, lt=1)
    least_mib: int = Field(ge=0)


class _Progress(Value):
    source: str
    share: float = Field(gt=0, le=1)
    most_s: float = Field(gt=0)
    last_words: re.Pattern[str]


class _SharedMemory(Value):
    source: str
    default_mib: int


class _EphemeralStorage(Value):
    source: str
    default_gib: int


class Retries(Value):
    """How often in a row a failure may be tried again unchanged."""

    source: str
    of_class: dict[CauseClass, int]
    of_cause: dict[Cause, dict[str, int]]
    of_remedy: dict[str, int]

    def most(self, cause: Cause, remedy: str) -> int:
        """How often at most; 0 where the same again is bound to fail the same way."""
        of_cause = max(self.of_cause.get(cause, {}).get(remedy, 0), self.of_class.get(cause.cause_class, 0))
        return min(of_cause, self.of_remedy.get(remedy, of_cause))


class Limits(Value):
    """All of `limits.toml`."""

    fargate: tuple[_FargateRow, ...]
    agent_reserve: _Reserve
    progress: _Progress
    shared_memory: _SharedMemory
    ephemeral_storage: _EphemeralStorage
    retries: Retries

    def fargate_pairs(self) -> tuple[Pair, ...]:
        """Every pair, smallest memory first and of equal memory the fewest vCPUs."""
        pairs = [pair for row in self.fargate for pair in row.pairs()]
        return tuple(sorted(pairs, key=lambda pair: (pair.memory_mib, pair.vcpus)))

    def placeable_mib(self, instance_mib: int) -> int:
        """What of an instance's memory a job can have."""
        reserve = self.agent_reserve
        return instance_mib - max(reserve.least_mib, round(instance_mib * reserve.share))


@cache
def limits() -> Limits:
    """The limits as shipped."""
    text = resources.files("recloser.healing.remedies").joinpath("limits.toml").read_text(encoding="utf-8")
    return Limits.model_validate(tomllib.loads(text))

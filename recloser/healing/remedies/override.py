"""A change of the submission alone: nothing is written to the account, and nothing persists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr

from recloser.healing.remedies.change import Wording, unified
from recloser.values import AutonomyLevel, JobSpec, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.healing.site import Site

OverrideKind = Literal[
    "raise_memory",
    "lower_parallelism",
    "raise_timeout",
    "switch_queue",
    "switch_region",
    "clamp_resources",
    "round_up_fargate",
    "restore_command",
    "request_gpu",
]


class Asked(Value):
    """What the next submission asks for; None stays as it is."""

    region: str | None = None
    queue: str | None = None
    definition: str | None = None
    memory_mib: int | None = None
    vcpus: float | None = None
    gpus: int | None = None
    timeout_s: int | None = None
    command: tuple[str, ...] | None = None
    numbers: dict[str, int] = Field(default_factory=dict)
    """Variables that hold a number this project chose by a stated rule; never anybody's secret."""


class Override(Value):
    """What a submission asks for beyond its job definition."""

    kind: OverrideKind
    asked: Asked
    summary: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    permanent: str
    steps: int = 1
    level: AutonomyLevel = AutonomyLevel.REVERSIBLE
    settle_s: float = 0

    def wording(self, site: Site) -> Wording:
        """What is asked for before and after."""
        del site
        return Wording(
            summary=self.summary,
            diff=unified("SubmitJob", list(self.before), list(self.after)),
            permanent=self.permanent,
            undo="Nothing persists: the next submission without the override is as before.",
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """Ask for it."""
        del site
        fields: dict[str, object] = self.asked.model_dump(exclude_none=True, exclude={"numbers"})
        numbers = {name: SecretStr(str(value)) for name, value in self.asked.numbers.items()}
        return spec.model_copy(update={**fields, "environment": {**spec.environment, **numbers}})

    def apply(self, site: Site) -> None:
        """Nothing is written to the account."""

    def verify(self, site: Site) -> None:
        """Nothing to read back; the next attempt shows it."""

    def revert(self, site: Site) -> None:
        """Nothing was written."""


def override(
    kind: OverrideKind,
    asked: Asked,
    *,
    summary: str,
    changes: Mapping[str, tuple[object, object]],
    permanent: str,
    steps: int = 1,
) -> Override:
    """Word a change of the submission.

    Args:
        kind: The remedy.
        asked: What the next submission asks for.
        summary: One line.
        changes: Each thing that changes, as a person calls it, before and after.
        permanent: How to keep it.
        steps: How often in a row it may be tried on the same problem.
    """
    return Override(
        kind=kind,
        asked=asked,
        summary=summary,
        before=tuple(f"{name} = {before}" for name, (before, _) in changes.items()),
        after=tuple(f"{name} = {after}" for name, (_, after) in changes.items()),
        permanent=permanent,
        steps=steps,
    )

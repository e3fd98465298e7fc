"""A submission that Batch refuses for its form: the same meaning in a form it takes.

Each repair is a pure function of the submission, so that it is made for every further attempt alike.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from recloser.healing.errors import Refused
from recloser.healing.remedies.change import Case, Wording, unified
from recloser.values import AutonomyLevel, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site

_NAME_LENGTH = 128
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_TAIL = re.compile(r"-\d{8}-\d{6}-[0-9a-f]+-\d+$")
"""Incident and attempt: what makes the name unique, and must survive a cut."""
_RESERVED = "AWS_BATCH"


class RepairRequest(Value):
    """The submission in a form that Batch takes."""

    kind: Literal["repair_request"] = "repair_request"
    before: tuple[str, ...]
    after: tuple[str, ...]
    level: AutonomyLevel = AutonomyLevel.REVERSIBLE
    steps: int = 1
    settle_s: float = 0

    def wording(self, site: Site) -> Wording:
        """What changes form; never shows an environment value."""
        return Wording(
            summary="send the submission in a form that Batch takes",
            diff=site.redact(unified("SubmitJob", list(self.before), list(self.after))),
            permanent=f"Say it so in {site.target.folder.name}/recloser.toml, [job].",
            undo="Nothing persists: the next submission without the repair is as before.",
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """Repair it."""
        del site
        return repaired(spec)

    def apply(self, site: Site) -> None:
        """Nothing is written to the account."""

    def verify(self, site: Site) -> None:
        """Nothing to read back; Batch takes the next submission or refuses it."""

    def revert(self, site: Site) -> None:
        """Nothing was written."""


def repair_request(case: Case) -> RepairRequest:
    """Plan to repair whatever of the submission's form is known to be refused."""
    if not case.site.target.guardrails.request.repair:
        raise Refused("the target gives no leave to change a submission's form (guardrails.request.repair)")
    before, after = _words(case.spec), _words(repaired(case.spec))
    if before == after:
        raise Refused("nothing in the submission's own form is known to be refused; look at the job definition")
    return RepairRequest(
        before=tuple(line for line in before if line not in after),
        after=tuple(line for line in after if line not in before),
    )


def repaired(spec: JobSpec) -> JobSpec:
    """The submission in a form that Batch takes, and the submission itself where it has that form already.

    Raises:
        Refused: Its form cannot be changed without its meaning.
    """
    return spec.model_copy(
        update={
            "name": _name(spec.name),
            "environment": _environment(spec),
            "command": None if spec.command is None else tuple(word for word in spec.command if word),
            "array_size": None if spec.array_size == 1 else spec.array_size,
        }
    )


def _name(name: str) -> str:
    """Letters, digits, `-` and `_`, the first alphanumeric, at most 128 (botocore, SubmitJobRequest jobName)."""
    tail = found[0] if (found := _TAIL.search(name)) else ""
    head = _NOT_IN_A_NAME.sub("-", name.removesuffix(tail)).strip("-_") or "job"
    return head[: _NAME_LENGTH - len(tail)] + tail


def _environment(spec: JobSpec) -> dict[str, object]:
    """Variables of Batch's own prefix under a name without it (botocore, ContainerOverrides environment)."""
    renamed: dict[str, object] = {}
    for name, value in spec.environment.items():
        new = f"BATCH{name.removeprefix(_RESERVED)}" if name.startswith(_RESERVED) else name
        if new != name and new in spec.environment:
            raise Refused(
                f"{name} is Batch's own prefix, and {new}, which it could be called, is set to something else"
            )
        renamed[new] = value
    return renamed


def _words(spec: JobSpec) -> list[str]:
    """What can be repaired, line by line, without a value of the environment."""
    return [
        f"jobName: {_TAIL.sub('-…', spec.name)}",
        *(f"environment: {name} (value not shown)" for name in spec.environment),
        *(f"command[{place}]: {word!r}" for place, word in enumerate(spec.command or ()) if not word),
        *([] if spec.array_size is None else [f"arrayProperties.size: {spec.array_size}"]),
    ]

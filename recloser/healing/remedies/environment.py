"""A missing environment variable: set it from the target's catalogue, and from nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from recloser.healing.errors import Refused
from recloser.healing.remedies.change import Case, Wording, unified
from recloser.values import AutonomyLevel, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site

_RESERVED = ("AWS_BATCH", "AWS_CONTAINER", "LD_", "PYTHONSTARTUP")
"""Batch refuses to override its own variables; the others decide what code runs or who it runs as."""


class SetEnvironment(Value):
    """Variables added to the submission."""

    kind: Literal["set_environment"] = "set_environment"
    variables: tuple[str, ...]
    definition: str
    level: AutonomyLevel = AutonomyLevel.REVERSIBLE
    steps: int = 1
    settle_s: float = 0

    def wording(self, site: Site) -> Wording:
        """Name the variables and where their values come from, never the values."""
        catalogue = site.target.catalogue
        lines = [f"{name} = (from [catalogue.{name}]: {catalogue[name].why or 'declared'})" for name in self.variables]
        names = ", ".join(self.variables)
        return Wording(
            summary=f"set {names} from the target's catalogue",
            diff=unified("containerOverrides/environment", [], lines),
            permanent=f"Add {names} to `environment` of job definition {self.definition} in a new revision.",
            undo="Nothing persists: the next submission without the override is as before.",
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """Add the variables."""
        added = {name: site.catalogue_value(name) for name in self.variables}
        return spec.model_copy(update={"environment": {**spec.environment, **added}})

    def apply(self, site: Site) -> None:
        """Nothing is written to the account."""

    def verify(self, site: Site) -> None:
        """The catalogue still has every value."""
        for name in self.variables:
            site.catalogue_value(name)

    def revert(self, site: Site) -> None:
        """Nothing was written."""


def set_environment(case: Case) -> SetEnvironment:
    """Plan to set the variables the diagnosis names, if the catalogue declares every one."""
    variables = case.diagnosis.facts.get("variable", ())
    if not variables:
        raise Refused("the log does not name the variable")
    for name in variables:
        if name.upper().startswith(_RESERVED):
            raise Refused(f"{name} belongs to the platform and is never set")
        case.site.catalogue_value(name)
    return SetEnvironment(variables=variables, definition=case.spec.definition)

"""The minimal fix as documents that make it permanent."""

from recloser.values.base import Value


class DefinitionPatch(Value):
    """A new revision of the job definition."""

    name: str
    based_on: str
    """Name and revision it is a copy of."""
    changed: tuple[str, ...]
    """The fields in which it differs."""
    document: str
    """Input of RegisterJobDefinition as JSON; environment values are left out, each by a placeholder of its name."""
    environment: tuple[str, ...] = ()
    """The variables whose values have to be filled in."""


class RolePolicy(Value):
    """What one role has to be allowed."""

    role: str
    name: str
    document: str
    """The policy as JSON."""


class Patch(Value):
    """All that makes a fix permanent, and how to undo it."""

    definition: DefinitionPatch | None = None
    policies: tuple[RolePolicy, ...] = ()
    by_hand: tuple[str, ...] = ()
    """What no document of these can say."""
    undo: tuple[str, ...] = ()
    """How to take the permanent change back."""
    tidy: tuple[str, ...] = ()
    """What Recloser's own changes leave to remove once the permanent ones are in place."""


def placeholder(variable: str) -> str:
    """What stands for the value of an environment variable."""
    return f"${{{variable}}}"

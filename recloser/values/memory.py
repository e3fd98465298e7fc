"""What past incidents say of a new one: how often its failure was seen, and what has worked against it."""

from datetime import UTC, datetime

from pydantic import Field

from recloser.values.base import Value
from recloser.values.cause import Cause


class Occurrence(Value):
    """One failed attempt, as it is counted and found again."""

    incident_id: str
    attempt: int = Field(ge=1)
    target: str
    queue: str = ""
    """Empty where it was not recorded (a store of schema 2)."""
    definition: str
    cause: Cause
    signature: str
    fingerprint: str = ""
    """Equal for failures of one kind; empty where it was not recorded."""
    mould: str = ""
    """The telling lines without what changes from run to run; empty where the failure says nothing of its own."""
    seen_at: datetime


class Outcome(Value):
    """Whether one remedy made one problem of one incident go away."""

    incident_id: str
    attempt: int = Field(ge=0)
    """The first attempt whose failure it answered."""
    target: str
    signature: str
    cause: Cause
    remedy: str
    worked: bool
    at: datetime


class Label(Value):
    """What a person says an incident's cause was."""

    incident_id: str
    cause: Cause
    note: str = ""
    who: str
    at: datetime


class Recurrence(Value):
    """How often a failure was seen in earlier incidents, and whether always in the same place."""

    times: int = Field(ge=1)
    """Incidents that showed it, the present one not counted."""
    since: datetime
    last: datetime
    queues: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    likeness: float = Field(default=1.0, ge=0, le=1)
    """1 where the fingerprint is the same, else how alike the closest one is."""

    @property
    def said(self) -> str:
        """In one sentence."""
        what = "seen" if self.likeness == 1 else f"a failure {self.likeness:.0%} like it was seen"
        count = "once" if self.times == 1 else f"{self.times} times"
        on = "on" if self.times == 1 else "since"
        where = (_place("queue", self.queues), _place("definition", self.definitions))
        return f"{what} {count} {on} {day(self.since)}" + "".join(f", {place}" for place in where if place)


class Standing(Value):
    """A remedy's record for one signature on one target, and what is expected of it."""

    remedy: str
    signature: str
    tried: int = Field(ge=0)
    worked: int = Field(ge=0)
    since: datetime | None = None
    """The first of the tries."""
    last: datetime | None = None
    expected: float = Field(ge=0, le=1)
    """Mean of the posterior: how likely it is to work now."""
    hoped: float = Field(ge=0, le=1)
    """Upper end of what is plausible: what remedies are ordered by, so that a new one gets its chance."""
    retired: bool = False

    @property
    def said(self) -> str:
        """In one sentence."""
        if not self.tried or self.since is None or self.last is None:
            return f"{self.remedy} was not tried for {self.signature} on this target"
        end = f"; retired after failing, last on {day(self.last)}" if self.retired else ""
        return f"{self.remedy} worked {self.worked} of {self.tried} times since {day(self.since)}{end}"


def day(at: datetime) -> str:
    """A day as a person names it, in UTC: `Tue 2026-11-17`."""
    return at.astimezone(UTC).strftime("%a %Y-%m-%d")


def _place(kind: str, names: tuple[str, ...]) -> str:
    if not names:
        return ""
    return f"always {kind} {names[0]}" if len(names) == 1 else f"{len(names)} different {kind}s"

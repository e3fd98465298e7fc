"""A signature: one way a failure looks, as data. `signatures/README.md` explains the fields to those who add one."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from recloser.diagnosis.phrases import phrase
from recloser.values import AutonomyLevel, Cause, Value

Where = Literal["status_reason", "container_reason", "log", "exit_code", "stopped", "outputs"]


class Step(StrEnum):
    """The order of evidence: what stands first decides (reference, section 3.1)."""

    STOP = "stop"
    TIMEOUT = "timeout"
    HOST = "host"
    MEMORY = "memory"
    DEPENDENCY = "dependency"
    START = "start"
    PLACEMENT = "placement"
    SUBMIT = "submit"
    LOG = "log"
    EXIT = "exit"


ORDER = {step: position for position, step in enumerate(Step)}


class Tier(StrEnum):
    """How much such a wording says; what each is worth is measured, see `calibration.toml`."""

    STATED = "stated"
    """The service names the cause itself."""
    DISTINCT = "distinct"
    """The wording of one error that means one thing."""
    GENERAL = "general"
    """A wording several causes share, but mostly this one."""
    FALLBACK = "fallback"
    """The program failed, and nothing more special is known."""
    UNDECIDED = "undecided"
    """Two causes share this text: it is shown, and only a probe can raise it above the threshold."""


def _phrase(text: str) -> str:
    phrase(text)
    return text


_EXPLAINED = frozenset({"none", "escalate", "diagnose_related"})
_BLANK = re.compile(r" (?![*+?{])")


@cache
def regex(text: str) -> re.Pattern[str]:
    """A pattern, compiled once and only when it is needed; a blank stands for any run of blanks."""
    try:
        return re.compile(_BLANK.sub(r"\\s+", text), re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error


PhraseText = Annotated[str, Field(min_length=3), AfterValidator(_phrase)]


class Signature(Value):
    """One way a failure looks."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{1,63}$")
    cause: Cause
    step: Step
    tier: Tier
    where: tuple[Where, ...] = Field(min_length=1)
    any: tuple[PhraseText, ...] = ()
    pattern: str | None = None
    """A regular expression, for what no phrase can say."""
    words: tuple[str, ...] = ()
    """With `pattern`: words of which a matching line holds one; without them it is tried on every line."""
    needs: tuple[PhraseText, ...] = ()
    """Phrases of which each must stand in the same field: for the log on any line, else in the same text."""
    unless: tuple[PhraseText, ...] = ()
    """Phrases that a matching line must not hold."""
    exit_codes: tuple[int, ...] = ()
    """If any are given, the exit code is one of them."""
    symptom: bool = False
    """What another failure often leaves behind: any other finding in the log outranks it."""
    capture: tuple[str, ...] = ()
    """Regular expressions with named groups, tried on the lines that match."""
    subject: str = ""
    summary: str = ""
    """One sentence for the report; `{name}` is a capture. Without it the cause's own sentence is used."""
    confirmed_by: tuple[str, ...] = ()
    """Read-only calls that would settle it, in the reference's words."""
    probes: tuple[str, ...] = ()
    """Those of them that are made before it is believed (`recloser.healing.probes`)."""
    remedies: tuple[str, ...] = ()
    level: AutonomyLevel = AutonomyLevel.EXPLAIN
    confusable: tuple[Cause, ...] = ()
    source: str = Field(min_length=3)
    examples: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        free = set(self.where) & {"stopped", "outputs", "exit_code"}
        if not (self.any or self.pattern or free):
            raise ValueError("needs `any` phrases or a `pattern`")
        if "exit_code" in self.where and not self.exit_codes:
            raise ValueError("a signature on the exit code needs `exit_codes`")
        if self.words and not self.pattern:
            raise ValueError("`words` belong to a `pattern`")
        return self

    @property
    def names_parts(self) -> bool:
        """Whether remedies may need a value that its matches carry."""
        return any("(?P<" in text for text in (self.pattern or "", *self.capture))

    @property
    def planned(self) -> tuple[str, ...]:
        """The remedies that something is planned for; the others are the report itself."""
        return tuple(name for name in self.remedies if name not in _EXPLAINED)

"""What would settle a diagnosis, in plain words: whether what, and the read-only call that a person can make."""

from __future__ import annotations

import shlex
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNKNOWN: Mapping[str, str] = {"job": "JOB", "definition": "DEFINITION", "queue": "QUEUE", "log_group": "GROUP"}


class Question(Value):
    """One entry of `questions.toml`."""

    whether: str
    ask: str = ""
    """A read-only command of the AWS CLI."""
    look: str = ""
    """What to do where there is no such call."""
    answered_by: tuple[str, ...] = ()
    """Probes that ask it (`recloser.healing.probes`)."""

    @model_validator(mode="after")
    def _tells_how(self) -> Self:
        if bool(self.ask) == bool(self.look):
            raise ValueError("give either `ask` or `look`")
        return self


@cache
def questions() -> Mapping[str, Question]:
    """All of `questions.toml`, by the words of `confirmed_by`."""
    text = resources.files("recloser.diagnosis").joinpath("questions.toml").read_text(encoding="utf-8")
    return {call: Question.model_validate(about) for call, about in tomllib.loads(text)["questions"].items()}


def in_plain_words(call: str, known: Mapping[str, str] | None = None) -> str:
    """One entry of a signature's `confirmed_by` as a person says it.

    Args:
        call: The entry; one of a target's own signatures may be no question we know, and is named as it stands.
        known: What stands for `{job}`, `{definition}`, `{queue}` and `{log_group}` in the command. It is quoted: names
            come from jobs, and commands are pasted into shells.
    """
    question = questions().get(call)
    if question is None:
        return f"what `{call}` says"
    if not question.ask:
        return f"{question.whether}; {question.look}"
    filled = question.ask.format_map(
        {**_UNKNOWN, **{name: shlex.quote(value) for name, value in (known or {}).items()}}
    )
    return f"{question.whether}; ask with `{filled}`"

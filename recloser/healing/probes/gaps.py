"""What would settle a diagnosis and no probe asks, in plain words: whether what, and the call a person can make."""

from __future__ import annotations

import shlex
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from recloser.aws import LOG_GROUP
from recloser.healing.probes.answer import Finding
from recloser.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.diagnosis import Signature
    from recloser.healing.probes.answer import Probed
    from recloser.values import JobSnapshot


class Question(Value):
    """One entry of `questions.toml`."""

    whether: str
    ask: str = ""
    """A read-only command of the AWS CLI."""
    look: str = ""
    """What to do where there is no such call."""
    answered_by: tuple[str, ...] = ()
    """Probes that ask it."""

    @model_validator(mode="after")
    def _tells_how(self) -> Self:
        if bool(self.ask) == bool(self.look):
            raise ValueError("give either `ask` or `look`")
        return self

    def said(self, job: JobSnapshot) -> str:
        """The gap, with what is known of the job filled in."""
        return f"{self.whether}; " + (f"ask with `{_filled(self.ask, job)}`" if self.ask else self.look)


@cache
def questions() -> Mapping[str, Question]:
    """All of `questions.toml`, by the words of `confirmed_by`."""
    text = resources.files("recloser.healing.probes").joinpath("questions.toml").read_text(encoding="utf-8")
    return {call: Question.model_validate(about) for call, about in tomllib.loads(text)["questions"].items()}


def gaps(signature: Signature, answers: Mapping[str, Probed], job: JobSnapshot) -> tuple[str, ...]:
    """What was not checked of a diagnosis: probes that could not be made, and questions that none of them asks.

    Args:
        signature: What the diagnosis goes by.
        answers: What its probes answered, by their names.
        job: Fills the commands in.
    """
    asked = {name for name, answer in answers.items() if answer.finding is not Finding.NOT_CHECKED}
    untold = [answer.said for answer in answers.values() if answer.finding is Finding.NOT_CHECKED]
    unasked = [_said(call, job) for call in signature.confirmed_by if not asked.intersection(_askers(call))]
    return tuple(dict.fromkeys((*untold, *unasked)))


def _askers(call: str) -> tuple[str, ...]:
    known = questions().get(call)
    return known.answered_by if known else ()


def _said(call: str, job: JobSnapshot) -> str:
    """The gap; a call of a target's own signatures is named as it stands there."""
    known = questions().get(call)
    return known.said(job) if known else f"what `{call}` says"


def _filled(command: str, job: JobSnapshot) -> str:
    """The command with what is known of the job, quoted: names come from jobs, and commands are pasted into shells."""
    known = {
        "job": job.job_id,
        "definition": job.definition_arn,
        "queue": job.queue,
        "log_group": job.log_options.get("awslogs-group", LOG_GROUP),
    }
    return command.format_map({name: shlex.quote(value) for name, value in known.items()})

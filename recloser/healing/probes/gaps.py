"""What was not checked of a diagnosis: probes that could not be made, and questions that no probe asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.aws import LOG_GROUP
from recloser.diagnosis import in_plain_words, questions
from recloser.healing.probes.answer import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.diagnosis import Signature
    from recloser.healing.probes.answer import Probed
    from recloser.values import JobSnapshot


def gaps(signature: Signature, answers: Mapping[str, Probed], job: JobSnapshot) -> tuple[str, ...]:
    """Name what was not checked.

    Args:
        signature: What the diagnosis goes by.
        answers: What its probes answered, by their names.
        job: Fills in the commands that a person can make.
    """
    known = {
        "job": job.job_id,
        "definition": job.definition_arn,
        "queue": job.queue,
        "log_group": job.log_options.get("awslogs-group", LOG_GROUP),
    }
    asked = {name for name, answer in answers.items() if answer.finding is not Finding.NOT_CHECKED}
    untold = [answer.said for answer in answers.values() if answer.finding is Finding.NOT_CHECKED]
    unasked = [in_plain_words(call, known) for call in signature.confirmed_by if not asked.intersection(_askers(call))]
    return tuple(dict.fromkeys((*untold, *unasked)))


def _askers(call: str) -> tuple[str, ...]:
    question = questions().get(call)
    return question.answered_by if question else ()

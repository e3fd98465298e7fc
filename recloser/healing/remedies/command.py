"""A command that cannot be run: the one of the last good run, if it has drifted from that."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from recloser.healing.errors import Refused
from recloser.healing.remedies.override import Asked, Override, override

if TYPE_CHECKING:
    from recloser.healing.remedies.change import Case


def restore_command(case: Case) -> Override:
    """Plan to run the last good run's command."""
    if not case.site.target.guardrails.definition.restore_command:
        raise Refused("the target gives no leave to restore a command (guardrails.definition.restore_command)")
    if case.last_success is None:
        raise Refused("no good run is on record")
    before = case.evidence.job.command
    after = case.site.account.batch.definition(case.last_success.definition).command
    if not after or after == before:
        raise Refused("the command is that of the last good run: it has not drifted, something else has")
    if any(case.site.redact(word) != word for word in after):
        raise Refused("the command of the last good run holds a secret, which is not written down")
    return override(
        "restore_command",
        Asked(command=after),
        summary="run the command of the last good run",
        changes={"command": (case.site.redact(shlex.join(before)), shlex.join(after))},
        permanent=f"Register a revision of {case.spec.definition} with the command of the last good run.",
    )


def request_gpu(case: Case) -> Override:
    """Plan to ask for a GPU on the declared queue, where the job asked for none."""
    guard, job = case.site.target.guardrails.gpu, case.evidence.job
    if guard is None:
        raise Refused("the target declares no [guardrails.gpu] with a queue that has GPUs")
    if job.gpus:
        raise Refused(f"the job asked for {job.gpus} GPU: driver and image must be looked at, not the request")
    case.site.account.batch.check_queue(guard.queue)
    return override(
        "request_gpu",
        Asked(gpus=guard.count, queue=guard.queue),
        summary=f"ask for {guard.count} GPU on queue {guard.queue}",
        changes={"GPU": (0, guard.count), "jobQueue": (case.spec.queue, guard.queue)},
        permanent=f"Set GPU to {guard.count} in a new revision of {case.spec.definition} and [job] queue to "
        f"{guard.queue}.",
    )

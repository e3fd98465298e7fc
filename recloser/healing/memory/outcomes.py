"""Whether a remedy worked, judged by the attempts that followed it; pure functions of an incident.

A remedy is tried once per problem and incident, however many steps it takes: three raises of the memory limit that
end in success are one success. The first later attempt that decides is the one that counts: a lost host or an
unknown failure says nothing of the problem, so the one after it is asked. What the job turned out to do without is
neither a success nor a failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.values import AttemptRecord, Cause, CauseClass, ChangeRecord, ChangeState, Diagnosis, Incident, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRIED = frozenset({ChangeState.APPLIED, ChangeState.VERIFIED, ChangeState.REVERTED, ChangeState.WITHHELD})


def outcomes_of(incident: Incident) -> tuple[Outcome, ...]:
    """What is known of each remedy of an incident; what no attempt has decided is left out."""
    return tuple(_outcomes(incident))


def _outcomes(incident: Incident) -> Iterator[Outcome]:
    diagnoses = {attempt.number: attempt.diagnosis for attempt in incident.attempts if attempt.diagnosis}
    trials: dict[tuple[object, str], list[ChangeRecord]] = {}
    for change in incident.changes:
        if change.attempt in diagnoses:
            trials.setdefault((diagnoses[change.attempt].problem, change.remedy), []).append(change)
    for (_, remedy), changes in trials.items():
        answered = diagnoses[changes[0].attempt]
        judged = _judge(incident, changes, answered)
        if judged is not None:
            yield Outcome(
                incident_id=incident.incident_id,
                attempt=changes[0].attempt,
                target=incident.target,
                signature=answered.signature,
                cause=answered.cause,
                remedy=remedy,
                worked=judged,
                at=changes[-1].settled_at or changes[-1].planned_at,
            )


def _judge(incident: Incident, changes: list[ChangeRecord], answered: Diagnosis) -> bool | None:
    tried = [change for change in changes if change.state in _TRIED]
    if not tried:
        return False if any(change.state is ChangeState.FAILED for change in changes) else None
    trials = [attempt for attempt in incident.attempts if attempt.without]
    if any(trial.succeeded and change.change_id in trial.without for trial in trials for change in tried):
        return None
    later = (one for one in incident.attempts if one.number > tried[-1].attempt and one not in trials)
    return next((said for attempt in later if (said := _says(attempt, answered)) is not None), None)


def _says(attempt: AttemptRecord, answered: Diagnosis) -> bool | None:
    """Whether an attempt shows that the problem is gone; None where it shows neither."""
    if attempt.succeeded:
        return True
    found = attempt.diagnosis
    if found is None:
        return None
    if found.problem == answered.problem:
        return False
    undecided = found.cause is Cause.UNKNOWN or found.cause.cause_class in {CauseClass.TRANSIENT, CauseClass.USER}
    return None if undecided else True

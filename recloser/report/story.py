"""What an incident says to a person: how it ended, what happened, what to do now."""

from collections.abc import Iterator

from recloser.report.markdown import Markdown, code_span
from recloser.report.words import (
    IN_PLACE,
    changes_after,
    has_failed,
    left_out,
    percent,
    prose,
    sentence,
    trial_words,
)
from recloser.values import AttemptRecord, ChangeRecord, ChangeState, Diagnosis, Incident, Verdict

_OPEN_FOR_A_PERSON = frozenset({ChangeState.PLANNED, ChangeState.DECLINED})


def verdict_sentence(incident: Incident) -> Markdown:
    """How the incident ended, in one sentence."""
    attempts = count(len(incident.attempts), "attempt")
    return Markdown(
        {
            Verdict.OPEN: "This incident is still open: it is running, or it was interrupted.",
            Verdict.HEALTHY: "The job succeeded at the first attempt; nothing was changed.",
            Verdict.HEALED: f"The job works again after {attempts}; changes still in place: {_kept(incident)}.",
            Verdict.LOCKED_OUT: "The job still fails and nothing safe is left to try: a person must act.",
            Verdict.EXHAUSTED: f"The job still fails after {attempts}, "
            f"and {incident.iterations} is the limit: a person must act.",
            Verdict.CANCELLED: "A person cancelled the healing, and its job was terminated.",
            Verdict.REPORTED: "The job fails; the failure is explained below and nothing was changed.",
        }[incident.verdict]
    )


def what_happened(incident: Incident) -> Markdown:
    """Every attempt's story in one paragraph."""
    told = [
        _told_trial(incident, attempt) if attempt.without else _told(attempt, changes_after(incident, attempt))
        for attempt in incident.attempts
    ]
    return Markdown(" ".join(told) or "The job was never submitted.")


def next_steps(incident: Incident) -> tuple[Markdown, ...]:
    """What a person should do now, the most urgent first."""
    return tuple(_steps(incident))


def count(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _kept(incident: Incident) -> int:
    return sum(change.state in IN_PLACE for change in incident.changes)


def _told(attempt: AttemptRecord, changes: tuple[ChangeRecord, ...]) -> str:
    if attempt.state is None:
        return f"Attempt {attempt.number} was about to be submitted."
    if attempt.succeeded:
        outputs = "all its declared outputs are valid" if attempt.outputs else "no declared output was checked"
        return f"Attempt {attempt.number} succeeded, and {outputs}."
    if not has_failed(attempt):
        return f"Attempt {attempt.number} has not ended."
    why = _why(attempt.diagnosis) if attempt.diagnosis else "and was not diagnosed."
    hidden = _hidden(attempt)
    return " ".join([f"Attempt {attempt.number} failed {why}", *hidden, *map(_answer, changes)])


def _told_trial(incident: Incident, attempt: AttemptRecord) -> str:
    what = " and ".join(f"“{prose(change.summary)}”" for change in left_out(incident, attempt))
    return f"Attempt {attempt.number} was a trial without {what}: {trial_words(incident, attempt)}."


def _hidden(attempt: AttemptRecord) -> tuple[str, ...]:
    if attempt.masked_by is None:
        return ()
    return (f"It had been hidden by {code_span(attempt.masked_by)} until that was cleared.",)


def _why(diagnosis: Diagnosis) -> str:
    return f"({code_span(diagnosis.cause)}, confidence {percent(diagnosis.confidence)}): {sentence(diagnosis.summary)}"


def _answer(change: ChangeRecord) -> str:
    return f"In answer, “{prose(change.summary)}” was {change.state}."


def _steps(incident: Incident) -> Iterator[Markdown]:
    if incident.verdict is Verdict.OPEN:
        yield Markdown("Let it run; if it was interrupted, run the same command again.")
        return
    if not incident.verdict.is_success:
        yield from _diagnosis_steps(incident)
    for number, change in enumerate(incident.changes, start=1):
        if step := _change_step(change, works=incident.verdict.is_success):
            yield Markdown(f"{step}: change {number}, “{prose(change.summary)}”.")


def _diagnosis_steps(incident: Incident) -> Iterator[Markdown]:
    failed = [
        attempt for attempt in incident.attempts if attempt.diagnosis and has_failed(attempt) and not attempt.without
    ]
    if not failed or failed[-1].diagnosis is None:
        yield Markdown("Find out why the job fails: there is no diagnosis to go by.")
        return
    diagnosis = failed[-1].diagnosis
    yield Markdown(f"Clear what made attempt {failed[-1].number} fail: {sentence(diagnosis.summary)}")
    for gap in diagnosis.not_checked:
        yield Markdown(f"Check by hand what could not be checked: {sentence(gap)}")


def _change_step(change: ChangeRecord, *, works: bool) -> str | None:
    if change.state in _OPEN_FOR_A_PERSON:
        return None if works else "Decide on what was proposed and not done"
    if change.state in IN_PLACE:
        return "Make permanent, or the next deployment may undo it" if works else "Keep or undo what is still in place"
    return None

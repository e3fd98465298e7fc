"""May this change be made? By the guardrails in `auto`, by a person in `manual`, never in `report-only`.

A person answers in the Prefect UI, where the paused flow run shows a form, or at the terminal that started the
run, which answers the same pause. The answer can only say yes or no: what is applied is the change that was
planned, never what someone typed. One outside the guardrails needs a name and a reason as well, which are kept.
"""

from __future__ import annotations

import getpass
import select
import sys
import threading
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from prefect import pause_flow_run
from prefect.client.orchestration import get_client
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import resume_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from pydantic import Field

from recloser.healing import Consent
from recloser.report import escape_inline, fence
from recloser.values import FixMode, Verdict
from tasks.narration import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recloser.healing import Healing, PlannedChange
    from recloser.values import ChangeRecord

ANSWER_TIMEOUT_S = 3_600
Form = TypeVar("Form", bound=RunInput)


class Answer(StrEnum):
    """What a person may say to a planned change."""

    APPLY = "apply"
    SKIP = "skip"
    """Not this one: try the next remedy."""
    STOP = "stop"
    """Nothing more: close the incident."""


class Approval(RunInput):
    """The form of the paused flow run."""

    answer: Answer = Answer.SKIP


class Consented(RunInput):
    """The form for a change outside the guardrails."""

    answer: Answer = Answer.SKIP
    approved_by: str = Field(default="", max_length=200, description="Who approves it; needed to apply")
    why: str = Field(default="", max_length=1_000, description="Why it is right here; needed to apply")

    @property
    def consent(self) -> Consent | None:
        """The approval, where both are given."""
        who, why = self.approved_by.strip(), self.why.strip()
        return Consent(who=who, why=why) if who and why else None


def agreed(healing: Healing, planned: PlannedChange) -> bool:
    """Whether the change is to be applied; a plan that is not is left in the report as a proposal."""
    match healing.incident.fix_mode:
        case FixMode.AUTO:
            return True
        case FixMode.REPORT_ONLY:
            healing.report_only(planned)
            return False
        case FixMode.MANUAL:
            return _obeyed(healing, planned, _asked_outside(healing, planned) if planned.outside else _ask(planned))


def _obeyed(healing: Healing, planned: PlannedChange, answer: Answer | None) -> bool:
    if answer is not None:
        healing.answered()
    if answer is Answer.APPLY:
        return True
    healing.decline(planned, "nobody answered in time" if answer is None else "a person declined it")
    if answer is not Answer.SKIP:
        why = f"Nobody answered within {ANSWER_TIMEOUT_S} s" if answer is None else "A person stopped the healing"
        healing.close(Verdict.LOCKED_OUT, f"{why}. Proposed was: {planned.record.summary}.")
    return False


def _asked_outside(healing: Healing, planned: PlannedChange) -> Answer | None:
    """Ask until the answer is no, or a yes that says who and why; the yes is for this change alone."""
    words = f"**Outside the guardrails:** {escape_inline(planned.outside)}\n\n{_described(planned.record)}"
    form = Consented.with_initial_data(description=words, answer=Answer.SKIP)
    while (said := _paused(form, outside=True)) is not None and said.answer is Answer.APPLY:
        if said.consent is not None:
            healing.consent(planned, said.consent)
            break
    return said.answer if said else None


def _ask(planned: PlannedChange) -> Answer | None:
    said = _paused(Approval.with_initial_data(description=_described(planned.record), answer=Answer.SKIP))
    return said.answer if said else None


def _paused(form: type[Form], *, outside: bool = False) -> Form | None:
    """The form as a person has sent it; None when nobody did in time."""
    try:
        with _terminal_answers(outside=outside):
            return pause_flow_run(wait_for_input=form, timeout=ANSWER_TIMEOUT_S, poll_interval=1)
    except FlowPauseTimeout:
        return None


def _described(change: ChangeRecord) -> str:
    """The change as Markdown: what, exactly how, whom it touches, what it costs, and how to take it back."""
    parts = [
        escape_inline(change.summary),
        fence(change.diff, "diff") if change.diff else "",
        f"Touches: {escape_inline(change.blast_radius)}" if change.blast_radius else "",
        f"Costs: {escape_inline(change.cost)}" if change.cost else "",
        f"Undo: {escape_inline(change.undo)}",
    ]
    return "\n\n".join(part for part in parts if part)


@contextmanager
def _terminal_answers(*, outside: bool) -> Iterator[None]:
    """Let the terminal that started the run answer its pause; the UI can answer it as well, and the first counts."""
    if TERMINAL.get() is None or not sys.stdin.isatty():
        yield
        return
    answered = threading.Event()
    ask = _why if outside else _nothing_more
    asker = threading.Thread(target=_answer_from_terminal, args=(UUID(str(flow_run.id)), answered, ask), daemon=True)
    asker.start()
    try:
        yield
    finally:
        answered.set()
        asker.join()


def _nothing_more(answered: threading.Event) -> dict[str, str] | None:
    del answered
    return {}


def _why(answered: threading.Event) -> dict[str, str] | None:
    """Who is at the terminal, and why the change is right although nobody declared it; None without a reason."""
    sys.stderr.write("It lies outside the guardrails. Why is it right here? ")
    sys.stderr.flush()
    why = (_read_line(answered) or "").strip()
    return {"approved_by": getpass.getuser(), "why": why[:1_000]} if why else None


def _answer_from_terminal(
    run_id: UUID, answered: threading.Event, ask: Callable[[threading.Event], dict[str, str] | None]
) -> None:
    while not answered.is_set() and not _is_paused(run_id):
        answered.wait(0.2)
    while not answered.is_set():
        sys.stderr.write("Apply this change? [apply/skip/stop] ")
        sys.stderr.flush()
        line = _read_line(answered)
        if line is None:
            sys.stderr.write("\nanswered in the Prefect UI\n")
        elif (words := line.lower()) in set(Answer):
            more = ask(answered) if words == Answer.APPLY else {}
            if more is not None:
                resume_flow_run(run_id, run_input={"answer": words} | more)
                return
        else:
            sys.stderr.write(f"Please answer one of {', '.join(Answer)}.\n")


def _read_line(answered: threading.Event) -> str | None:
    """A line from the terminal; None if the answer came from elsewhere, `stop` at its end."""
    while not answered.is_set():
        if select.select([sys.stdin], [], [], 0.3)[0]:
            line = sys.stdin.readline()
            return line.strip() if line else Answer.STOP
    return None


def _is_paused(run_id: UUID) -> bool:
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run_id).state
    return state is not None and state.is_paused()

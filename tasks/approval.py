"""May this change be made? By the guardrails in `auto`, by a person in `manual`, never in `report-only`.

A person answers in the Prefect UI, where the paused flow run shows a form, or at the terminal that started the
run, which answers the same pause. The answer can only say yes or no: what is applied is the change that was
planned within the guardrails, never what someone typed.
"""

from __future__ import annotations

import select
import sys
import threading
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from prefect import pause_flow_run
from prefect.client.orchestration import get_client
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import resume_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run

from recloser.report import escape_inline, fence
from recloser.values import FixMode, Verdict
from tasks.narration import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.healing import Healing, PlannedChange
    from recloser.values import ChangeRecord

ANSWER_TIMEOUT_S = 3_600


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


def agreed(healing: Healing, planned: PlannedChange) -> bool:
    """Whether the change is to be applied; a plan that is not is left in the report as a proposal."""
    match healing.incident.fix_mode:
        case FixMode.AUTO:
            return True
        case FixMode.REPORT_ONLY:
            healing.report_only(planned)
            return False
        case FixMode.MANUAL:
            return _obeyed(healing, planned, _ask(planned))


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


def _ask(planned: PlannedChange) -> Answer | None:
    form = Approval.with_initial_data(description=_described(planned.record), answer=Answer.SKIP)
    try:
        with _terminal_answers():
            return pause_flow_run(wait_for_input=form, timeout=ANSWER_TIMEOUT_S, poll_interval=1).answer
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
def _terminal_answers() -> Iterator[None]:
    """Let the terminal that started the run answer its pause; the UI can answer it as well, and the first counts."""
    if TERMINAL.get() is None or not sys.stdin.isatty():
        yield
        return
    answered = threading.Event()
    asker = threading.Thread(target=_answer_from_terminal, args=(UUID(str(flow_run.id)), answered), daemon=True)
    asker.start()
    try:
        yield
    finally:
        answered.set()
        asker.join()


def _answer_from_terminal(run_id: UUID, answered: threading.Event) -> None:
    while not answered.is_set() and not _is_paused(run_id):
        answered.wait(0.2)
    while not answered.is_set():
        sys.stderr.write("Apply this change? [apply/skip/stop] ")
        sys.stderr.flush()
        words = _read_line(answered)
        if words is None:
            sys.stderr.write("\nanswered in the Prefect UI\n")
        elif words in set(Answer):
            resume_flow_run(run_id, run_input={"answer": words})
            return
        else:
            sys.stderr.write(f"Please answer one of {', '.join(Answer)}.\n")


def _read_line(answered: threading.Event) -> str | None:
    """A line from the terminal; None if the answer came from elsewhere, `stop` at its end."""
    while not answered.is_set():
        if select.select([sys.stdin], [], [], 0.3)[0]:
            line = sys.stdin.readline()
            return line.strip().lower() if line else Answer.STOP
    return None


def _is_paused(run_id: UUID) -> bool:
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run_id).state
    return state is not None and state.is_paused()

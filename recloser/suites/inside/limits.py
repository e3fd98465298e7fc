"""The time limit of one test.

At the limit, an alarm raises in the test, which fails with the stacks of all threads, and the next one runs. What does
not listen, because it blocks in C or swallows everything, is killed by the runner, who watches from outside; a signal
asks for its stacks before that, which are written without the interpreter.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

DUMP: int = getattr(signal, "SIGRTMAX", 0) - 2
"""The signal that asks for stacks; a real-time one, since those are nobody's."""
_BETWEEN_PHASES_S = 0.05


class Limit:
    """Holds each test to its time."""

    def __init__(self, limit_s: float, stacks: Path) -> None:
        """Keep the file for stacks open, since a process that blocks opens none."""
        self._limit_s = limit_s
        self._stacks = stacks.open("w", encoding="utf-8")
        self._can_alarm = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        self._before: Any = None
        self.exceeded = False
        if DUMP > 0:
            faulthandler.register(DUMP, file=self._stacks)

    def begin(self) -> None:
        """Start the clocks of a test."""
        self.exceeded = False
        if self._can_alarm:
            self._before = signal.signal(signal.SIGALRM, self._ring)
            signal.setitimer(signal.ITIMER_REAL, self._limit_s)

    def end(self) -> None:
        """Stop them."""
        if self._can_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if signal.getsignal(signal.SIGALRM) == self._ring:
                signal.signal(signal.SIGALRM, signal.SIG_DFL if self._before is None else self._before)

    def _ring(self, _number: int, frame: FrameType | None) -> None:
        if not _is_in_phase(frame):
            signal.setitimer(signal.ITIMER_REAL, _BETWEEN_PHASES_S)
            return
        self.exceeded = True
        signal.setitimer(signal.ITIMER_REAL, self._limit_s)  # the teardown may hang as well
        raise pytest.fail.Exception(f"it ran longer than {self._limit_s:g} s\n{_stacks(frame)}", pytrace=True)


def _is_in_phase(frame: FrameType | None) -> bool:
    """Whether pytest would take an exception for the test's own: it catches those of setup, call and teardown there."""
    while frame is not None:
        if frame.f_code.co_name == "from_call":
            return True
        frame = frame.f_back
    return False


def _stacks(frame: FrameType | None) -> str:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    mine = threading.get_ident()
    parts = [f"thread {names.get(mine, mine)}:\n{''.join(traceback.format_stack(frame))}"]
    parts += [
        f"thread {names.get(ident, ident)}:\n{''.join(traceback.format_stack(other))}"
        for ident, other in sys._current_frames().items()  # noqa: SLF001 - the documented way to see other threads
        if ident != mine
    ]
    return "\n".join(parts)

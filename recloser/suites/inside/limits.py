"""The time limit of one test.

At the limit, an alarm raises in the test, which fails with the stacks of all threads, and the next one runs. What does
not listen, because it blocks in C or swallows everything, has its stacks dumped by a thread that needs no interpreter,
and is killed by the runner, who watches from outside.
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

GRACE_S = 2.0
"""How long after the limit the stacks are dumped from outside the interpreter."""
_BETWEEN_PHASES_S = 0.05


class Limit:
    """Holds each test to its time."""

    def __init__(self, limit_s: float, stacks: Path) -> None:
        """Keep the file for stacks open, since a process that blocks opens none."""
        self._limit_s = limit_s
        self._stacks = stacks.open("w", encoding="utf-8")
        self._can_alarm = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        self._before: Any = None
        self.in_phase = False
        """Whether pytest would take an exception for the test's own."""
        self.exceeded = False

    def begin(self) -> None:
        """Start the clocks of a test."""
        self.exceeded = False
        faulthandler.dump_traceback_later(self._limit_s + GRACE_S, file=self._stacks)
        if self._can_alarm:
            self._before = signal.signal(signal.SIGALRM, self._ring)
            signal.setitimer(signal.ITIMER_REAL, self._limit_s)

    def end(self) -> None:
        """Stop them."""
        faulthandler.cancel_dump_traceback_later()
        if self._can_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if signal.getsignal(signal.SIGALRM) == self._ring:
                signal.signal(signal.SIGALRM, signal.SIG_DFL if self._before is None else self._before)

    def _ring(self, _number: int, frame: FrameType | None) -> None:
        if not self.in_phase:
            signal.setitimer(signal.ITIMER_REAL, _BETWEEN_PHASES_S)
            return
        self.exceeded = True
        signal.setitimer(signal.ITIMER_REAL, self._limit_s)  # the teardown may hang as well
        raise pytest.fail.Exception(f"it ran longer than {self._limit_s:g} s\n{_stacks(frame)}", pytrace=True)


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

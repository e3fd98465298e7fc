"""One launch of pytest with our plugin: from its start until nothing of it is left."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING

from recloser.suites.command import PLUGIN, command_line, with_plugin
from recloser.suites.inside.limits import DUMP
from recloser.suites.process import Process
from recloser.suites.tape import CRASHED, INTERRUPTED, Tape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from recloser.target import Suite

STOPPED = "it was stopped with the rest of its cycle"
_WAIT_S = 0.05
_LOOK_S = 0.25
GRACE_S = 3.0
"""How long after its limit a test has not listened to its alarm."""
_DUMP_S = 0.3


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run."""

    suite: Suite
    folder: Path
    scratch: Path
    """Private to this run of the suite."""
    environment: Mapping[str, str]
    workers: int
    deadline: float
    """Monotonic time at which the suite's time is over."""
    arguments: Sequence[str] = ()
    durations: Mapping[str, float] = field(default_factory=dict)
    files: Sequence[str] | None = None
    """Real paths of the only test files to collect; None means all."""
    only: Sequence[str] | None = None
    """Ids of the only tests to run; None means all."""
    again: bool = False
    """Whether it is a rerun of what has failed."""
    order: str = "same"
    """`same`, `reversed`, or `shuffled`: files among each other, and the tests within a file."""
    seed: int = 0
    """What a shuffled order is drawn from."""
    stop: Event = field(default_factory=Event)
    """Set from another thread when the run has to end."""

    def rerun(self, only: Sequence[str]) -> Plan:
        """The same for some tests that have failed, in one process of their own."""
        return replace(self, only=only, again=True, workers=1)

    def narrowed(self, only: Sequence[str]) -> Plan:
        """The same for some tests."""
        return replace(self, only=only)

    def arranged(self, order: str, seed: int) -> Plan:
        """The same in another order."""
        return replace(self, order=order, seed=seed)

    def after_a_crash(self, left: Sequence[str]) -> Plan:
        """The same for what is left."""
        return replace(self, only=left)


@dataclass(frozen=True, slots=True)
class Ending:
    """How one launch ended."""

    exit_code: int | None
    output: str
    cut_short: str = ""
    """Why we ended it; empty where it ended by itself."""
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Launched(Ending):
    """How one launch of pytest ended, and what it wrote down."""

    tape: Tape = field(kw_only=True)


_BY_A_PERSON = "it was interrupted"


def launch(plan: Plan, name: str, on_look: Callable[[Tape], None]) -> Launched:
    """Run the command to its end, or to that of its time.

    Args:
        plan: What to run.
        name: Of this launch, in the scratch folder.
        on_look: Called every now and then with what has been read.
    """
    folder = plan.scratch / name
    folder.mkdir()
    orders = _orders(plan, folder)
    environment = with_plugin(plan.environment, plan.scratch) | {"RECLOSER_ORDERS": str(orders)}
    command = command_line(plan.suite, plan.folder, folder / "junit.xml", ["-p", PLUGIN, *plan.arguments])
    tape = Tape(folder)
    ending = _run(plan, command, environment, lambda: _look(plan, tape, on_look))
    ended_at = time.time()
    tape.read()
    on_look(tape)
    status = INTERRUPTED if ending.cut_short else CRASHED
    tape.close(status=status, reason=ending.cut_short or how_it_died(ending.exit_code), until=ended_at)
    if ending.cut_short and not (ending.interrupted or plan.again or ending.cut_short == STOPPED):
        tape.blame(min(plan.suite.limit_s, plan.suite.timeout_s / 2), ending.cut_short)
    return Launched(ending.exit_code, ending.output, ending.cut_short, ending.interrupted, tape=tape)


def launch_other(plan: Plan, report: Path) -> Ending:
    """Run the command of another runner to its end, or to that of its time.

    Args:
        plan: What to run.
        report: Where its JUnit report is to be written.
    """
    command = command_line(plan.suite, plan.folder, report, plan.arguments)
    return _run(plan, command, plan.environment, lambda: None)


def _run(plan: Plan, command: list[str], environment: Mapping[str, str], look: Callable[[], None]) -> Ending:
    cut_short = ""
    with Process(command, plan.folder, environment) as process:
        try:
            cut_short = _watch(plan, process, look)
            if cut_short:
                process.interrupt()
        except KeyboardInterrupt:
            cut_short = _BY_A_PERSON
            process.interrupt()
    return Ending(process.exit_code, process.output, cut_short, interrupted=cut_short == _BY_A_PERSON)


def _watch(plan: Plan, process: Process, look: Callable[[], None]) -> str:
    """Wait for its end; answers why it has to be ended before that, if it has."""
    next_look = 0.0
    while not process.wait(_WAIT_S):
        now = time.monotonic()
        if now >= plan.deadline:
            return f"its time of {plan.suite.timeout_s:g} s was over"
        if plan.stop.is_set():
            return STOPPED
        if now >= next_look:
            look()
            next_look = now + _LOOK_S
    return ""


def _look(plan: Plan, tape: Tape, on_look: Callable[[Tape], None]) -> None:
    tape.read()
    on_look(tape)
    _kill_overdue(plan.suite.limit_s, tape)


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A launch of a run that was killed."""

    launched: Launched
    again: bool
    """Whether it was a rerun."""


def take_over(folder: Path) -> TakenOver | None:
    """Read what a launch wrote down before whoever had launched it was killed; None where that is nothing.

    A test that was running then is not blamed: it counts as not begun.
    """
    try:
        again = bool(json.loads((folder / "orders.json").read_text(encoding="utf-8"))["again"])
    except (OSError, ValueError, KeyError):
        return None
    tape = Tape(folder)
    tape.read()
    if tape.session is None or tape.collected is None:
        return None
    tape.close(status=INTERRUPTED, reason="", until=time.time())
    tape.ended = [ended for ended in tape.ended if ended.status != INTERRUPTED]
    return TakenOver(Launched(None, "", tape=tape), again)


def how_it_died(exit_code: int | None) -> str:
    """What an exit code says of a process that ended in the middle of a test."""
    if exit_code is None:
        return "its process could not be ended"
    if exit_code < 0:
        try:
            return f"its process was ended by {signal.Signals(-exit_code).name}"
        except ValueError:
            return f"its process was ended by signal {-exit_code}"
    return f"its process ended with exit code {exit_code} while it ran"


def _orders(plan: Plan, folder: Path) -> Path:
    file = folder / "orders.json"
    told = {
        "folder": str(folder),
        "root": os.path.realpath(plan.folder),
        "workers": plan.workers,
        "limit_s": plan.suite.limit_s,
        "only": None if plan.only is None else list(plan.only),
        "files": None if plan.files is None else list(plan.files),
        "again": plan.again,
        "order": plan.order,
        "seed": plan.seed,
        "durations": dict(plan.durations),
        "coverage": [] if plan.again else list(plan.suite.coverage),
        "coverage_folder": str(plan.scratch / "coverage"),
    }
    file.write_text(json.dumps(told), encoding="utf-8")
    return file


def _kill_overdue(limit_s: float, tape: Tape) -> None:
    """End what did not listen to its own alarm; xdist replaces the worker, and the rest goes on."""
    for pid, running in list(tape.running()):
        if pid not in tape.overdue and time.time() - running.at > limit_s + GRACE_S:
            with suppress(ProcessLookupError):
                os.kill(pid, DUMP)
                time.sleep(_DUMP_S)
                tape.overdue[pid] = tape.stacks(pid)
                os.kill(pid, signal.SIGKILL)

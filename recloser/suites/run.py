"""Run one suite and hand back every attempt of every test."""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from recloser.suites.command import base_environment
from recloser.suites.course import Course
from recloser.suites.ending import refused
from recloser.suites.inside.describe import cpus
from recloser.suites.launch import Plan
from recloser.suites.process import sweep
from recloser.suites.state import code_state
from recloser.values import Judgement, SuiteRun, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from recloser.target import Suite
    from recloser.values import CodeState, Environment

WORKERS_START_S = 0.7
HAND_OUT_S = 0.001
"""What xdist costs: to start its workers, and to hand out a test and hear of it. Known tests that would gain less than
that by running side by side run in one process."""


def run_suite(
    name: str,
    suite: Suite,
    folder: Path,
    *,
    durations: Mapping[str, float] | None = None,
    workers: int | None = None,
    arguments: Sequence[str] = (),
    extra_environment: Mapping[str, str] | None = None,
    files: Sequence[str] | None = None,
    code: CodeState | None = None,
    scratch: Path | None = None,
    stop: Event | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> SuiteRun:
    """Run a suite, and again what failed in it.

    Args:
        name: What the suite is called.
        suite: As declared.
        folder: Where its target lies; it is run there.
        durations: Seconds that tests are known to take, by id: the longest begin first.
        workers: Instead of what the suite declares.
        arguments: Given to the runner after those of the command.
        extra_environment: Variables for the suite, such as where services listen; its own go before them.
        files: The only test files to run, absolute; None means all.
        code: State of the code, where the caller has taken it already.
        scratch: Where its processes write down what happens. What a killed run of the same code and suite has written
            there is taken over, and only the rest is run; None is a folder that is gone afterwards.
        stop: Ends the run when it is set, from any thread.
        on_progress: Told how many tests have ended, of how many.

    Returns:
        Every attempt of every test. A suite that cannot be started, or not to its end, is not verified, with a reason.

    Raises:
        SuiteInterruptedError: A person interrupted it (KeyboardInterrupt); it carries what had run.
    """
    folder = folder.resolve()
    started_at = utc_now()
    tier = suite.tier or name
    known = dict(durations or {})
    sweep()
    with _scratch(scratch) as place:
        plan = Plan(
            suite=suite,
            folder=folder,
            scratch=place,
            environment=base_environment(suite, extra_environment or {}),
            workers=_workers(suite, tier, workers, known),
            deadline=time.monotonic() + suite.timeout_s,
            arguments=arguments,
            durations=known,
            files=files,
            stop=stop or Event(),
        )
        course = Course(name, tier, plan, code or code_state(folder), started_at)
        try:
            return course.of_pytest(on_progress) if suite.runs == "pytest" else course.of_junit()
        except OSError as error:
            return course.not_verified(f"it cannot be run: {refused(error, place)}")


def unverified(name: str, suite: Suite, why: str, *, code: CodeState, environment: Environment) -> SuiteRun:
    """What is said of a suite that was not begun, because something that it needs is not there."""
    now = utc_now()
    return SuiteRun(
        suite=name,
        tier=suite.tier or name,
        judgement=Judgement.NOT_VERIFIED,
        reason=why,
        critical=suite.critical,
        code=code,
        environment=environment,
        started_at=now,
        ended_at=now,
    )


@contextmanager
def _scratch(kept: Path | None) -> Iterator[Path]:
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="recloser-suite-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    else:
        kept = kept.absolute()
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield kept


def _workers(suite: Suite, tier: str, told: int | None, durations: Mapping[str, float]) -> int:
    workers = told or suite.workers_on(cpus(), tier)
    if told is None and durations:
        gain_s = sum(durations.values()) * (1 - 1 / workers)
        return workers if gain_s > WORKERS_START_S + HAND_OUT_S * len(durations) else 1
    return workers

"""Run one suite and hand back every attempt of every test; what goes wrong with it is part of that, not an error."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from pydantic import SecretStr

from recloser.redaction import Redactor, secrets_of, shown, shown_lines
from recloser.suites.attempts import TEXT_LIMIT, Clerk
from recloser.suites.command import base_environment, interpreter
from recloser.suites.inside.describe import cpus, environment
from recloser.suites.judge import Tally, judgement_of, tally
from recloser.suites.junit import ReportError, read_report
from recloser.suites.launch import Launched, Plan, how_it_died, launch_other
from recloser.suites.measured import calls_of, coverage_of, figures_of
from recloser.suites.rounds import Rounds
from recloser.suites.state import code_state, environment_from, environment_of
from recloser.values import Environment, Judgement, SuiteRun, TestAttempt, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from recloser.target import Suite
    from recloser.values import CodeState

WORKERS_START_S = 0.7
HAND_OUT_S = 0.001
"""What xdist costs: to start its workers, and to hand out a test and hear of it. Known tests that would gain less than
that by running side by side run in one process."""
_INTERRUPTED, _INTERNAL, _NO_TESTS = 2, 3, 5
_LAST_LINES = 40
_NOISE = re.compile("(ERROR: )?usage:|rootdir:|inifile:|configfile:")


class SuiteInterruptedError(KeyboardInterrupt):
    """Ctrl-C ended the run; who wants to keep what had run by then finds it here."""

    def __init__(self, run: SuiteRun) -> None:
        """Keep what has run."""
        super().__init__(f"suite {run.suite} was interrupted")
        self.run = run


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
            return course.not_verified(f"it cannot be run: {error}")


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


class Course:
    """One run of a suite, from its plan to its value."""

    def __init__(self, name: str, tier: str, plan: Plan, code: CodeState, started_at: datetime) -> None:
        """Know what is run, on what."""
        self._name = name
        self._tier = tier
        self._plan = plan
        self._code = code
        self._started_at = started_at
        secrets = {name: SecretStr(value) for name, value in plan.environment.items()}
        self._redact = Redactor(secrets_of(secrets))
        self._clerk = Clerk(name, plan.folder, self._redact)

    def of_pytest(self, on_progress: Callable[[int, int], None]) -> SuiteRun:
        """Run pytest with our plugin in it.

        Raises:
            SuiteInterruptedError: A person interrupted it.
        """
        (self._plan.scratch / "coverage").mkdir(exist_ok=True)
        rounds = Rounds(self._plan, on_progress)
        rounds.run()
        run = self._judged(rounds)
        if rounds.interrupted:
            raise SuiteInterruptedError(run)
        return run

    def of_junit(self) -> SuiteRun:
        """Run any other runner, and read its report.

        Raises:
            SuiteInterruptedError: A person interrupted it.
        """
        report = self._plan.scratch / "junit.xml"
        report.unlink(missing_ok=True)  # of a run that was killed: it is no news of this one
        launched = launch_other(self._plan, report)
        ended, exit_reason = [], ""
        try:
            ended = read_report(report, self._started_at)
        except ReportError as error:
            exit_reason = f"{error}; it ended with exit code {launched.exit_code}: {_said(launched.output)}"
        attempts = tuple(self._clerk.attempts(ended, launched.cut_short))
        counts = tally(attempts)
        if launched.exit_code and not counts.failed and not exit_reason:
            exit_reason = _without_a_failure(launched.exit_code, launched.output)
        run = self._run(
            *judgement_of(counts, launched.cut_short, exit_reason),
            self._environment(None),
            launched.exit_code,
            figures=figures_of(ended),
            attempts=attempts,
            output=shown_lines(launched.output, self._redact, limit=TEXT_LIMIT),
        )
        if launched.interrupted:
            raise SuiteInterruptedError(run)
        return run

    def not_verified(self, reason: str) -> SuiteRun:
        """What is said of a run that never began."""
        return self._run(Judgement.NOT_VERIFIED, reason, self._environment(None), None)

    def _judged(self, rounds: Rounds) -> SuiteRun:
        first = rounds.whole[0]
        attempts = list(self._attempts(rounds))
        counts = tally(attempts)
        cut_short, exit_reason = _ended_how(rounds, counts)
        judgement, reason = judgement_of(counts, cut_short, exit_reason)
        session = first.tape.session or {}
        ended = [ended for launched in rounds.all for ended in launched.tape.ended]
        percent, notes = self._coverage(session)
        if session.get("serial"):
            notes.append(f"one process only: {session['serial']}")
        return self._run(
            judgement,
            reason,
            self._environment(session.get("environment")),
            first.exit_code,
            workers=session.get("workers", 1),
            coverage_percent=percent,
            aws_calls=calls_of(ended),
            figures=figures_of(ended),
            attempts=tuple(attempts),
            notes=(*notes, *rounds.notes),
            output="" if judgement is Judgement.PASSED else shown_lines(first.output, self._redact, limit=TEXT_LIMIT),
        )

    def _attempts(self, rounds: Rounds) -> Iterator[TestAttempt]:
        yield from self._clerk.uncollected(rounds.whole[0].tape.uncollected)
        for launched in rounds.whole:
            yield from self._clerk.attempts(launched.tape.ended, launched.cut_short or "the run ended")
        why = rounds.whole[-1].cut_short or _early(rounds) or "the run ended before its turn"
        yield from self._clerk.not_run(rounds.left(), utc_now(), why)
        for launched in rounds.reruns:
            yield from self._clerk.attempts(launched.tape.ended, launched.cut_short or "the rerun ended")

    def _coverage(self, session: Mapping[str, object]) -> tuple[float | None, list[str]]:
        if not self._plan.suite.coverage or not session:
            return None, []
        if why := session["uncovered"]:
            return None, [f"coverage was not measured: {why}"]
        percent, why = coverage_of(str(session["executable"]), self._plan.scratch / "coverage", self._plan.folder)
        return percent, [why] if why else []

    def _environment(self, told: dict[str, object] | None) -> Environment:
        if told is not None:
            return environment_from(told)
        python = interpreter(self._plan.suite, self._plan.folder)
        try:
            return environment_of(python, self._plan.folder)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return environment_from(environment() | {"python": "unknown", "packages": ""})

    def _run(
        self, judgement: Judgement, reason: str, environment: Environment, exit_code: int | None, **more: object
    ) -> SuiteRun:
        return SuiteRun.model_validate(
            {
                "suite": self._name,
                "tier": self._tier,
                "judgement": judgement,
                "reason": shown(reason, self._redact),
                "critical": self._plan.suite.critical,
                "code": self._code,
                "environment": environment,
                "started_at": self._started_at,
                "ended_at": utc_now(),
                "exit_code": exit_code,
                **more,
            }
        )


def _early(rounds: Rounds) -> str:
    finish = rounds.whole[-1].tape.finish
    return str(finish["early"]) if finish else ""


def _ended_how(rounds: Rounds, counts: Tally) -> tuple[str, str]:
    """Why it ended before its end, and what its exit code says that no test does."""
    last = rounds.whole[-1]
    if last.cut_short:
        return last.cut_short, ""
    if last.tape.session is None:
        return "", f"it ended with exit code {last.exit_code} before any test: {_said(last.output)}"
    if last.tape.finish is None:
        return (how_it_died(last.exit_code) if rounds.left() or last.tape.collected is None else ""), ""
    return _finished_how(last, last.tape.finish["early"], counts)


def _finished_how(last: Launched, early: str, counts: Tally) -> tuple[str, str]:
    code, said = last.exit_code or 0, _said(last.output)
    if code == _INTERRUPTED:
        return f"pytest was interrupted: {early or said}", ""
    if code == _INTERNAL:
        return f"pytest had an internal error: {said}", ""
    if code == _NO_TESTS:
        return "", "" if counts.skipped else "no tests were collected"
    if code and not counts.failed and not counts.flaky:
        return early, _without_a_failure(code, last.output)
    return early, ""


def _without_a_failure(exit_code: int, output: str) -> str:
    return f"it ended with exit code {exit_code}, though no test failed: {_said(output)}"


def _said(output: str) -> str:
    """The line of what a runner printed that says what went wrong: the last that names an error, or else the last."""
    lines = [line.strip() for line in output.splitlines()[-_LAST_LINES:] if line.strip()]
    errors = [
        line for line in lines if re.search(r"(?i)error\b|\bno module\b|cannot be", line) and not _NOISE.match(line)
    ]
    return (errors or lines or ["it said nothing"])[-1]

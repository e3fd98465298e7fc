"""One run of a suite, from its plan to its value: what goes wrong with it is part of that, not an error."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from pydantic import SecretStr

from recloser.redaction import Redactor, secrets_of, shown, shown_lines
from recloser.suites.attempts import TEXT_LIMIT, Clerk
from recloser.suites.command import interpreter
from recloser.suites.ending import early, ended_how, said, without_a_failure
from recloser.suites.inside.describe import environment
from recloser.suites.judge import judgement_of, tally
from recloser.suites.junit import ReportError, read_report
from recloser.suites.launch import Plan, launch_other
from recloser.suites.measured import calls_of, coverage_of, figures_of
from recloser.suites.rounds import Rounds
from recloser.suites.state import environment_from, environment_of
from recloser.values import Environment, Judgement, SuiteRun, TestAttempt, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from recloser.values import CodeState


class SuiteInterruptedError(KeyboardInterrupt):
    """Ctrl-C ended the run; who wants to keep what had run by then finds it here."""

    def __init__(self, run: SuiteRun) -> None:
        """Keep what has run."""
        super().__init__(f"suite {run.suite} was interrupted")
        self.run = run


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
            exit_reason = f"{error}; it ended with exit code {launched.exit_code}: {said(launched.output)}"
        attempts = tuple(self._clerk.attempts(ended, launched.cut_short))
        counts = tally(attempts)
        if launched.exit_code and not counts.failed and not exit_reason:
            exit_reason = without_a_failure(launched.exit_code, launched.output)
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
        cut_short, exit_reason = ended_how(rounds, counts)
        judgement, reason = judgement_of(counts, cut_short, exit_reason)
        session = first.tape.session or {}
        ended = [ended for launched in rounds.all for ended in launched.tape.ended]
        percent, notes = self._coverage(session, cut_short)
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
        why = early(rounds) or "the run ended before its turn"
        yield from self._clerk.not_run(rounds.left(), utc_now(), why)
        for launched in rounds.reruns:
            yield from self._clerk.attempts(launched.tape.ended, launched.cut_short or "the rerun ended")

    def _coverage(self, session: Mapping[str, object], cut_short: str) -> tuple[float | None, list[str]]:
        if not self._plan.suite.coverage or not session:
            return None, []
        if why := session["uncovered"] or cut_short:
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

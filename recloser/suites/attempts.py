"""From what was written down to attempts: bounded, without secrets, each failure with its fingerprint."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from recloser.analytics.fingerprints import exact_key
from recloser.redaction import Redactor, shown, shown_lines
from recloser.suites.tape import INTERRUPTED
from recloser.values import Failure, Frame, Phase, TestAttempt, TestStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from recloser.suites.tape import Ended, Event

TEXT_LIMIT = 20 * 1024
"""Characters kept of what one attempt printed, and of what the runner printed of its failure."""
_MESSAGE_LIMIT = 4 * 1024
_SOURCE_LIMIT = 300
_UNSEEN = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


@dataclass
class Clerk:
    """Makes attempts of one suite, and counts how often each test was tried."""

    suite: str
    folder: Path
    redact: Redactor
    _tries: Counter[str] = field(default_factory=Counter)

    def attempts(self, ended: Iterable[Ended], why_not: str) -> Iterator[TestAttempt]:
        """Those of one launch, in order of time.

        Args:
            ended: What has ended in it.
            why_not: Why what was interrupted was.
        """
        for one in sorted(ended, key=lambda one: one.at):
            yield self._attempt(one, why_not)

    def uncollected(self, events: Mapping[str, Event]) -> Iterator[TestAttempt]:
        """One for each file that could not be collected, or skipped itself."""
        for test_id, event in events.items():
            yield self._uncollected(test_id, event)

    def not_run(self, test_ids: Iterable[str], at: datetime, reason: str) -> Iterator[TestAttempt]:
        """One for each test whose turn never came."""
        for test_id in test_ids:
            yield TestAttempt(
                suite=self.suite,
                test_id=legible(test_id),
                number=self._number(test_id),
                status=TestStatus.NOT_RUN,
                started_at=at,
                duration_s=0,
                reason=reason,
            )

    def _number(self, test_id: str) -> int:
        self._tries[test_id] += 1
        return self._tries[test_id]

    def _attempt(self, ended: Ended, why_not: str) -> TestAttempt:
        facts = ended.facts
        status = TestStatus.NOT_RUN if ended.status == INTERRUPTED else TestStatus(ended.status)
        reason = facts.get("reason", "") if status is not TestStatus.NOT_RUN else f"{why_not} while it ran"
        return TestAttempt(
            suite=self.suite,
            test_id=legible(ended.test_id),
            number=self._number(ended.test_id),
            status=status,
            phase=Phase(facts.get("phase", "call")),
            started_at=datetime.fromtimestamp(ended.at, UTC),
            duration_s=ended.duration_s,
            worker=ended.worker,
            position=ended.position,
            failure=self._failure(ended.test_id, status, facts) if status.is_failure else None,
            reason=shown(reason, self.redact) if reason and not status.is_failure else "",
            output=shown_lines(facts["out"], self.redact, limit=TEXT_LIMIT) if facts.get("out") else "",
            peak_rss_mib=facts.get("rss"),
        )

    def _uncollected(self, test_id: str, event: Event) -> TestAttempt:
        status = TestStatus(event["status"])
        return TestAttempt(
            suite=self.suite,
            test_id=legible(test_id),
            number=self._number(test_id),
            status=status,
            phase=Phase.COLLECT,
            started_at=datetime.fromtimestamp(event["at"], UTC),
            duration_s=0,
            failure=self._failure(test_id, status, event) if status.is_failure else None,
            reason=shown(event.get("reason", ""), self.redact),
        )

    def _failure(self, test_id: str, status: TestStatus, facts: Event) -> Failure:
        told: dict[str, Any] = facts.get("failure") or {}
        if not told:
            told = {
                "exception": str(status),
                "message": _message_of_death(status, facts),
                "text": facts.get("stacks", ""),
            }
        elif status is TestStatus.TIMED_OUT:
            # the stacks follow the first line; where a test hung is no part of what the failure is
            told = told | {"exception": str(status), "message": told["message"].split("\n", 1)[0]}
        message = shown_lines(told["message"], self.redact, limit=_MESSAGE_LIMIT)
        frames = tuple(
            Frame(file=legible(file), line=line, function=name) for file, line, name in told.get("frames", ())
        )
        return Failure(
            exception=shown(told["exception"], self.redact),
            message=message,
            frames=frames,
            source=shown(told.get("source", ""), self.redact, limit=_SOURCE_LIMIT),
            text=shown_lines(told["text"], self.redact, limit=TEXT_LIMIT),
            fingerprint=exact_key(
                told["exception"], message, [f"{frame.file}:{frame.function}" for frame in frames], legible(test_id)
            ),
        )


def legible(text: str) -> str:
    """A name without control characters, which a terminal would obey and PostgreSQL would refuse."""
    if text.isascii() and text.isprintable():
        return text
    return text.encode("utf-8", "backslashreplace").decode().translate(_UNSEEN)


def _message_of_death(status: TestStatus, facts: Event) -> str:
    if status is TestStatus.TIMED_OUT and "stacks" in facts:
        return "it ran over its time limit and did not end by itself: it was killed"
    return str(facts.get("reason") or "its process died")

"""A run of a suite as lines of plain text: the verdict first, then what failed, where, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from recloser.values import TestStatus

if TYPE_CHECKING:
    from recloser.values import SuiteRun, TestAttempt

_SHOWN = 20
_WIDTH = 160


def tell(run: SuiteRun) -> str:
    """The run in lines."""
    optional = "" if run.critical else " (not critical)"
    lines = [f"{run.suite}: {run.judgement}{optional}: {_counts(run)} in {_seconds(run):.1f} s{_workers(run)}"]
    if run.reason:
        lines.append(f"  {run.reason}")
    failed = _last_failures(run)
    for attempt in failed[:_SHOWN]:
        lines += _failure(attempt)
    if len(failed) > _SHOWN:
        lines.append(f"  and {len(failed) - _SHOWN} more; --format json has them all")
    if run.coverage_percent is not None:
        lines.append(f"  coverage {run.coverage_percent:.1f} %")
    if run.aws_calls:
        calls = ", ".join(f"{call.count} {call.service} {call.operation}" for call in run.aws_calls)
        lines.append(f"  AWS calls: {calls}")
    lines += [f"  note: {note}" for note in run.notes]
    return "\n".join(lines)


def _counts(run: SuiteRun) -> str:
    last = {attempt.test_id: attempt.status for attempt in run.attempts}
    counts = Counter(last.values())
    return ", ".join(f"{counts[status]} {status}" for status in TestStatus if counts[status]) or "no tests"


def _seconds(run: SuiteRun) -> float:
    return (run.ended_at - run.started_at).total_seconds()


def _workers(run: SuiteRun) -> str:
    return f" on {run.workers} workers" if run.workers > 1 else ""


def _last_failures(run: SuiteRun) -> list[TestAttempt]:
    """The last failure of each test that ever failed."""
    last = {attempt.test_id: attempt for attempt in run.attempts if attempt.failure is not None}
    return list(last.values())


def _failure(attempt: TestAttempt) -> list[str]:
    failure = attempt.failure
    if failure is None:
        return []
    frame = failure.frames[-1] if failure.frames else None
    where = f"  {frame.file}:{frame.line}" if frame else ""
    message = failure.message.split("\n", 1)[0][:_WIDTH]
    lines = [f"  {attempt.status} {attempt.test_id}{where}", f"    {failure.exception}: {message}"]
    return [*lines, f"    > {failure.source}"] if failure.source else lines

"""Whether a failed attempt is tried again: AWS's retry strategy, as pure functions."""

from __future__ import annotations

import re
from typing import Final

from recloser.sandbox.batch.model import BatchError, Document

MAX_ATTEMPTS: Final = 10
MAX_CONDITIONS: Final = 5
_MAX_PATTERN: Final = 512
_LETTERS: Final = re.compile(r"[A-Za-z0-9.:\s]*\*?", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]*\*?", re.ASCII)
# condition: what its pattern may hold, in words and as an expression
_CONDITIONS: Final = {
    "onStatusReason": ("letters, numbers, '.', ':' and white space", _LETTERS),
    "onReason": ("letters, numbers, '.', ':' and white space", _LETTERS),
    "onExitCode": ("numbers", _DIGITS),
}
_FACTS: Final = {"onStatusReason": "statusReason", "onReason": "reason", "onExitCode": "exitCode"}


def check_retries(strategy: Document | None) -> None:
    """Refuse a retry strategy AWS would not take.

    Raises:
        BatchError: It names the member and what was expected.
    """
    if not strategy:
        return
    attempts, conditions = strategy.get("attempts"), strategy.get("evaluateOnExit", [])
    if attempts is None and conditions:
        raise BatchError("retryStrategy.attempts is required where evaluateOnExit is given")
    if attempts is not None and not 1 <= attempts <= MAX_ATTEMPTS:
        raise BatchError(f"retryStrategy.attempts should be between 1 and {MAX_ATTEMPTS}, got {attempts}")
    if len(conditions) > MAX_CONDITIONS:
        raise BatchError(f"retryStrategy.evaluateOnExit should have at most {MAX_CONDITIONS} entries")
    for index, condition in enumerate(conditions):
        _check_condition(condition, f"retryStrategy.evaluateOnExit[{index}]")


def _check_condition(condition: Document, path: str) -> None:
    given = [name for name in _CONDITIONS if name in condition]
    if not given:
        raise BatchError(f"{path} should have at least one of {', '.join(_CONDITIONS)}")
    for name in given:
        pattern, (words, allowed) = condition[name], _CONDITIONS[name]
        if not 1 <= len(pattern) <= _MAX_PATTERN or not allowed.fullmatch(pattern):
            message = f"1-{_MAX_PATTERN} characters: {words}, and '*' at the end only; got {pattern[:_MAX_PATTERN]!r}"
            raise BatchError(f"{path}.{name} should have {message}")


def shown(strategy: Document | None) -> Document:
    """The strategy as a job shows it."""
    given = strategy or {}
    return {"attempts": given.get("attempts") or 1, "evaluateOnExit": given.get("evaluateOnExit", [])}


def is_retried(strategy: Document, attempts: int, ending: Document) -> bool:
    """Judge a failed attempt.

    Args:
        strategy: The job's.
        attempts: How many attempts the job has had, this one included.
        ending: The attempt's `statusReason` and, where it has them, `reason` and `exitCode`.
    """
    if attempts >= strategy["attempts"]:
        return False
    for condition in strategy["evaluateOnExit"]:
        if matches(condition, ending):
            return bool(condition["action"].upper() == "RETRY")
    return True


def matches(condition: Document, ending: Document) -> bool:
    """Whether all that a condition names is so; what is absent is matched by `*` only."""
    return all(
        _fits(condition[name], ending.get(fact)) for name, fact in _FACTS.items() if condition.get(name) is not None
    )


def _fits(pattern: str, value: object) -> bool:
    if value is None:
        return pattern == "*"
    text = str(value)
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern

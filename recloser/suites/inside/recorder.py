"""Writes down what happens to each test of this process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from .failures import failure_of
from .journal import bounded

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Generator

    from .aws_calls import AwsCalls
    from .journal import Journal
    from .limits import Limit
    from .orders import Orders

_TO_MIB = 1 / 1024  # ru_maxrss is in KiB on Linux
_KEPT = (str, int, float, bool)


class _Attempt:
    """What is known of the attempt that runs."""

    def __init__(self, test_id: str) -> None:
        self.test_id = test_id
        self.began = time.perf_counter()
        self.facts: dict[str, Any] = {"status": "passed", "phase": "call"}
        self.raised: dict[str | None, dict[str, Any]] = {}
        """What each phase raised."""
        self.failed: pytest.TestReport | None = None
        """The first report that failed: of several, it is the one that counts."""
        self.is_over = False
        """Whether its last phase was reported; otherwise somebody interrupted it, or the whole run."""


class Recorder:
    """The hooks that see a test run, in the process where it runs."""

    def __init__(self, journal: Journal, orders: Orders, limit: Limit | None, calls: AwsCalls) -> None:
        """Begin at position 0."""
        self._journal = journal
        self._orders = orders
        self._limit = limit
        self._calls = calls
        self._position = 0
        self._attempt = _Attempt("")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, None, None]:
        """One test, from before its setup until after its teardown."""
        self._open(item.nodeid)
        if self._limit:
            self._limit.begin()
        try:
            yield
        finally:
            if self._limit:
                self._limit.end()
            self._close()
            self._position += 1

    def _open(self, test_id: str) -> None:
        self._attempt = _Attempt(test_id)
        self._journal.write("start", id=test_id, at=time.time(), n=self._position)

    def _close(self) -> None:
        attempt = self._attempt
        lasted_s = time.perf_counter() - attempt.began
        if attempt.failed is not None:
            self._explain(attempt, attempt.failed)
        if resource is not None:
            attempt.facts["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _TO_MIB
        if calls := self._calls.taken():
            attempt.facts["aws"] = calls
        if not attempt.is_over:
            attempt.facts["status"] = "interrupted"
        self._journal.write("end", d=lasted_s, **attempt.facts)

    def _explain(self, attempt: _Attempt, report: pytest.TestReport) -> None:
        failure = attempt.raised.get(report.when) or failure_of(None, report, self._orders.root)
        attempt.facts["failure"] = failure
        if (self._limit and self._limit.exceeded) or _says_timeout(failure["message"]):
            attempt.facts["status"] = "timed-out"

    def pytest_exception_interact(self, call: pytest.CallInfo[Any], report: Any) -> None:
        """The exception itself is here only; a report has its text."""
        if isinstance(report, pytest.TestReport):
            self._attempt.raised.setdefault(report.when, failure_of(call.excinfo, report, self._orders.root))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """How a phase ended."""
        outcome: str = report.outcome
        facts = self._attempt.facts
        if outcome == "rerun":  # the word of pytest-rerunfailures
            self._is_repeated(report)
        elif report.failed:
            self._failed(report)
        elif report.skipped and not _is_part(report):
            facts.update(_skip(report))
        elif report.when == "call" and hasattr(report, "wasxfail") and facts["status"] == "passed":
            facts["status"] = "xpassed"
        if report.when == "teardown":
            self._finish(report)

    def _is_repeated(self, report: pytest.TestReport) -> None:
        """Its plugin runs the test again by itself: this attempt is over, and the next begins."""
        self._failed(report)
        self._finish(report)
        self._close()
        self._open(self._attempt.test_id)

    def _failed(self, report: pytest.TestReport) -> None:
        if self._attempt.failed is None:
            self._attempt.failed = report
            self._attempt.facts.update(status="failed" if report.when == "call" else "error", phase=report.when)

    def _finish(self, report: pytest.TestReport) -> None:
        attempt = self._attempt
        attempt.is_over = True
        if attempt.failed is not None:
            attempt.facts["out"] = bounded("\n".join(f"--- {name} ---\n{text}" for name, text in report.sections))
        properties = [[name, value] for name, value in report.user_properties if isinstance(value, _KEPT)]
        if properties:
            attempt.facts["props"] = properties


def _skip(report: pytest.TestReport) -> dict[str, str]:
    if hasattr(report, "wasxfail"):
        return {"status": "xfailed", "reason": bounded(report.wasxfail)}
    told: Any = report.longrepr
    text = told[2] if isinstance(told, tuple) else told
    return {"status": "skipped", "reason": bounded(text).removeprefix("Skipped: ")}


def _is_part(report: object) -> bool:
    """Whether it is of a subtest: those speak for their test only when they fail."""
    return type(report) is not pytest.TestReport


def _says_timeout(message: str) -> bool:
    return message.startswith("Timeout (>") and "pytest-timeout" in message[:80]

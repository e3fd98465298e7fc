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


class Recorder:
    """The hooks that see a test run, in the process where it runs."""

    def __init__(self, journal: Journal, orders: Orders, limit: Limit | None, calls: AwsCalls) -> None:
        """Begin at position 0."""
        self._journal = journal
        self._orders = orders
        self._limit = limit
        self._calls = calls
        self._position = 0
        self._attempt: dict[str, Any] = {}
        self._test_id = ""
        self._is_reported = False
        self._began = 0.0

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
        self._test_id = test_id
        self._attempt = {"status": "passed", "phase": "call"}
        self._is_reported = False
        self._began = time.perf_counter()
        self._journal.write("start", id=test_id, at=time.time(), n=self._position)

    def _close(self) -> None:
        if resource is not None:
            self._attempt["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _TO_MIB
        if calls := self._calls.taken():
            self._attempt["aws"] = calls
        if not self._is_reported:  # somebody interrupted it, or the whole run
            self._attempt["status"] = "interrupted"
        self._journal.write("end", d=time.perf_counter() - self._began, **self._attempt)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, None, None]:
        """The alarm may raise from here."""
        yield from self._phase()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """The alarm may raise from here."""
        yield from self._phase()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, None, None]:
        """The alarm may raise from here."""
        yield from self._phase()

    def _phase(self) -> Generator[None, None, None]:
        if self._limit:
            self._limit.in_phase = True
        try:
            yield
        finally:
            if self._limit:
                self._limit.in_phase = False

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        """The exception itself is here only; a report has its text."""
        outcome = yield
        report = outcome.get_result()
        if report.failed and "failure" not in self._attempt:
            self._attempt["failure"] = failure_of(call.excinfo, report, self._orders.root)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """How a phase ended; the first that failed is the one that counts."""
        outcome: str = report.outcome
        if outcome == "rerun":  # the word of pytest-rerunfailures
            self._is_repeated(report)
        elif report.failed:
            self._failed(report)
        elif report.skipped and not _is_part(report):
            self._skipped(report)
        elif report.when == "call" and hasattr(report, "wasxfail") and self._attempt.get("status") == "passed":
            self._attempt["status"] = "xpassed"
        if report.when == "teardown":
            self._finish(report)

    def _is_repeated(self, report: pytest.TestReport) -> None:
        """Its plugin runs the test again by itself: this attempt is over, and the next begins."""
        self._failed(report)
        self._finish(report)
        self._close()
        self._open(self._test_id)

    def _failed(self, report: pytest.TestReport) -> None:
        if self._attempt.get("bad"):
            return
        if "failure" not in self._attempt:
            self._attempt["failure"] = failure_of(None, report, self._orders.root)
        status = "failed" if report.when == "call" else "error"
        if (self._limit and self._limit.exceeded) or _says_timeout(self._attempt["failure"]["message"]):
            status = "timed-out"
        self._attempt.update(bad=True, status=status, phase=report.when)

    def _skipped(self, report: pytest.TestReport) -> None:
        if hasattr(report, "wasxfail"):
            self._attempt.update(status="xfailed", reason=bounded(report.wasxfail))
        else:
            told: Any = report.longrepr
            text = told[2] if isinstance(told, tuple) else told
            self._attempt.update(status="skipped", reason=bounded(text).removeprefix("Skipped: "))

    def _finish(self, report: pytest.TestReport) -> None:
        self._is_reported = True
        if self._attempt.pop("bad", False):
            self._attempt["out"] = bounded("\n".join(f"--- {name} ---\n{text}" for name, text in report.sections))
        else:
            self._attempt.pop("failure", None)  # a failure that was expected, or undone by another plugin
        properties = [[name, value] for name, value in report.user_properties if isinstance(value, _KEPT)]
        if properties:
            self._attempt["props"] = properties


def _is_part(report: object) -> bool:
    """Whether it is of a subtest: those speak for their test only when they fail."""
    return type(report) is not pytest.TestReport


def _says_timeout(message: str) -> bool:
    return message.startswith("Timeout (>") and "pytest-timeout" in message[:80]

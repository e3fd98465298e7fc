"""What another runner has written down, read from its JUnit report."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from junitparser import Error, JUnitXml, JUnitXmlError, Properties, Skipped, TestCase

from recloser.suites.tape import Ended
from recloser.values import TestStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

_MOST_BYTES = 256 * 2**20


class ReportError(Exception):
    """There is no report, or it cannot be read; the message says which."""


def read_report(file: Path, at: datetime) -> list[Ended]:
    """Every test case of a report, as if it had been watched; JUnit has no times of its own that can be relied on.

    Args:
        file: The report.
        at: When the run began.

    Raises:
        ReportError: It is not there, too large, or no JUnit.
    """
    try:
        size = file.stat().st_size
        data = file.read_bytes() if size <= _MOST_BYTES else b""
    except FileNotFoundError:
        raise ReportError("it wrote no JUnit report to {junit}") from None
    if size > _MOST_BYTES:
        raise ReportError(f"its JUnit report is larger than {_MOST_BYTES // 2**20} MiB")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ReportError("its JUnit report declares entities of its own, which is refused")
    try:
        report = JUnitXml.fromstring(data)
        return [_ended(case, name, at) for case, name in _named(report)]
    except (JUnitXmlError, SyntaxError, ValueError, TypeError) as error:
        raise ReportError(f"its JUnit report cannot be read: {error}") from error


def _named(report: JUnitXml) -> Iterator[tuple[TestCase, str]]:
    """Each case with a name that no other has: runners that repeat one mean another test by it."""
    seen: Counter[str] = Counter()
    for case in _cases(report):
        name = "::".join(filter(None, [case.classname, case.name])) or "unnamed"
        seen[name] += 1
        yield case, name if seen[name] == 1 else f"{name}#{seen[name]}"


def _cases(report: JUnitXml) -> Iterator[TestCase]:
    for suite in report:
        yield from suite  # with those of the suites inside it


def _ended(case: TestCase, name: str, at: datetime) -> Ended:
    bad = [result for result in case.result if not isinstance(result, Skipped)]
    skipped = [result for result in case.result if isinstance(result, Skipped)]
    status, facts = TestStatus.PASSED, _failure(bad[0]) if bad else {}
    if bad:
        status = TestStatus.ERROR if isinstance(bad[0], Error) else TestStatus.FAILED
        facts["out"] = "\n".join(filter(None, [case.system_out, case.system_err]))
    elif skipped:
        status, facts = TestStatus.SKIPPED, {"reason": skipped[0].message or ""}
    noted = [(item.name, _number(item.value)) for item in case.child(Properties) or ()]
    facts["props"] = [[label, value] for label, value in noted if value is not None]
    return Ended(name, str(status), at.timestamp(), _seconds(case), "", 0, facts)


def _seconds(case: TestCase) -> float:
    try:
        told = case.time or 0.0
    except ValueError:
        return 0.0
    return max(told, 0.0) if math.isfinite(told) else 0.0


def _failure(result: Any) -> dict[str, Any]:
    text = (result.text or "").strip()
    exception = result.type or str(TestStatus.FAILED)
    return {"failure": {"exception": exception, "message": result.message or text[:1000], "text": text}}


def _number(told: str | None) -> float | None:
    try:
        value = float(told or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None

"""Reports of other runners."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from recloser.suites.junit import ReportError, read_report
from recloser.values import utc_now

if TYPE_CHECKING:
    from pathlib import Path

REPORT = """<?xml version="1.0"?>
<testsuites><testsuite name="outer">
  <testcase classname="app.Test" name="passes" time="1,234.5">
    <properties><property name="rate" value="4.5"/><property name="label" value="x"/></properties>
  </testcase>
  <testcase classname="app.Test" name="fails" time="nan">
    <failure type="Oops" message="wrong">at line 3</failure><system-out>heard</system-out>
  </testcase>
  <testcase classname="app.Test" name="breaks" time="later"><error>no message</error></testcase>
  <testsuite name="inner"><testcase name="skips" time="-1"><skipped message="not now"/></testcase></testsuite>
  <testcase classname="app.Test" name="passes"/>
  <testcase/>
</testsuite></testsuites>"""


def test_every_case_of_a_report_is_read(tmp_path: Path) -> None:
    """Nested suites, odd times, missing names and repeated ones included."""
    file = tmp_path / "junit.xml"
    file.write_text(REPORT)
    cases = {case.test_id: case for case in read_report(file, utc_now())}
    assert {name: case.status for name, case in cases.items()} == {
        "app.Test::passes": "passed",
        "app.Test::fails": "failed",
        "app.Test::breaks": "error",
        "skips": "skipped",
        "app.Test::passes#2": "passed",
        "unnamed": "passed",
    }
    assert cases["app.Test::passes"].duration_s == pytest.approx(1234.5)
    assert all(math.isfinite(case.duration_s) and case.duration_s >= 0 for case in cases.values())
    assert cases["app.Test::passes"].facts["props"] == [["rate", 4.5]]
    assert cases["app.Test::fails"].facts["failure"] == {"exception": "Oops", "message": "wrong", "text": "at line 3"}
    assert cases["app.Test::fails"].facts["out"] == "heard"
    assert cases["skips"].facts["reason"] == "not now"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "it wrote no JUnit report"),
        ("", "cannot be read"),
        ("<html/>", "cannot be read"),
        ("<testsuite><testcase", "cannot be read"),
        ('<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite name="&a;"/>', "declares entities"),
    ],
)
def test_a_report_that_is_none_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    """With a reason."""
    file = tmp_path / "junit.xml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ReportError, match=said):
        read_report(file, utc_now())

"""A night for a person who reads it in the morning: HTML, Markdown, rows, JSON, JUnit XML; from values alone.

It needs the extra `nightly`, for the JUnit XML.
"""

from recloser.report.nightly.files import NightFiles, nightly_json, write_night
from recloser.report.nightly.html import nightly_html
from recloser.report.nightly.junit import merged_junit
from recloser.report.nightly.markdown import nightly_markdown, nightly_table

__all__ = [
    "NightFiles",
    "merged_junit",
    "nightly_html",
    "nightly_json",
    "nightly_markdown",
    "nightly_table",
    "write_night",
]

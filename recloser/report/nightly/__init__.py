"""A night for a person who reads it in the morning: HTML, Markdown, rows, JSON, JUnit XML; from values alone.

It needs the extra `nightly`, for the JUnit XML.
"""

from recloser.report.nightly.blocks import Case, Cell, Item, Listing, Mark, Night, Pair, Section, Table
from recloser.report.nightly.files import NightFiles, nightly_json, write_night
from recloser.report.nightly.html import nightly_html
from recloser.report.nightly.junit import merged_junit
from recloser.report.nightly.markdown import nightly_markdown, nightly_table
from recloser.report.nightly.page import night_in_short
from recloser.report.nightly.texts import one_line

__all__ = [
    "Case",
    "Cell",
    "Item",
    "Listing",
    "Mark",
    "Night",
    "NightFiles",
    "Pair",
    "Section",
    "Table",
    "merged_junit",
    "night_in_short",
    "nightly_html",
    "nightly_json",
    "nightly_markdown",
    "nightly_table",
    "one_line",
    "write_night",
]

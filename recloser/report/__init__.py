"""An incident for a person who must act: Markdown, rows for tables, JSON, files; from values, and nothing else."""

from recloser.report.files import ReportError, ReportFiles, to_json, write_incident, write_missing
from recloser.report.fleet import fleet_rows
from recloser.report.markdown import escape_inline, fence
from recloser.report.money import money_rows
from recloser.report.patch import patch_files
from recloser.report.render import render_markdown
from recloser.report.rows import attempt_rows, change_rows, record_rows
from recloser.report.terraform import terraform
from recloser.report.times import between, duration, moment
from recloser.report.words import usd

__all__ = [
    "ReportError",
    "ReportFiles",
    "attempt_rows",
    "between",
    "change_rows",
    "duration",
    "escape_inline",
    "fence",
    "fleet_rows",
    "moment",
    "money_rows",
    "patch_files",
    "record_rows",
    "render_markdown",
    "terraform",
    "to_json",
    "usd",
    "write_incident",
    "write_missing",
]

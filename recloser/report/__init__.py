"""An incident for a person who must act: Markdown, rows for tables, JSON, files; from values, and nothing else."""

from recloser.report.files import ReportError, ReportFiles, to_json, write_incident
from recloser.report.render import render_markdown
from recloser.report.rows import attempt_rows, change_rows

__all__ = [
    "ReportError",
    "ReportFiles",
    "attempt_rows",
    "change_rows",
    "render_markdown",
    "to_json",
    "write_incident",
]

"""A night on disk, for whoever ran it: each file whole, or not there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recloser.report.files import ReportError, folder_name, to_json, write_whole
from recloser.report.nightly.html import nightly_html
from recloser.report.nightly.junit import merged_junit
from recloser.report.nightly.markdown import nightly_markdown
from recloser.values import CycleReport, SuiteRun


@dataclass(frozen=True, slots=True)
class NightFiles:
    """Where a night's report lies."""

    html: Path
    markdown: Path
    json: Path
    junit: Path


def nightly_json(report: CycleReport) -> str:
    """The whole report as indented JSON, nothing cut."""
    return to_json(report)


def write_night(report: CycleReport, runs: Sequence[SuiteRun], folder: Path) -> NightFiles:
    """Write `<folder>/<cycle id>/nightly.html`, `nightly.md`, `nightly.json` and `junit.xml`.

    Args:
        report: What is said of the night; what an earlier call wrote of it is replaced.
        runs: Its suites, with every attempt of every test.
        folder: The folder of all nights; made if it is missing.

    Raises:
        ReportError: The folder cannot be written, or the cycle's id cannot name a folder.
    """
    home = folder / folder_name(report.cycle.cycle_id)
    files = NightFiles(home / "nightly.html", home / "nightly.md", home / "nightly.json", home / "junit.xml")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(files.json, nightly_json(report))
        write_whole(files.junit, merged_junit(runs))
        write_whole(files.markdown, nightly_markdown(report))
        write_whole(files.html, nightly_html(report))
    except OSError as error:
        raise ReportError(f"the night's report cannot be written to {home}: {error.strerror}") from error
    return files

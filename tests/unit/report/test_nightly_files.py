"""A night on disk."""

import json
from pathlib import Path

import pytest

from recloser.report import ReportError
from recloser.report.nightly import NightFiles, merged_junit, nightly_html, nightly_json, nightly_markdown, write_night
from recloser.values import CycleReport
from tests.unit.report.nights import a_green_night, a_night, with_every_text
from tests.unit.report.test_nightly_junit import a_run


def test_lies_in_a_folder_of_the_cycle(tmp_path: Path) -> None:
    """Page, Markdown, JSON and JUnit XML side by side."""
    report, runs = a_night(), (a_run(),)
    files = write_night(report, runs, tmp_path / "nights")
    home = tmp_path / "nights" / "20261121-020000-ab12"
    assert files == NightFiles(home / "nightly.html", home / "nightly.md", home / "nightly.json", home / "junit.xml")
    assert files.html.read_text() == nightly_html(report)
    assert files.markdown.read_text() == nightly_markdown(report)
    assert files.json.read_text() == nightly_json(report)
    assert files.junit.read_text() == merged_junit(runs)
    assert len(list(home.iterdir())) == 4
    assert home.stat().st_mode & 0o077 == 0


def test_json_reads_back_as_the_same_night() -> None:
    """Nothing is cut, whatever the texts hold."""
    report = with_every_text(a_night(), "a\x00\u202e" * 5_000)
    assert CycleReport.model_validate(json.loads(nightly_json(report))) == report


def test_is_replaced_by_a_later_report(tmp_path: Path) -> None:
    """A cycle that was resumed writes its page again."""
    write_night(a_night(), (), tmp_path)
    assert "✓" in write_night(a_green_night(), (), tmp_path).html.read_text().partition("<style>")[0]


def test_a_full_disk_leaves_the_earlier_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the folder and the reason."""
    files = write_night(a_night(), (), tmp_path)
    before = files.html.read_bytes()

    def disk_full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(ReportError, match=r"cannot be written to .*20261121-020000-ab12: No space left on device"):
        write_night(a_green_night(), (), tmp_path)
    assert files.html.read_bytes() == before
    assert len(list(files.html.parent.iterdir())) == 4


def test_never_leaves_its_folder(tmp_path: Path) -> None:
    """An id that is a path is refused."""
    report = a_night()
    away = report.model_copy(update={"cycle": report.cycle.model_copy(update={"cycle_id": "../x"})})
    with pytest.raises(ReportError, match="cannot name a folder"):
        write_night(away, (), tmp_path / "nights")
    assert list(tmp_path.iterdir()) == []

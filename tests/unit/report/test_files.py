"""The report on disk."""

import json
import typing
from pathlib import Path

import pytest
from hypothesis import given
from pydantic import BaseModel, SecretStr

from recloser.report import ReportError, ReportFiles, render_markdown, to_json, write_incident, write_missing
from recloser.values import Incident, Verdict
from tests.unit.store.strategies import values


class TestJson:
    """The incident for a program."""

    @given(values(Incident))
    def test_reads_back_as_the_same_incident(self, incident: Incident) -> None:
        """Nothing is lost, not even half a character."""
        assert Incident.model_validate(json.loads(to_json(incident))) == incident
        assert to_json(incident).encode("utf-8")

    def test_keeps_the_order_of_the_fields(self, healed: Incident) -> None:
        """Two reports of one incident are equal line by line."""
        assert list(json.loads(to_json(healed))) == list(Incident.model_fields)
        assert to_json(healed) == to_json(healed.model_copy(deep=True))

    def test_never_shows_a_secret(self, healed: Incident) -> None:
        """Were a secret ever added to an incident, it would be masked."""

        class Careless(Incident):
            token: SecretStr

        careless = Careless(**dict(healed), token=SecretStr("hunter2"))
        assert "hunter2" not in to_json(careless)
        assert "hunter2" not in render_markdown(careless)

    def test_has_no_field_for_a_secret(self) -> None:
        """What is stored and reported has no place where an environment's values could be."""
        assert SecretStr not in types_within(Incident)


def types_within(annotation: object) -> set[object]:
    """Every type that an annotation is made of, through models."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        parts: list[object] = [field.annotation for field in annotation.model_fields.values()]
    else:
        parts = list(typing.get_args(annotation))
    return {annotation}.union(*map(types_within, parts))


class TestFiles:
    """The two files of an incident."""

    def test_lie_in_a_folder_of_the_incident(self, healed: Incident, tmp_path: Path) -> None:
        """The folder is made, and holds the report for a person and for a program."""
        folder = tmp_path / "new" / "reports"
        files = write_incident(healed, folder)
        home = folder / "i-2026-05-04"
        assert files == ReportFiles(markdown=home / "incident.md", json=home / "incident.json")
        assert files.markdown.read_text(encoding="utf-8") == render_markdown(healed)
        assert files.json.read_text(encoding="utf-8") == to_json(healed)
        assert sorted(home.iterdir()) == [files.json, files.markdown]

    def test_are_replaced_by_a_later_report(self, healed: Incident, locked_out: Incident, tmp_path: Path) -> None:
        """The report of an open incident gives way to the final one."""
        write_incident(locked_out, tmp_path)
        assert "# optimo: healed" in write_incident(healed, tmp_path).markdown.read_text(encoding="utf-8")

    def test_are_as_they_were_when_writing_fails(
        self, healed: Incident, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A full disk leaves the earlier report whole and no draft behind."""
        files = write_incident(healed, tmp_path)
        before = files.markdown.read_bytes()

        def disk_full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", disk_full)
        with pytest.raises(ReportError, match="No space left on device"):
            write_incident(healed.model_copy(update={"reason": "other"}), tmp_path)
        assert files.markdown.read_bytes() == before
        assert sorted(files.json.parent.iterdir()) == [files.json, files.markdown]

    def test_need_a_folder_that_can_be_written(self, healed: Incident, tmp_path: Path) -> None:
        """A place that cannot be a folder is named."""
        (tmp_path / "taken").touch()
        with pytest.raises(ReportError, match=r"cannot be written to .*taken"):
            write_incident(healed, tmp_path / "taken")

    @pytest.mark.parametrize("incident_id", ["", ".", "..", "../x", "a/b", "/etc", "a\0b"])
    def test_never_leave_the_folder(self, healed: Incident, tmp_path: Path, incident_id: str) -> None:
        """An id that is a path is refused."""
        with pytest.raises(ReportError, match="cannot name a folder"):
            write_incident(healed.model_copy(update={"incident_id": incident_id}), tmp_path / "reports")
        assert list(tmp_path.iterdir()) == []

    def test_hold_any_text(self, healed: Incident, tmp_path: Path) -> None:
        """Half a character in a log does not keep the report from being written."""
        files = write_incident(healed.model_copy(update={"reason": "a\ud800ü"}), tmp_path)
        assert json.loads(files.json.read_text(encoding="utf-8"))["reason"] == "a\ud800ü"
        assert "a\N{REPLACEMENT CHARACTER}ü" in files.markdown.read_text(encoding="utf-8")


def test_only_what_was_never_written_is_written(healed: Incident, tmp_path: Path) -> None:
    """Closed incidents without a report get one; a written one is left, an open one has none."""
    written = healed.model_copy(update={"incident_id": "written"})
    still_open = healed.model_copy(update={"incident_id": "open", "verdict": Verdict.OPEN})
    write_incident(written, tmp_path)
    before = (tmp_path / "written" / "incident.md").stat().st_mtime_ns
    (files,) = write_missing([healed, written, still_open], tmp_path)
    assert files.markdown.read_text() == render_markdown(healed)
    assert (tmp_path / "written" / "incident.md").stat().st_mtime_ns == before
    assert not (tmp_path / "open").exists()

"""An incident on disk: whole, or not there."""

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from recloser.errors import RecloserError
from recloser.report.patch import patch_files
from recloser.report.render import render_markdown
from recloser.values import Incident, Value, Verdict


class ReportError(RecloserError):
    """A report could not be written; what was there before is as it was."""


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where an incident's report lies."""

    markdown: Path
    json: Path
    patch: tuple[Path, ...] = ()
    """What makes the fix permanent."""


def to_json(value: Value) -> str:
    """A value as indented JSON, its fields in the order of their declaration."""
    text = json.dumps(value.model_dump(mode="json"), indent=2, ensure_ascii=False)
    # Half a character, left by a broken decoding, fits into no file as itself; this handler writes JSON's own escape.
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


def write_incident(incident: Incident, folder: Path) -> ReportFiles:
    """Write `<folder>/<incident id>/incident.md`, `incident.json` and `patch/`, each file whole or not at all.

    Args:
        incident: What to write; what an earlier call wrote of it is replaced.
        folder: The folder of all reports; made if it is missing.

    Raises:
        ReportError: The folder cannot be written, or the incident's id cannot name a folder.
    """
    home = folder / folder_name(incident.incident_id)
    patches = {home / "patch" / name: text for name, text in patch_files(incident).items()}
    files = ReportFiles(markdown=home / "incident.md", json=home / "incident.json", patch=tuple(patches))
    try:
        home.mkdir(parents=True, exist_ok=True)
        for file, text in patches.items():
            file.parent.mkdir(exist_ok=True)
            write_whole(file, text)
        write_whole(files.json, to_json(incident))
        write_whole(files.markdown, render_markdown(incident))
    except OSError as error:
        raise ReportError(f"the report cannot be written to {home}: {error.strerror}") from error
    return files


def write_missing(incidents: Iterable[Incident], folder: Path) -> tuple[ReportFiles, ...]:
    """Write the reports that a killed process did not come to write; an open incident has none yet.

    Args:
        incidents: Those that should have a report.
        folder: The folder of all reports.

    Returns:
        What was written.

    Raises:
        ReportError: The folder cannot be written.
    """
    closed = (incident for incident in incidents if incident.verdict is not Verdict.OPEN)
    return tuple(write_incident(incident, folder) for incident in closed if not _is_written(incident, folder))


def _is_written(incident: Incident, folder: Path) -> bool:
    """The Markdown is written last."""
    return (folder / folder_name(incident.incident_id) / "incident.md").is_file()


def folder_name(identity: str) -> str:
    """An id that is to name a folder.

    Raises:
        ReportError: It is none, or it would lead elsewhere.
    """
    if Path(identity).name != identity or identity in {"", ".."} or "\0" in identity:
        raise ReportError(f"the id {identity!r} cannot name a folder")
    return identity


def write_whole(file: Path, text: str) -> None:
    """Write a file whole or not at all; what was there before stays until then.

    Raises:
        OSError: It cannot be written.
    """
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)

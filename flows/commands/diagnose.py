"""`recloser diagnose`: why did it fail? From a file of evidence, or live from a job; nothing is changed either way."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recloser.diagnosis.documents import read_documents, read_lines
from recloser.diagnosis.questions import in_plain_words
from recloser.diagnosis.verdict import examine
from recloser.errors import RecloserError
from recloser.redaction import Redactor, shown

if TYPE_CHECKING:
    from recloser.diagnosis.documents import Document
    from recloser.values import Diagnosis

_REDACT = Redactor(())


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"


def diagnose(
    job_id: Annotated[str | None, typer.Argument(help="Id of an ended job; it is looked at, never changed.")] = None,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help="A JSON list of documents; no account is asked.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="With a job: the folder of its recloser.toml, if it has one.")
    ] = None,
    good_log: Annotated[
        Path | None, typer.Option("--good-log", help="With --evidence: the log of a good run, as text.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How the result is printed.")] = Format.TEXT,
) -> None:
    """Say why a job failed: cause, confidence, evidence, what to do, and what could not be checked.

    Exit codes: 0 an answer was given, `unknown` included; 2 bad input.
    """
    try:
        if (job_id is None) == (evidence is None):
            raise DiagnoseError("give either the id of a job or --evidence FILE")
        if good_log is not None and evidence is None:
            raise DiagnoseError("--good-log belongs to --evidence; of a job the last good run is looked for by itself")
        if evidence is not None:
            _from_file(evidence, good_log, output)
        else:
            _live(job_id or "", target, output)
    except RecloserError as error:
        typer.echo(f"recloser: {error}", err=True)
        raise typer.Exit(2) from None


class DiagnoseError(RecloserError):
    """The command was not given what it needs."""


def _from_file(file: Path, good_log: Path | None, output: Format) -> None:
    documents = read_documents(file)
    good_lines = () if good_log is None else read_lines(good_log)
    if output is Format.JSON:
        typer.echo(json.dumps([_as_json(document, good_lines) for document in documents], indent=1))
        return
    from flows.explain import print_finding  # noqa: PLC0415 - Rich is only needed for text

    for document in documents:
        print_finding(document.id, examine(document.symptoms, good_lines=good_lines), document.symptoms.gaps)


def _as_json(document: Document, good_lines: tuple[str, ...]) -> dict[str, Any]:
    finding = examine(document.symptoms, good_lines=good_lines)
    best, *others = finding.candidates or (None,)
    return {
        "id": document.id,
        "cause": finding.cause,
        "confidence": round(finding.confidence, 3),
        "signature": best.signature if best else None,
        "evidence": [{"source": line.source, "text": _safe(line.text)} for line in best.evidence] if best else [],
        "doubts": list(best.doubts) if best else [],
        "remedies": list(best.remedies) if best else [],
        "level": best.level if best else "A3",
        "alternatives": [{"cause": other.cause, "confidence": other.confidence} for other in others if other],
        "not_checked": [*document.symptoms.gaps, *(map(in_plain_words, best.confirmed_by) if best else ())],
        "fingerprint": finding.fingerprint,
        "unusual": [_safe(line) for line in finding.unusual],
        "ruled_out": [{"cause": item.cause, "why": _safe(item.why)} for item in finding.ruled_out],
    }


def _safe(text: str) -> str:
    return shown(text, _REDACT, limit=500)


def _live(job_id: str, folder: str | None, output: Format) -> None:
    # The account's client takes half a second to import: only this way of asking pays for it.
    from flows.live import diagnose_job  # noqa: PLC0415

    diagnosis = diagnose_job(job_id, folder)
    if output is Format.JSON:
        typer.echo(json.dumps(_live_json(job_id, diagnosis), indent=1))
        return
    from flows.explain import print_diagnosis  # noqa: PLC0415

    print_diagnosis(job_id, diagnosis)


def _live_json(job_id: str, diagnosis: Diagnosis) -> dict[str, Any]:
    return {"id": job_id} | diagnosis.model_dump(mode="json")

"""Are the declared outputs there, written by this run, and of the declared form?

Exit 0 is a claim; the outputs are the proof.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING

from recloser.aws import AwsError
from recloser.values import OutputCheck

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from recloser.aws import ObjectInfo
    from recloser.healing.site import Site
    from recloser.target import OutputFile
    from recloser.values import JobSnapshot

_READ_LIMIT_BYTES = 8 * 2**20
_CLOCK_SKEW = timedelta(seconds=1)
"""S3 tells when an object was written to the second, cut off."""


class _Invalid(Exception):  # noqa: N818 - never leaves this module
    """What is wrong with an output, in words."""


def check_outputs(site: Site, job: JobSnapshot) -> tuple[OutputCheck, ...]:
    """Check each declared output of a job that says it succeeded."""
    return outputs_of(site, job_id=job.job_id, started_at=job.started_at)


def outputs_of(site: Site, *, job_id: str, started_at: datetime | None) -> tuple[OutputCheck, ...]:
    """Check each declared output of one run.

    Args:
        site: The target in its account.
        job_id: Stands for `{job_id}` in the declared places.
        started_at: When the run began: what is older is not of this run. None leaves the age unchecked.
    """
    return tuple(_check(site, job_id, started_at, output) for output in site.target.outputs)


def _check(site: Site, job_id: str, started_at: datetime | None, output: OutputFile) -> OutputCheck:
    uri = output.uri.replace("{job_id}", job_id)
    try:
        found = site.account.objects.head(uri)
        detail = _examine(site, uri, found, started_at, output)
    except _Invalid as problem:
        return OutputCheck(uri=uri, ok=False, detail=str(problem))
    except AwsError as error:
        return OutputCheck(uri=uri, ok=False, detail=f"not verified: {error}")
    return OutputCheck(uri=uri, ok=True, detail=detail)


def _examine(site: Site, uri: str, found: ObjectInfo | None, started_at: datetime | None, output: OutputFile) -> str:
    if found is None:
        raise _Invalid("does not exist")
    if started_at is not None and found.modified_at + _CLOCK_SKEW < started_at:
        raise _Invalid(f"is older than the run: written {found.modified_at:%Y-%m-%dT%H:%M:%SZ}")
    if found.size_bytes == 0:
        raise _Invalid("is empty")
    if output.format == "any":
        return f"{found.size_bytes} bytes"
    if found.size_bytes > _READ_LIMIT_BYTES:
        return f"{found.size_bytes} bytes; larger than {_READ_LIMIT_BYTES}, so only its presence was checked"
    body = site.account.objects.read(uri, _READ_LIMIT_BYTES)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Invalid(f"is not UTF-8 text (byte {error.start})") from None
    return _csv(text, output) if output.format == "csv" else _json(text, output)


def _csv(text: str, output: OutputFile) -> str:
    rows = csv.reader(io.StringIO(text))
    header = next(rows, [])
    _require(output.columns, header, "columns")
    count = sum(1 for row in rows if row)
    if count < output.min_rows:
        raise _Invalid(f"has {count} rows, expected at least {output.min_rows}")
    return f"{count} rows"


def _json(text: str, output: OutputFile) -> str:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise _Invalid(f"is not valid JSON: {error.msg} at line {error.lineno}") from None
    if not isinstance(document, dict):
        raise _Invalid("is not a JSON object")
    _require(output.fields, document, "fields")
    return f"{len(document)} fields"


def _require(expected: Iterable[str], present: Iterable[str], what: str) -> None:
    missing = [name for name in expected if name not in set(present)]
    if missing:
        raise _Invalid(f"lacks the {what} {', '.join(missing)}")

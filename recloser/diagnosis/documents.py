"""Evidence from a file: a JSON list of documents, each the texts of one attempt; read strictly, in bounded memory."""

from __future__ import annotations

import json
import mmap
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from recloser.diagnosis.symptoms import Symptoms
from recloser.errors import RecloserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE_LIMIT = 2 * 2**30
"""Bytes above which a file is refused."""
WHOLE = 16 * 2**20
"""Bytes up to which a file is read as it is; of larger ones, long logs are thinned before they are parsed."""
LOG_LIMIT = 256 * 2**20
"""Bytes above which a log to compare with is refused."""
BLOCK = 4_096
"""Strings of a long list that are read at a stretch; the first block and the last four are kept."""
_TAIL_BLOCKS = 4
_FIELDS = ("id", "status_reason", "container_reason", "exit_code", "log_tail")
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_TOKEN = re.compile(rb"(?P<list>\[\s*+(?=\"))|" + _STRING, re.DOTALL)
_EXIT_CODES = range(-(2**31), 2**32)


class DocumentError(RecloserError):
    """A file of evidence cannot be used; the message names the file, the document and what was expected."""


@dataclass(frozen=True, slots=True)
class Document:
    """The evidence of one attempt under its id."""

    id: str
    symptoms: Symptoms


def read_documents(file: Path) -> tuple[Document, ...]:
    """Read a file of evidence.

    Args:
        file: A JSON list of objects with `id`, `status_reason`, `container_reason`, `exit_code` and `log_tail`.

    Raises:
        DocumentError: The file cannot be read, is larger than `SIZE_LIMIT`, or is not of that form.
    """
    try:
        size = file.stat().st_size
        if size > SIZE_LIMIT:
            raise DocumentError(f"{file} has {size:,} bytes; at most {SIZE_LIMIT:,} are read")
        text = file.read_bytes() if size <= WHOLE else _thinned(file)
    except OSError as error:
        raise DocumentError(f"{file} cannot be read: {error.strerror}") from error
    return _documents(_parsed(text, file), file)


def read_lines(file: Path) -> tuple[str, ...]:
    """Read a log: one line of text each; what is no UTF-8 is replaced.

    Raises:
        DocumentError: The file cannot be read, or is larger than `LOG_LIMIT`.
    """
    try:
        size = file.stat().st_size
        if size > LOG_LIMIT:
            raise DocumentError(f"{file} has {size:,} bytes; at most {LOG_LIMIT:,} are read of a log")
        return tuple(file.read_text(encoding="utf-8-sig", errors="replace").splitlines())
    except OSError as error:
        raise DocumentError(f"{file} cannot be read: {error.strerror}") from error


def _parsed(text: bytes, file: Path) -> object:
    try:
        return json.loads(text.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{file} is not UTF-8 text (byte {error.start})") from error
    except RecursionError:
        raise DocumentError(f"{file} is nested too deeply; expected a list of flat documents") from None
    except ValueError as error:
        raise DocumentError(f"{file} is not valid JSON: {error}") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _documents(parsed: object, file: Path) -> tuple[Document, ...]:
    if not isinstance(parsed, list):
        raise DocumentError(f"{file}: expected a list of documents, found {_kind(parsed)}")
    found: dict[str, Document] = {}
    for number, item in enumerate(parsed, 1):
        document = _document(item, f"{file}: document {number}")
        if document.id in found:
            raise DocumentError(f"{file}: document {number}: the id {document.id[:80]!r} is already taken")
        found[document.id] = document
    return tuple(found.values())


def _document(item: object, where: str) -> Document:
    if not isinstance(item, dict):
        raise DocumentError(f"{where}: expected an object, found {_kind(item)}")
    missing = [name for name in _FIELDS if name not in item]
    if missing:
        raise DocumentError(f"{where}: {', '.join(missing)} missing; what is absent is null, and an absent log is []")
    if not isinstance(item["id"], str) or not item["id"]:
        raise DocumentError(f"{where}: id: expected a string, found {_kind(item['id'])}")
    symptoms = Symptoms(
        status_reason=_text(item, "status_reason", where),
        container_reason=_text(item, "container_reason", where),
        exit_code=_exit_code(item["exit_code"], where),
        log=_lines(item["log_tail"], where),
    )
    return Document(item["id"], symptoms)


def _text(item: dict[str, Any], name: str, where: str) -> str | None:
    value = item[name]
    if value is None or isinstance(value, str):
        return value
    raise DocumentError(f"{where}: {name}: expected a string or null, found {_kind(value)}")


def _exit_code(value: object, where: str) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value in _EXIT_CODES):
        return value
    raise DocumentError(f"{where}: exit_code: expected an exit code or null, found {_kind(value)}")


def _lines(value: object, where: str) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return tuple(value)
    odd = next((line for line in value if not isinstance(line, str)), None) if isinstance(value, list) else value
    raise DocumentError(f"{where}: log_tail: expected a list of strings, found {_kind(odd)}")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def _thinned(file: Path) -> bytes:
    """The file with the middle of its long lists of strings left out: no more of a log is read anyway."""
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        return b"".join(_kept(whole))


def _kept(whole: mmap.mmap) -> Iterator[bytes]:
    copied = at = 0
    block = re.compile(rb"(?:" + _STRING + rb"\s*+,\s*+){1,%d}+" % BLOCK, re.DOTALL)
    while (token := _TOKEN.search(whole, at)) is not None:
        at = token.end()
        if token["list"] is None:
            continue
        ends = []
        while (stretch := block.match(whole, at)) is not None:
            at = stretch.end()
            ends.append(at)
        if len(ends) > _TAIL_BLOCKS + 1:
            yield whole[copied : ends[0]]
            copied = ends[-_TAIL_BLOCKS - 1]
    yield whole[copied:]

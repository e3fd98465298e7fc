"""Entries read from a document and written for one; what is wrong is said with file, entry, key and expectation."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from recloser.quarantine.document import Document, split
from recloser.quarantine.errors import QuarantineError
from recloser.values import QuarantineEntry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from recloser.target import QuarantineRules

LARGEST = 4_000_000
"""Characters that a quarantine has at most."""
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')
_NAME_SHOWN = 80


def read_entries(
    text: str, file: Path, rules: QuarantineRules, suites: Collection[str]
) -> tuple[Document, tuple[QuarantineEntry, ...]]:
    """Read a quarantine.

    Args:
        text: Content of the file.
        file: Its name, for messages.
        rules: What the target says of its quarantine.
        suites: Names of the suites that the target declares.

    Returns:
        The document, and an entry for each of its blocks.

    Raises:
        QuarantineError: It is no TOML, holds what no entry has, or names a test twice.
    """
    declared = _tables(text, file)
    document = split(text)
    if [block.table() for block in document.blocks] != declared:
        raise QuarantineError(f"{file}: each entry has to be a table of its own that begins with [[test]]")
    entries = tuple(_entry(place, table, file) for place, table in enumerate(declared, start=1))
    problems = [f"  {problem}" for problem in _problems(entries, rules, suites)]
    if problems:
        raise QuarantineError("\n".join([f"{file} is not a valid quarantine:", *problems]))
    return document, entries


def _tables(text: str, file: Path) -> list[dict[str, Any]]:
    if len(text) > LARGEST:
        raise QuarantineError(f"{file} has more than {LARGEST:,} characters: this is no quarantine")
    try:
        declared = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise QuarantineError(f"{file} is not valid TOML: {error}") from error
    except RecursionError:
        raise QuarantineError(f"{file} is nested too deeply: this is no quarantine") from None
    if unknown := sorted(set(declared) - {"test"}):
        raise QuarantineError(f"{file}: unknown key {unknown[0]!r}; a quarantine holds [[test]] tables only")
    tables = declared.get("test", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise QuarantineError(f"{file}: each entry has to be a table of its own that begins with [[test]]")
    return tables


def made(**fields: object) -> QuarantineEntry:
    """An entry from its fields.

    Raises:
        QuarantineError: They are not what an entry has to be; the message names the first that is not.
    """
    try:
        return QuarantineEntry.model_validate(fields)
    except ValidationError as error:
        # The input is left out on purpose: it may be long, or hostile.
        problem = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise QuarantineError(f"{key}: {problem['msg']}") from None


def _entry(place: int, table: dict[str, Any], file: Path) -> QuarantineEntry:
    try:
        return made(**table)
    except QuarantineError as error:
        raise QuarantineError(f"{file}: entry {place} {_name(table.get('test'))}: {error}") from None


def _problems(entries: tuple[QuarantineEntry, ...], rules: QuarantineRules, suites: Collection[str]) -> Iterator[str]:
    seen: dict[tuple[str, str], int] = {}
    for place, entry in enumerate(entries, start=1):
        where = f"entry {place} {_name(entry.test)}"
        first = seen.setdefault(entry.key, place)
        if first != place:
            yield f"{where}: the same test as entry {first}"
        if entry.suite not in suites:
            yield f"{where}: suite {entry.suite!r} is not declared; there are {', '.join(sorted(suites)) or 'none'}"
        if not entry.owner.strip():
            yield f"{where}: owner: an entry needs somebody who answers for it"
        if entry.expires < entry.since:
            yield f"{where}: expires {entry.expires} is before since {entry.since}"
        elif entry.expires - entry.since > timedelta(days=rules.max_days):
            latest = entry.since + timedelta(days=rules.max_days)
            yield f"{where}: expires {entry.expires}: at most {rules.max_days} days after since, that is {latest}"


def _name(test: object) -> str:
    text = repr(test)
    return text if len(text) <= _NAME_SHOWN else f"{text[:_NAME_SHOWN]}…"


def written(entry: QuarantineEntry) -> str:
    """An entry as text: a table whose keys are in an order of their own, one a line."""
    lines = [
        "[[test]]",
        f"suite = {quoted(entry.suite)}",
        f"test = {quoted(entry.test)}",
        f"owner = {quoted(entry.owner)}",
        f"reason = {quoted(entry.reason)}",
        f"since = {entry.since}",
        f"expires = {entry.expires}",
    ]
    if entry.issue:
        lines.append(f"issue = {quoted(entry.issue)}")
    known = entry.evidence.model_dump(exclude_defaults=True)
    if known:
        lines.append(f"evidence = {{ {', '.join(f'{name} = {_value(value)}' for name, value in known.items())} }}")
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """Text as a TOML string on one line, whatever is in it."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\{character}" if character in '"\\' else f"\\u{ord(character):04x}"


def _value(value: object) -> str:
    return quoted(value) if isinstance(value, str) else f"{value:.6f}" if isinstance(value, float) else str(value)

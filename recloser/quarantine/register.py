"""A target's quarantine as it lies in the file, and the two edits of it: an entry more, an entry less."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recloser.quarantine.entries import read_entries, written
from recloser.quarantine.errors import QuarantineError
from recloser.report.files import write_whole

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from recloser.quarantine.document import Document
    from recloser.target import QuarantineRules, System
    from recloser.values import QuarantineEntry


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The entries, in the order of the file."""

    file: Path
    rules: QuarantineRules
    suites: frozenset[str]
    """Those of the target."""
    document: Document
    """What the entries stand in."""
    entries: tuple[QuarantineEntry, ...]

    def holds(self, suite: str, test_id: str, at: datetime) -> QuarantineEntry | None:
        """The entry that keeps a test from blocking at a moment (UTC); one that has expired does not."""
        entry = self.entry(suite, test_id)
        return None if entry is None or entry.is_expired(at) else entry

    def entry(self, suite: str, test_id: str) -> QuarantineEntry | None:
        """The entry of a test, expired or not."""
        return next((entry for entry in self.entries if entry.key == (suite, test_id)), None)

    def held(self, at: datetime) -> frozenset[tuple[str, str]]:
        """Suite and test of all that does not block at a moment: what `triage` is told."""
        return frozenset(entry.key for entry in self.entries if not entry.is_expired(at))

    def expired(self, at: datetime) -> tuple[QuarantineEntry, ...]:
        """What blocks again because nobody has looked at it in time."""
        return tuple(entry for entry in self.entries if entry.is_expired(at))

    def added(self, entry: QuarantineEntry) -> Quarantine:
        """The same with one entry more, where it is found again: by suite and test.

        Raises:
            QuarantineError: It is there already, there is no room for it, or it is not what an entry has to be.
        """
        if self.entry(*entry.key) is not None:
            raise QuarantineError(f"{self.file}: {entry.test!r} of suite {entry.suite!r} is in quarantine already")
        if len(self.entries) >= self.rules.max_tests:
            raise QuarantineError(
                f"{self.file} has {len(self.entries)} entries, and [quarantine] max_tests is {self.rules.max_tests}: "
                "release or repair one first"
            )
        later = (place for place, other in enumerate(self.entries) if entry.key < other.key)
        place = next(later, len(self.entries))
        return self._read(self.document.with_entry(written(entry), place).text)

    def without(self, suite: str, test_id: str) -> Quarantine:
        """The same without a test.

        Raises:
            QuarantineError: It is not in it.
        """
        place = next((at for at, entry in enumerate(self.entries) if entry.key == (suite, test_id)), None)
        if place is None:
            raise QuarantineError(f"{self.file}: {test_id!r} of suite {suite!r} is not in quarantine")
        return self._read(self.document.without(place).text)

    def write(self) -> None:
        """Replace the file, whole or not at all.

        Raises:
            QuarantineError: It cannot be written.
        """
        try:
            write_whole(self.file.resolve(), self.document.text)
        except OSError as error:
            raise QuarantineError(f"{self.file} cannot be written: {error.strerror}") from error

    def read_again(self) -> Quarantine:
        """As the file is now: a person may have changed it meanwhile.

        Raises:
            QuarantineError: It cannot be read, or is not valid.
        """
        return self._read(_text(self.file))

    def _read(self, text: str) -> Quarantine:
        document, entries = read_entries(text, self.file, self.rules, self.suites)
        return replace(self, document=document, entries=entries)


def load_quarantine(system: System) -> Quarantine:
    """Read a target's quarantine; where there is no file, it is empty.

    Raises:
        QuarantineError: It cannot be read, or is not valid.
    """
    file = system.path(system.quarantine.file)
    rules, suites = system.quarantine, frozenset(system.suites)
    return Quarantine(file, rules, suites, *read_entries(_text(file), file, rules, suites))


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise QuarantineError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise QuarantineError(f"{file} is not UTF-8 text (byte {error.start})") from error

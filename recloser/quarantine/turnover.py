"""What a night does to the quarantine by itself, and what it leaves to a person."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from recloser.values import Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from recloser.quarantine.register import Quarantine
    from recloser.values import QuarantineEntry, QuarantineRelease

SCOPE = "quarantine"
"""What has to be looked at again before an expiry is over; a night that has read the file has verified it."""


@dataclass(frozen=True, slots=True)
class Turnover:
    """What became of a night's proposals."""

    quarantine: Quarantine
    """As the file is now."""
    added: tuple[QuarantineEntry, ...] = ()
    released: tuple[QuarantineRelease, ...] = ()
    proposed: tuple[QuarantineEntry, ...] = ()
    """For a person to add: additions are not automatic, or there is no room."""
    due: tuple[QuarantineRelease, ...] = ()
    """For a person to release, where that is not automatic."""


def apply(
    quarantine: Quarantine, proposed: Iterable[QuarantineEntry], released: Iterable[QuarantineRelease]
) -> Turnover:
    """Write what the target lets a night write, releases first; the file is read again, and replaced at once.

    What a person has changed meanwhile stands: an entry that is not as it was judged is not released.

    Args:
        quarantine: As it was judged.
        proposed: As `proposals` has them.
        released: As `releases` has them.

    Raises:
        QuarantineError: The file cannot be read, is not valid any more, or cannot be written; it is as it was.
    """
    present, rules = quarantine.read_again(), quarantine.rules
    gone: list[QuarantineRelease] = []
    added: list[QuarantineEntry] = []
    due = [release for release in released if present.entry(*release.entry.key) == release.entry]
    left = [entry for entry in proposed if present.entry(*entry.key) is None]
    if rules.release:
        gone, due = due, []
    for release in gone:
        present = present.without(*release.entry.key)
    if rules.automatic:
        room = max(rules.max_tests - len(present.entries), 0)
        added, left = left[:room], left[room:]
    for entry in added:
        present = present.added(entry)
    if gone or added:
        present.write()
    return Turnover(present, tuple(added), tuple(gone), tuple(left), tuple(due))


def expiry_findings(quarantine: Quarantine, at: datetime) -> tuple[Finding, ...]:
    """One finding for each entry that has expired, addressed to its owner, until it is renewed or removed.

    Args:
        quarantine: As the file is.
        at: The time, UTC.
    """
    return tuple(_expired(entry) for entry in quarantine.expired(at))


def _expired(entry: QuarantineEntry) -> Finding:
    name = sha256("\0".join(entry.key).encode()).hexdigest()[:16]
    return Finding(
        kind=FindingKind.QUARANTINE_EXPIRED,
        fingerprint=f"quarantine-{name}",
        title=f"Quarantine has expired: {entry.test}",
        text=f"in quarantine from {entry.since} to {entry.expires}: {entry.reason}. It blocks again; repair it, renew "
        "the entry, or release it.",
        owner=entry.owner,
        scope=SCOPE,
        evidence=(entry.issue,) if entry.issue else (),
    )

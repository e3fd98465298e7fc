"""What a good run's log says of a failure: a line that both have is no evidence, and one that only this has may be.

Pure functions: where the good log comes from is `recloser.healing`'s or the command line's business.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from recloser.diagnosis.novelty import template
from recloser.values import RuledOut

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from recloser.diagnosis.matching import Match

NOVEL = "not in the log of the last good run"
"""The source of an evidence line that a good run's log does not have."""


def telling(found: tuple[Match, ...], usual: AbstractSet[str]) -> tuple[Match, ...]:
    """What was found, without the lines of the log that a good run's has too (reference, section 5, rule 16).

    Args:
        found: Matches, in their order.
        usual: The templates of a good run's log (`templates`).

    Returns:
        The matches that still rest on something; those of other fields as they are.
    """
    if not usual:
        return found
    kept = ((match, _unusual(match, usual)) for match in found)
    return tuple(
        match if len(match.found) == len(lines) else replace(match, found=lines) for match, lines in kept if lines
    )


def ruled_out(found: tuple[Match, ...], told: tuple[Match, ...]) -> tuple[RuledOut, ...]:
    """The causes that nothing but usual lines spoke for, each with the last of its lines.

    Args:
        found: All matches.
        told: Those that `telling` left.
    """
    left = {match.signature.cause for match in told}
    silenced = {match.signature.cause: match for match in found if match.signature.cause not in left}
    return tuple(
        RuledOut(
            cause=cause,
            why=f"{match.found[-1][1][:120]!r} also stands in the log of the last good run: it is no evidence",
            refuted=True,
        )
        for cause, match in silenced.items()
    )


def _unusual(match: Match, usual: AbstractSet[str]) -> tuple[tuple[int, str], ...]:
    if match.field != "log":
        return match.found
    return tuple((index, line) for index, line in match.found if template(line) not in usual)

"""Remedies ordered by their record; pure functions of outcomes and a moment.

An outcome is forgotten by half every five days: 93.8 % of recurring incidents recur within 20 days (RCACopilot,
EuroSys 2024), so 20 days hold 1 - 2^-4 = 93.75 % of the memory. What is left is a Beta posterior. Its prior comes from
the next wider level, as worth two outcomes: other signatures, then this signature on other targets, then this signature
on this target. An outcome counts at one level only: in full here, half elsewhere, a quarter for another signature.
Nothing known at all is Beta(1, 1): an even chance.

Remedies are tried in the order of the upper end of what is plausible, mean plus one standard deviation (an upper
confidence bound: the same record gives the same order, which a random draw would not). An untried remedy stands at
0.79, so it gets its chance before one whose record is poor. Equal ones keep the order of the catalogue.

Three failures in a row for a signature on a target retire a remedy there for 20 days from the last of them; after that
it has one chance at a time. A person's label with another cause takes an incident's outcomes out of the record.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from recloser.values import Outcome, Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

HALF_LIFE = timedelta(days=5)
RETIRED_FOR = timedelta(days=20)
FAILURES = 3
"""In a row, to be retired."""
_CARRIED = 2.0
"""How many outcomes the next wider level is worth."""
_SHARES = (0.25, 0.5, 1.0)
"""What an outcome counts for another signature, on another target, and here."""


def standings(
    remedies: Sequence[str], outcomes: Iterable[Outcome], *, signature: str, target: str, now: datetime
) -> tuple[Standing, ...]:
    """The remedies, best first, retired ones last.

    Args:
        remedies: Names in the order of the catalogue.
        outcomes: Whatever is known of any of them, in any order.
        signature: What they are wanted for.
        target: Where they are wanted.
        now: The moment by which outcomes are old.
    """
    known = sorted(outcomes, key=lambda outcome: outcome.at)
    found = [
        _standing(remedy, [one for one in known if one.remedy == remedy], signature, target, now)
        for remedy in dict.fromkeys(remedies)
    ]
    return tuple(sorted(found, key=lambda standing: (standing.retired, -standing.hoped)))


def _standing(remedy: str, known: Sequence[Outcome], signature: str, target: str, now: datetime) -> Standing:
    same = [one for one in known if one.signature == signature]
    here = [one for one in same if one.target == target]
    levels = ([one for one in known if one.signature != signature], [one for one in same if one.target != target], here)
    good, bad = 1.0, 1.0
    for share, level in zip(_SHARES, levels, strict=True):
        carried = _CARRIED / (good + bad)
        good = good * carried + share * _weight(level, now, worked=True)
        bad = bad * carried + share * _weight(level, now, worked=False)
    mean = good / (good + bad)
    spread = math.sqrt(mean * (1 - mean) / (good + bad + 1))
    return Standing(
        remedy=remedy,
        signature=signature,
        tried=len(here),
        worked=sum(one.worked for one in here),
        since=here[0].at if here else None,
        last=here[-1].at if here else None,
        expected=mean,
        hoped=min(round(mean + spread, 9), 1.0),
        retired=is_retired(here, now),
    )


def is_retired(here: Sequence[Outcome], now: datetime) -> bool:
    """Whether a remedy has had its chances for now.

    Args:
        here: Its outcomes for one signature on one target, oldest first.
        now: The present moment.
    """
    newest = here[-FAILURES:]
    failed = len(newest) == FAILURES and not any(one.worked for one in newest)
    return failed and now - newest[-1].at < RETIRED_FOR


def _weight(outcomes: Iterable[Outcome], now: datetime, *, worked: bool) -> float:
    return sum(remembered(one.at, now) for one in outcomes if one.worked is worked)


def remembered(at: datetime, now: datetime) -> float:
    """What is left of an outcome, from 1 (now, or in the future of a clock that is ahead) down to 0."""
    return math.exp2(-(max(now - at, timedelta(0)) / HALF_LIFE))

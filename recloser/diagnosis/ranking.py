"""Rank what was found. Between fields the order of evidence decides; within a log its own order does.

Confidence is the measured reliability of the finding's tier, lowered where the evidence speaks against it; every
lowering is one rule with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recloser.diagnosis.calibration import CEILING, calibration
from recloser.diagnosis.signature import ORDER, Step, Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.diagnosis.matching import Match
    from recloser.diagnosis.symptoms import Symptoms
    from recloser.values import Cause

_CHAINED = re.compile(r"during handling of the above exception", re.IGNORECASE)
_SURVIVED = re.compile(
    r"\b(warn(ing)?|debug)\b|\bretry(ing)?\b|will (be )?retr|attempt \d+ (of|/) ?\d+|ignor(ed|ing)|falling back"
    r"|non-?fatal|skipping|trying again",
    re.IGNORECASE,
)
_FINAL = re.compile(r"\b(after|exceeded|max(imum)?|reached|exhausted|giving up|out of)\b.{0,30}\bretr", re.IGNORECASE)
_RECOVERED = re.compile(
    r"\b(recovered|succeeded|reconnected|completed successfully|finished successfully|success on retry"
    r"|exit(ed)? (status|code|with)?:? ?0\b|job complete|all done)\b",
    re.IGNORECASE,
)
_KILLED = frozenset({137, 143, 130, -9, -15})
_CHAIN_LINES = 400
_NEAR = 3


@dataclass(frozen=True)
class Ranked:
    """A match, what it is worth, and why it is worth no more."""

    match: Match
    confidence: float
    doubts: tuple[str, ...] = ()

    @property
    def cause(self) -> Cause:
        """The cause it names."""
        return self.match.signature.cause

    @property
    def decides_nothing(self) -> bool:
        """Whether it is a text that two causes share: what is less special must not be named in its place."""
        return self.match.signature.tier is Tier.UNDECIDED and self.match.step is not Step.EXIT


Doubt = Callable[["Match", "Symptoms"], str | None]


def rank(found: Sequence[Match], symptoms: Symptoms) -> tuple[Ranked, ...]:
    """What was found, most credible first.

    Args:
        found: Matches by step and order of the catalogue.
        symptoms: What they were found in.
    """
    ordered = sorted((_judged(match, symptoms) for match in found), key=_place)
    return tuple(_better_said_nearby(_first_of_a_chain(ordered, symptoms)))


def _judged(match: Match, symptoms: Symptoms) -> Ranked:
    doubts = tuple(said for doubt in DOUBTS if (said := doubt(match, symptoms)) is not None)
    worth = calibration().reliability(match.signature.tier)
    return Ranked(match, min(worth, CEILING) if doubts else worth, doubts)


def _place(ranked: Ranked) -> tuple[int, int, bool, int]:
    """Where a finding stands; of two in one place the catalogue's order decides."""
    match = ranked.match
    in_log = match.field == "log"
    return (
        _standing(ranked),
        ORDER[match.step],
        match.signature.symptom if in_log else match.signature.tier is Tier.GENERAL,
        -match.position if in_log else 0,
    )


def _standing(ranked: Ranked) -> int:
    """What decides, before what is shown but does not decide, before what is said of any failure, before the rest."""
    tier = ranked.match.signature.tier
    if ranked.doubts or (ranked.match.step is Step.EXIT and tier is Tier.UNDECIDED):
        return 3
    return {Tier.UNDECIDED: 1, Tier.FALLBACK: 2}.get(tier, 0)


def _first_of_a_chain(ordered: list[Ranked], symptoms: Symptoms) -> list[Ranked]:
    """An exception raised while another was handled is a consequence: the first of a chain is the cause.

    One that was raised `from` another is its author's own explanation, and stands.
    """
    if not ordered or ordered[0].match.field != "log":
        return ordered
    lines = symptoms.log_lines
    best = ordered[0]
    links = [
        index
        for index in range(max(0, best.match.position - _CHAIN_LINES), best.match.position)
        if _CHAINED.search(lines[index])
    ]
    if not links:
        return ordered
    earlier = [
        other
        for other in ordered[1:]
        if other.match.field == "log"
        and not other.doubts
        and other.match.signature.tier in {Tier.STATED, Tier.DISTINCT, Tier.GENERAL}
        and other.match.found[0][0] < links[-1]
        and not other.match.signature.symptom
    ]
    if not earlier:
        return ordered
    first = min(earlier, key=lambda ranked: ranked.match.found[0][0])
    return [first, *(ranked for ranked in ordered if ranked is not first)]


def _better_said_nearby(ordered: list[Ranked]) -> list[Ranked]:
    """A message often fills several lines: of those the most telling one is believed, not the last."""
    if not ordered or ordered[0].match.field != "log" or ordered[0].match.signature.tier is not Tier.GENERAL:
        return ordered
    end = ordered[0].match.position
    for other in ordered[1:]:
        telling = other.match.signature.tier in {Tier.STATED, Tier.DISTINCT} and _standing(other) == 0
        if telling and other.match.field == "log" and 0 <= end - other.match.position <= _NEAR:
            return [other, *(ranked for ranked in ordered if ranked is not other)]
    return ordered


def _survived(match: Match, symptoms: Symptoms) -> str | None:
    """Every line that shows it says that the program went on."""
    if match.field != "log":
        return None
    lines = symptoms.log_lines
    if all(_goes_on(index, lines) for index, _ in match.found):
        return "the log goes on after it as if it had been survived"
    return None


def _goes_on(index: int, lines: Sequence[str]) -> bool:
    line = lines[index]
    if _SURVIVED.search(line) and not _FINAL.search(line):
        return True
    return any(_RECOVERED.search(later) for later in lines[index + 1 : index + 1 + _NEAR])


def _succeeded(match: Match, symptoms: Symptoms) -> str | None:
    """Exit code 0: an error line is the noise of a side task, unless a reason says otherwise."""
    if symptoms.exit_code == 0 and match.field == "log" and not symptoms.container_lines:
        return "the container exited 0: a line of the log does not make that a failure"
    return None


def _killed(match: Match, symptoms: Symptoms) -> str | None:
    """A signal from outside ended the container: what the program raised before is not why."""
    if match.signature.tier is Tier.FALLBACK and symptoms.exit_code in _KILLED:
        return f"exit code {symptoms.exit_code} says that a signal from outside ended it"
    return None


def _crashed(match: Match, symptoms: Symptoms) -> str | None:
    if match.signature.tier is Tier.FALLBACK and symptoms.exit_code in {139, -11}:
        return "exit code 139 says that the program crashed"
    return None


DOUBTS: tuple[Doubt, ...] = (_survived, _succeeded, _killed, _crashed)
"""Rules that lower a finding below the threshold, each with its reason."""

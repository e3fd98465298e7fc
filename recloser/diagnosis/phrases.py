"""Phrases: what most signatures are made of. Plain text, `…` for anything between two parts of one line.

Case and runs of blanks do not count. Finding a phrase takes linear time whatever the line holds, so a hostile log
cannot make it slow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

_BLANKS = re.compile(r"\s+")
_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=2_000)
def flat(line: str) -> str:
    """A line as phrases see it: lower case, single blanks."""
    return _BLANKS.sub(" ", line).strip().lower()


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase, ready to be looked for."""

    parts: tuple[str, ...]
    words: tuple[str, ...]
    """Its words, longest first: a text without one of them holds no such phrase."""

    @property
    def rarest(self) -> str:
        """The longest word."""
        return self.words[0]

    def within(self, line: str) -> bool:
        """Whether a flat line holds the parts in their order.

        Taking each part as early as possible leaves most room for the next, so one pass decides.
        """
        at = 0
        for part in self.parts:
            at = _after(part, line, at)
            if at < 0:
                return False
        return True


def _after(part: str, line: str, start: int) -> int:
    """Where the part ends, or -1; a number counts only as a whole, not inside an id."""
    while (found := line.find(part, start)) >= 0:
        end = found + len(part)
        if not part.isdigit() or not (line[max(0, found - 1) : found].isalnum() or line[end : end + 1].isalnum()):
            return end
        start = end
    return -1


@cache
def phrase(text: str) -> Phrase:
    """Read a phrase.

    Args:
        text: Such as `Host EC2 … terminated`.

    Raises:
        ValueError: It holds no word that could be looked for.
    """
    # No text that is searched holds a backslash (`symptoms.plain`).
    parts = tuple(filter(None, (flat(part) for part in text.replace("\\", "").split("…"))))
    words = sorted(set(_WORD.findall(" ".join(parts))), key=len, reverse=True)
    if not words:
        raise ValueError(f"the phrase {text!r} holds no word")
    return Phrase(parts=parts, words=tuple(words))
